// Runs while page.ts is loaded or compiled (a macro): the whole page as one plain object, so that it is in the binary.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const FOLDER = join(import.meta.dir, "../public");

/** The page's files as base64, by name; those of another folder where a test has one. */
export function page(folder = FOLDER): Record<string, string> {
  const icons = readdirSync(join(folder, "icons")).map((name) => `icons/${name}`);
  const parts = scripts(folder);
  const files = {
    ...embedded(folder, ["index.html", "manifest.webmanifest", ...icons]),
    ...styles(join(folder, "styles")),
  };
  const shell = {
    "early.js": alone("early.ts", folder),
    ...parts,
    ...files,
    "index.html": preloading(files["index.html"] ?? "", parts["app.js"] ?? "", { ...parts, ...files }),
  };
  return { ...shell, "sw.js": worker(shell, folder) };
}

/** What everything on the page wears, in this order, is one file; the others come on demand. */
const WORN = "colours ground shell buttons list session card pairing sizes motion"
  .split(" ")
  .map((name) => `${name}.css`);

function styles(folder: string): Record<string, string> {
  const all = embedded(folder, readdirSync(folder));
  const worn = WORN.map((name) => Buffer.from(all[name] ?? "", "base64"));
  const others = Object.entries(all).filter(([name]) => !WORN.includes(name));
  return { "app.css": Buffer.concat(worn).toString("base64"), ...Object.fromEntries(others) };
}

/** What a phone keeps of the page, so that it opens without the server: everything but the icons of its installation. */
const NOT_KEPT = /^icons\/(180|512.*)\.png$/;

/** Hex digits that tell one build from another. */
const BUILD_CHARS = 16;

/** The service worker, which knows the page's files by their contents: another page is another worker. */
function worker(files: Record<string, string>, folder: string): string {
  const kept = Object.entries(files).filter(([name]) => !NOT_KEPT.test(name));
  const shell = Object.fromEntries(
    kept.map(([name, base64]) => [name === "index.html" ? "/" : `/${name}`, sha256(base64)]),
  );
  return alone("sw.ts", folder, [`--define=SHELL=${JSON.stringify(shell)}`]);
}

/** A script that is no module and loads nothing more. */
function alone(name: string, folder: string, more: string[] = []): string {
  const how = ["--target=browser", "--minify", "--format=iife", ...more];
  const build = [process.execPath, "build", join(folder, name), ...how];
  const { exitCode, stdout, stderr } = Bun.spawnSync(build);
  if (exitCode !== 0) throw new Error(`${name} of the page does not build: ${stderr.toString()}`);
  return stdout.toString("base64");
}

const sha256 = (base64: string) =>
  new Bun.CryptoHasher("sha256").update(Buffer.from(base64, "base64")).digest("hex");

/**
 * The page, asking for what its script begins with at once instead of when the script has come. It names its build, so that
 * it can tell whether what this phone keeps is of another one.
 */
function preloading(html: string, script: string, files: Record<string, string>): string {
  const [plain, code] = [html, script].map((base64) => Buffer.from(base64, "base64").toString());
  const parts = [...(code ?? "").matchAll(/^import\{[^}]*\}from"\.(\/part-[\w-]+\.js)"/gm)].map(
    ([, path]) => path,
  );
  const links = parts.map((path) => `<link rel="modulepreload" href="${path}">\n`).join("");
  const build = sha256(Buffer.from(JSON.stringify(files)).toString("base64")).slice(0, BUILD_CHARS);
  const named = (plain ?? "").replace("<html", `<html data-build="${build}"`);
  return Buffer.from(named.replace("</head>", `${links}</head>`)).toString("base64");
}

/** `app.js`, and beside it what is loaded on demand. Bundled by a process of its own: Bun.build blocks in a macro. */
function scripts(folder: string): Record<string, string> {
  const out = mkdtempSync(join(tmpdir(), "claude-remote-page-"));
  try {
    const how = ["--target=browser", "--minify", "--splitting", "--chunk-naming=part-[hash].[ext]"];
    const build = [process.execPath, "build", join(folder, "app.ts"), ...how, `--outdir=${out}`];
    const { exitCode, stderr } = Bun.spawnSync(build);
    if (exitCode !== 0) throw new Error(`The page does not build: ${stderr.toString()}`);
    return embedded(out, readdirSync(out));
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

const embedded = (folder: string, names: string[]) =>
  Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, name)).toString("base64")]));
