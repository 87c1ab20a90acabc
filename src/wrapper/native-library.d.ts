// A native library imported `with { type: "file" }` is the path to it, embedded in a compiled binary.
declare module "*.so" {
  const path: string;
  export default path;
}
declare module "*.dylib" {
  const path: string;
  export default path;
}
