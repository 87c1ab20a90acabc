export function typed(text: string): { after: number; bytes: Uint8Array }[] {
  return [text, "\r"].map((t, i) => ({ after: i * 50, bytes: new TextEncoder().encode(t) }));
}
