// The first line of what another process says.

/** The first line that is not empty, or "" if there is none; no more than `most` characters of it. */
export async function lineOf(stream: ReadableStream<Uint8Array>, most = 4 * 1024 * 1024): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  const reader = stream.getReader();
  while (!text.trimStart().includes("\n") && text.length <= most) {
    const { value, done } = await reader.read();
    if (done) break;
    text += decoder.decode(value, { stream: true });
  }
  reader.releaseLock();
  return text.trimStart().split("\n", 1)[0] ?? "";
}
