// Under which names the page may be reached, and what each allows: its origin, and whether a login can be kept there.

/** A login cookie's name and whether it travels over https only. */
export type CookieRule = { name: "__Host-cr" | "cr"; secure: boolean };
/** One name of the server. `cookie` is null where a login would travel in clear text. */
export type Name = { origin: string; cookie: CookieRule | null };

export type Front = {
  /** The name a Host header stands for, or null: then the request is not for us. */
  named(host: string | null): Name | null;
  /** Where a phone or a browser should go. */
  url: string;
  /** The page travels in clear text beyond this machine. */
  insecure: boolean;
};

const LOOPBACK = ["127.0.0.1", "localhost", "[::1]"];
const HTTPS: CookieRule = { name: "__Host-cr", secure: true };
const HTTP: CookieRule = { name: "cr", secure: false };

/** Decides by the configured names alone, never by where a request comes from. */
export function front(options: {
  host: string;
  port: number;
  publicUrl?: string | undefined;
  insecureHttp?: boolean | undefined;
}): Front {
  const { port, insecureHttp = false } = options;
  const names = new Map<string, Name>();
  const add = (origin: string, loopback: boolean) => {
    const { host, protocol } = new URL(origin);
    const cookie = protocol === "https:" ? HTTPS : loopback || insecureHttp ? HTTP : null;
    names.set(host, { origin: new URL(origin).origin, cookie });
  };
  for (const name of LOOPBACK) add(`http://${name}:${port}`, true);
  const bound = options.host.includes(":") ? `[${options.host}]` : options.host;
  if (!isWildcard(options.host) && !isLoopback(options.host)) add(`http://${bound}:${port}`, false);
  if (options.publicUrl) add(options.publicUrl, isLoopback(new URL(options.publicUrl).hostname));
  const ownName = isLoopback(options.host) || isWildcard(options.host) ? 0 : -1;
  const url = options.publicUrl ?? [...names.values()].at(ownName)?.origin ?? "";
  return {
    named: (host) => names.get(host?.toLowerCase() ?? "") ?? null,
    url: new URL(url).origin,
    insecure:
      insecureHttp &&
      [...names].some(([, { cookie }]) => cookie === HTTP) &&
      !isLoopback(new URL(url).hostname),
  };
}

/** Names of this machine alone. */
export function isLoopback(host: string): boolean {
  return ["127.0.0.1", "localhost", "::1", "[::1]"].includes(host.toLowerCase());
}

function isWildcard(host: string): boolean {
  return ["0.0.0.0", "::", "[::]", ""].includes(host);
}
