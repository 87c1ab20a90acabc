// A real server in a folder of its own, on a port of its own; gone, with everything in it, when the test ends.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Route } from "../server/routes.ts";
import type { ServerOptions } from "../server/server.ts";
import { openLog, type RunningServer, startServer } from "../server/server.ts";

export type TestServer = AsyncDisposable & {
  /** "http://127.0.0.1:<port>" */
  url: string;
  port: number;
  /** Everything that the page's port answers to. */
  routes: readonly Route[];
  /** The data folder. */
  data: string;
  /** A request to the owner's socket; the parsed answer. */
  admin(method: string, path: string, body?: unknown): Promise<Record<string, unknown>>;
  /** Stops it and starts it anew, on the same folder and port. */
  restart(): Promise<void>;
  stop(): Promise<void>;
};

/** The smallest page there is. */
const ASSETS = new Map([
  ["/", { type: "text/html;charset=utf-8", body: "<!doctype html><title>claude-remote</title>" }],
  ["/app.js", { type: "text/javascript;charset=utf-8", body: new TextEncoder().encode("export {};") }],
]);

/** Starts one; `await using` ends it. */
export async function testServer(options: Partial<ServerOptions> = {}): Promise<TestServer> {
  const folder = mkdtempSync(join(tmpdir(), "claude-remote-"));
  const data = options.data ?? join(folder, "data");
  const log = openLog({ level: "silent" });
  const start = (port: number): Promise<RunningServer> => {
    return startServer({ assets: ASSETS, log, version: "0.0.0-test", ...options, data, port });
  };
  let server = await start(options.port ?? 0);
  const { port, routes } = server;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    routes,
    data,
    async admin(method, path, body) {
      const unix = join(data, "admin.sock");
      const headers = { "content-type": "application/json" };
      const init = { method, unix, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
      return (await (await fetch(`http://localhost${path}`, init)).json()) as Record<string, unknown>;
    },
    async restart() {
      await server.stop();
      server = await start(port);
    },
    stop: () => server.stop(),
    async [Symbol.asyncDispose]() {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
