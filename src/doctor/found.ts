// What a check of the doctor finds.

/** `warn`: it works, and something that you may want does not. `next`: what to do, null where there is nothing. */
export type Found = { status: "ok" | "warn" | "fail"; reason: string; next: string | null };

export const ok = (reason: string): Found => ({ status: "ok", reason, next: null });
export const warn = (reason: string, next: string): Found => ({ status: "warn", reason, next });
export const fail = (reason: string, next: string): Found => ({ status: "fail", reason, next });

/** A path as one word of a shell. */
export const quoted = (path: string) =>
  /^[\w./@%+:,-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
