// What reaches devboxes, as the server uses it: one pool of connections for launches, tests and listings.
import type { Engine } from "./annex.ts";
import type { SshSetup } from "./devbox.ts";
import { hostKey, trust } from "./host-keys.ts";
import { launch } from "./launch.ts";
import { Connections } from "./ssh.ts";
import { publicKeyIn } from "./ssh-folder.ts";

/** Dispose it to close every connection. */
export function engine(setup: SshSetup): Engine {
  const connections = new Connections(setup);
  return {
    launch: (request, context, onStep) => launch(request, { ...context, connections }, onStep),
    script: async (devbox, text, stdin, signal) =>
      (await connections.get(devbox, signal)).script(text, { stdin, signal }),
    fingerprint: async (devbox) =>
      devbox.kind === "ssh" ? ((await hostKey(devbox, setup))?.fingerprint ?? null) : null,
    trust: async (devbox, fingerprint) => {
      if (devbox.kind === "ssh") await trust(devbox, setup, fingerprint);
    },
    publicKey: () => publicKeyIn(setup.folder),
    [Symbol.asyncDispose]: () => connections[Symbol.asyncDispose](),
  };
}
