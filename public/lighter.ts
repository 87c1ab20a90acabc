// A photo as claude can use it: it makes larger ones smaller itself, so the phone need not send all of it.

/** Of photos this large only the picture matters. */
const LARGE_BYTES = 1_500_000;
/** claude makes a longer side this long. */
const LONGEST_SIDE = 2_000;
const QUALITY = 0.86;

/** The file, or a smaller picture of a large photo, without what the camera wrote into it (the place, for one). */
export async function lighter(file: File): Promise<{ name: string; bytes: Blob }> {
  const plain = { name: file.name || "file", bytes: file };
  const foreign = /^image\/hei[cf]$/.test(file.type); // claude does not know these.
  if (!foreign && (file.type !== "image/jpeg" || file.size <= LARGE_BYTES)) return plain;
  try {
    const image = await createImageBitmap(file);
    const scale = Math.min(1, LONGEST_SIDE / Math.max(image.width, image.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(image.width * scale);
    canvas.height = Math.round(image.height * scale);
    canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
    image.close();
    const bytes = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
    if (!bytes || (!foreign && bytes.size >= file.size)) return plain;
    return { name: plain.name.replace(/\.\w+$/, ".jpg"), bytes };
  } catch {
    return plain; // A browser that cannot read it: claude may.
  }
}
