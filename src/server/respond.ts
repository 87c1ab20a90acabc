// From a request to its response: the door, the route, the body, the handler, and the one catch around them all.
import type { Server } from "bun";
import type { AddressOf } from "./address.ts";
import { ApiError, errorResponse, expected } from "./errors.ts";
import type { Caller, Door } from "./gate.ts";
import { withHeaders } from "./headers.ts";
import type { Logger } from "./log.ts";
import { ownerOf } from "./owner.ts";
import { type Route, readBody, router } from "./routes.ts";
import type { SocketData } from "./uplink.ts";

export type ResponderOptions = {
  routes: readonly Route[];
  door: Door;
  log: Logger;
  /** Whose request it is; the socket's other end unless told. */
  addressOf?: AddressOf;
};

/** The `fetch` of a listener. Whatever happens below it, the caller gets an answer that says nothing of the inside. */
export function responder(options: ResponderOptions) {
  const { routes, door, log, addressOf = (peer) => peer } = options;
  const find = router(routes);
  const addressFor = (request: Request, server: Server<SocketData>) =>
    addressOf(server.requestIP(request)?.address ?? "", request.headers.get("x-forwarded-for"));

  async function answer(request: Request, server: Server<SocketData>): Promise<Response | null> {
    const name = door.name(request);
    const url = new URL(request.url);
    const { route, params } = find(request.method, url.pathname);
    const caller = door.admit(request, route, name);
    const address = addressFor(request, server);
    if (route.socket) return upgraded(request, server, dataFor(route.socket, caller, address));
    const body = await readBody(request, route.schema);
    const still = () => door.still(caller);
    if (route.schema) still(); // Whoever sends a body slowly may have been put out while it came.
    const response = await route.handle({
      ...{ request, params, name, caller, still, address, query: url.searchParams },
      body: body as never, // Made by the schema that stands beside the handler.
      // The shortest time the server knows: it also ends a socket that nobody reads from.
      letGo: () => server.timeout(request, 1),
      keep: () => server.timeout(request, 0),
    });
    return request.method === "HEAD" ? new Response(null, response) : response;
  }

  return async (request: Request, server: Server<SocketData>): Promise<Response | undefined> => {
    const id = Bun.randomUUIDv7();
    try {
      const response = await answer(request, server);
      return response ? withHeaders(response) : undefined;
    } catch (error) {
      const told = expected(error);
      if (told.code === "internal")
        log.error({ request: id, error: String(error), at: stackOf(error) }, "request failed");
      else log.debug({ request: id, refusal: told.code }, "request refused");
      return withHeaders(errorResponse(told, id));
    }
  };
}

/** Null: it is a WebSocket now. */
function upgraded(request: Request, server: Server<SocketData>, data: SocketData): null {
  if (server.upgrade(request, { data })) return null;
  throw new ApiError("invalid", "This is a WebSocket.");
}

function dataFor(kind: "wrapper" | "desk", caller: Caller, address: string): SocketData {
  const token = caller.kind === "token" ? caller.token.id : null;
  const desk = kind === "desk" ? { by: ownerOf({ caller, address }), token } : null;
  return { connection: null, address, desk };
}

/** Where in our own code it failed. */
function stackOf(error: unknown): string | undefined {
  return error instanceof Error ? error.stack?.split("\n").slice(1, 6).join("\n") : undefined;
}
