// What one writes to claude with from a phone, beside the text itself: commands, the permission mode, files.
import type { Command, InputId, InputRefusal, ServerMessage, WrapperMessage } from "../protocol.ts";
import { unreachable } from "../protocol.ts";
import { claudeCommands } from "./claude-commands.ts";
import { mayBypass } from "./claude-modes.ts";
import { HandedFiles } from "./handed-files.ts";
import { type ModesOptions, modes } from "./modes.ts";
import { ownCommands } from "./own-commands.ts";

/** Somebody who looks at the session may want to write: what there is is read anew, but not more often than this. */
const READ_AGAIN_MS = 10_000;

export type ComposingOptions = Omit<ModesOptions, "bypass"> & {
  args: readonly string[];
  cwd: string;
  /** Where claude keeps its files. */
  folder: string;
  version: () => string | null;
  runFolder: string;
  tell: (message: WrapperMessage) => boolean;
  /** Runs `work`, which presses keys, when no text is being typed, and tells of it under that id. */
  inTurn: (id: InputId, work: () => Promise<InputRefusal | null>) => void;
};

/** Of one run. Tell it of what is painted, of each connection, and of viewers that come. */
export function composing({ tell, inTurn, runFolder, ...options }: ComposingOptions) {
  const { args, cwd, folder, version } = options;
  const plugins = args.flatMap((arg, i) => (args[i - 1] === "--plugin-dir" ? [arg] : afterSign(arg)));
  const mode = modes({ ...options, bypass: mayBypass(args) });
  const files = new HandedFiles({ runFolder, tell });
  let commands: Command[] = [];
  let readAt = Number.NEGATIVE_INFINITY;

  async function read() {
    if (performance.now() - readAt < READ_AGAIN_MS) return;
    readAt = performance.now();
    const own = await ownCommands({ cwd, folder, version: version(), plugins });
    const names = new Set(own.map(({ name }) => name));
    const all = [...own, ...claudeCommands(version()).filter(({ name }) => !names.has(name))];
    if (JSON.stringify(all) === JSON.stringify(commands)) return;
    commands = all;
    say();
  }

  const say = () => void (commands.length > 0 && tell({ type: "commands", commands }));

  return {
    painted: () => mode.painted(),
    online() {
      say();
      read();
    },
    /** Somebody looks. */
    watched: () => void read(),
    /** claude has told its version. */
    versionKnown() {
      readAt = Number.NEGATIVE_INFINITY;
      read();
    },
    obey(message: Extract<ServerMessage, { type: "mode" | "file" | "file_gone" }>) {
      switch (message.type) {
        case "mode":
          return inTurn(message.id, () => mode.switchTo(message.mode));
        case "file":
          return files.take(message);
        case "file_gone":
          return files.gone(message.id);
        default:
          unreachable(message);
      }
    },
    [Symbol.dispose]() {
      mode[Symbol.dispose]();
      files[Symbol.dispose]();
    },
  };
}

const afterSign = (arg: string) =>
  arg.startsWith("--plugin-dir=") ? [arg.slice("--plugin-dir=".length)] : [];
