// The plugin folder that makes claude call us, for one run only, and the private socket its hooks speak to.
import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { HOOK_SOCKET } from "../hook.ts";
import { privateFolder } from "../paths.ts";
import { type HookInput, hookEvents, hookInput } from "./claude-hooks.ts";
import { peerOf } from "./libc.ts";
import { claimRunFolder } from "./run-folders.ts";

/** A hook input is claude's JSON with a tool's whole input in it; a file to write can be large. */
const MAX_HOOK_BYTES = 32 * 1024 * 1024;
/** Hooks waiting at the same time: one a subagent, and a few; past it they are let go without a decision. */
const MAX_WAITING = 256;

/** One call of a hook. `reply` ends it, null without a word (once; later calls do nothing); `onGone`: claude let go first. */
export type HookCall = {
  input: HookInput;
  reply: (output: object | null) => void;
  onGone: (listener: () => void) => void;
};

/** The words claude runs for each hook: this program itself, from source or compiled. */
export type HookCommand = readonly string[];

/** `ask`: tools that ask whatever claude's mode. `admits`: whether that process may call; null where the system names none. */
export type HookOptions = { ask?: readonly string[]; admits?: (pid: number | null) => boolean };

/** The folder for one run: a claude plugin whose hooks come to `onCall`. Closing it lets every waiting hook go. */
export class Hooks implements AsyncDisposable {
  readonly #server: Server;
  readonly folder: string;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, folder: string) {
    this.#server = server;
    this.folder = folder;
  }

  /** Makes `folder` (0700, must not exist) and listens. Rejects with the system's error if it cannot. */
  static async open(
    folder: string,
    command: HookCommand,
    onCall: (call: HookCall) => void,
    { ask = [], admits = () => true }: HookOptions = {},
  ): Promise<Hooks> {
    mkdirSync(join(folder, ".claude-plugin"), { recursive: true, mode: 0o700 });
    mkdirSync(join(folder, "hooks"), { mode: 0o700 });
    const plugin = { name: "claude-remote", version: "1.0.0", description: "Answers prompts from the phone" };
    writeFileSync(join(folder, ".claude-plugin", "plugin.json"), JSON.stringify(plugin), { mode: 0o600 });
    claimRunFolder(folder);
    const hooks = hookEvents([...command, "hook"], ask);
    writeFileSync(join(folder, "hooks", "hooks.json"), JSON.stringify({ hooks }), { mode: 0o600 });
    const server = createServer();
    const self = new Hooks(server, folder);
    server.on("connection", (socket) => {
      if (admits(callerOf(socket))) self.#receive(socket, onCall);
      else socket.destroy();
    });
    const path = join(folder, HOOK_SOCKET);
    await new Promise<void>((ok, fail) => server.once("error", fail).listen(path, ok));
    chmodSync(path, 0o600);
    return self;
  }

  #receive(socket: Socket, onCall: (call: HookCall) => void) {
    if (this.#sockets.size >= MAX_WAITING) return void socket.destroy();
    this.#sockets.add(socket);
    const gone: (() => void)[] = [];
    let replied = false;
    const reply = (output: object | null) => {
      if (replied) return;
      replied = true;
      socket.end(output ? JSON.stringify(output) : "");
    };
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      this.#sockets.delete(socket);
      if (!replied) for (const listener of gone.splice(0)) listener();
    });
    whole(socket, (text) => {
      const input = hookInput(text);
      if (input) onCall({ input, reply, onGone: (listener) => gone.push(listener) });
      else socket.destroy();
    });
  }

  async [Symbol.asyncDispose]() {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((done) => this.#server.close(() => done()));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** In a folder of their own. Without hooks claude runs as well; the page then says that it has no cards for this session. */
export async function openHooks(
  runFolder: string,
  ...rest: [command: HookCommand, onCall: (call: HookCall) => void, options: HookOptions]
): Promise<Hooks | null> {
  try {
    const folder = join(privateFolder(runFolder), randomBytes(4).toString("hex"));
    return await Hooks.open(folder, ...rest);
  } catch {
    return null;
  }
}

/** The process at the other end. Bun keeps the descriptor where Node does, in the handle. */
function callerOf(socket: Socket): number | null {
  const { _handle: handle } = socket as unknown as { _handle?: { fd?: number } };
  return handle?.fd === undefined ? null : peerOf(handle.fd);
}

/** Calls `done` once with the text that follows its 4-byte length; a longer one than allowed closes the socket. */
function whole(socket: Socket, done: (text: string) => void) {
  const chunks: Buffer[] = [];
  let size = 0;
  let wanted = 4;
  socket.on("data", (bytes: Buffer) => {
    chunks.push(bytes);
    size += bytes.length;
    if (size < wanted) return;
    const all = Buffer.concat(chunks.splice(0));
    chunks.push(all);
    wanted = 4 + all.readUInt32BE();
    if (wanted > MAX_HOOK_BYTES) return void socket.destroy();
    if (size < wanted) return;
    socket.removeAllListeners("data").resume();
    done(all.subarray(4, wanted).toString());
  });
}
