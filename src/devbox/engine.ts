// What reaches devboxes, as the server uses it: one pool of connections for launches, tests and listings.
import type { Engine } from "./annex.ts";
import type { Devbox, SshSetup } from "./devbox.ts";
import { hostKey, trust } from "./host-keys.ts";
import { launch } from "./launch.ts";
import { Connections, type Ssh } from "./ssh.ts";
import { publicKeyIn } from "./ssh-folder.ts";

/** `setup` is made when something is first wanted of it. Dispose it to close every connection. */
export function engine(setup: () => SshSetup): Engine & { connect(devbox: Devbox): Promise<Ssh> } {
  let made: { setup: SshSetup; connections: Connections } | null = null;
  const own = () => {
    if (made) return made;
    const first = setup();
    made = { setup: first, connections: new Connections(first) };
    return made;
  };
  return {
    launch: (request, context, onStep) =>
      launch(request, { ...context, connections: own().connections }, onStep),
    connect: (devbox) => own().connections.get(devbox),
    script: async (devbox, text, stdin, signal) =>
      (await own().connections.get(devbox, signal)).script(text, { stdin, signal }),
    fingerprint: async (devbox) =>
      devbox.kind === "ssh" ? ((await hostKey(devbox, own().setup))?.fingerprint ?? null) : null,
    trust: async (devbox, fingerprint) => {
      if (devbox.kind === "ssh") await trust(devbox, own().setup, fingerprint);
    },
    publicKey: () => publicKeyIn(own().setup.folder),
    [Symbol.asyncDispose]: async () => made?.connections[Symbol.asyncDispose](),
  };
}
