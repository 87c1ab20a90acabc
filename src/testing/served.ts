// A server with one phone that listens, for every test of a file; both are gone when its tests are.
import { afterAll } from "bun:test";
import type { ServerOptions } from "../server/server.ts";
import { testServer } from "./server.ts";
import { TestViewer } from "./viewer.ts";

/** To be called once in a test file. */
export async function served(options: Partial<ServerOptions> = {}) {
  const server = await testServer(options);
  const phone = await TestViewer.pair(server);
  await phone.listen();
  afterAll(async () => {
    phone.leave();
    await server[Symbol.asyncDispose]();
  });
  return { server, phone };
}
