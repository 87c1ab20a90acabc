// What reaches devboxes, as the server uses it: one pool of connections for launches, tests and listings.

import { join } from "node:path";
import type { DeviceId, SessionId } from "../protocol.ts";
import { sshAliases } from "./aliases.ts";
import { Connections } from "./connections.ts";
import type { Devbox, SshDevbox, SshSetup } from "./devbox.ts";
import type { Script } from "./directories.ts";
import { type LaunchContext, type LaunchRequest, type LaunchStep, launch } from "./launch.ts";
import { hostKey, ownKey, trust } from "./setup.ts";
import type { Ssh } from "./ssh.ts";
import { LaunchError } from "./ssh-errors.ts";
import { openTunnel } from "./tunnel.ts";

/** What reaches devboxes. */
export type Engine = AsyncDisposable & {
  launch(
    request: LaunchRequest,
    context: Omit<LaunchContext, "connections">,
    onStep: (step: LaunchStep) => void,
  ): Promise<{ session: SessionId }>;
  /** A way back from there to this server, kept open for as long as a session needs it. Rejects with LaunchError. */
  back(devbox: Devbox, device: DeviceId, data: string, signal: AbortSignal): Promise<void>;
  /** A shell there. Rejects with LaunchError. */
  script(devbox: Devbox, ...rest: Parameters<Script>): ReturnType<Script>;
  /** Of the host key that the devbox shows now, or null where it has none. Rejects with LaunchError. */
  fingerprint(devbox: Devbox): Promise<string | null>;
  /** Believes the host key of that fingerprint from now on, if that is what the devbox shows. Rejects with LaunchError. */
  trust(devbox: Devbox, fingerprint: string): Promise<void>;
  /** The key that devboxes have to let in, where this server has one of its own; the line of `authorized_keys`. */
  publicKey(): Promise<string | null>;
  /** Hosts that ssh's configuration names here. */
  aliases(): Promise<string[]>;
};

/** A connection to a devbox, which need not be closed. Rejects with LaunchError. */
type Connect = { connect(devbox: Devbox, signal?: AbortSignal): Promise<Ssh> };
export type EngineOptions = {
  /** Made when something is first wanted of a devbox. */
  setup: () => SshSetup;
  /** Where our binaries for other platforms are. */
  binaries?: string | undefined;
};

/** Dispose it to close every connection. */
export function engine({ setup, binaries }: EngineOptions): Engine & Connect {
  let made: { setup: SshSetup; connections: Connections } | null = null;
  const own = () => {
    if (made) return made;
    const first = setup();
    made = { setup: first, connections: new Connections(first) };
    return made;
  };
  return {
    launch: (request, context, onStep) =>
      launch(request, { ...context, binaries, connections: own().connections }, onStep),
    connect: (devbox, signal) => own().connections.get(devbox, signal),
    back: async (devbox, device, data, signal) => {
      const { run, folder } = own().setup;
      const to = join(data, "server.sock");
      if (devbox.kind === "ssh")
        await openTunnel({ devbox, setup: { run, folder }, device, to, by: null, data }, signal);
    },
    script: async (devbox, text, stdin, signal) =>
      (await own().connections.get(devbox, signal)).script(text, { stdin, signal }),
    fingerprint: async (devbox) =>
      devbox.kind === "ssh" ? (await hostKey(devbox, own().setup)).fingerprint : null,
    trust: async (devbox, fingerprint) => {
      if (devbox.kind === "ssh") await believe(devbox, own().setup, fingerprint);
    },
    publicKey: async () => {
      const { folder } = own().setup;
      return folder === null ? null : ownKey(folder);
    },
    aliases: async () => sshAliases(own().setup.folder),
    [Symbol.asyncDispose]: async () => made?.connections[Symbol.asyncDispose](),
  };
}

/** Only the key that somebody was asked about. */
async function believe(devbox: SshDevbox, setup: SshSetup, fingerprint: string) {
  const key = await hostKey(devbox, setup);
  if (key.fingerprint === fingerprint) return trust(devbox, setup, key);
  throw new LaunchError(
    "host_key_changed",
    `${devbox.name}: it shows another host key now than the one you were asked about (${key.fingerprint})`,
    "Compare it with the machine's own (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub there), then test again.",
    key.fingerprint,
  );
}
