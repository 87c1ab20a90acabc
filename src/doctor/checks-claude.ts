// Whether there is a claude that can be run, of a version that is covered, and a terminal to run it in.
import { serverInfo } from "../background.ts";
import { CommandError } from "../command.ts";
import type { Config } from "../config.ts";
import { findClaude } from "../run.ts";
import { COVERED } from "../wrapper/claude-dialogs.ts";
import { openPty, type PtyEngine } from "../wrapper/pty.ts";
import { type Found, fail, ok, warn } from "./found.ts";

/** claude's first start of a day reads some 300 MB from disk. */
const VERSION_MS = 60_000;
/** A program that only ends takes milliseconds. */
const PTY_MS = 10_000;
const INSTALL =
  "install it (npm install -g @anthropic-ai/claude-code), or name it: CLAUDE_REMOTE_CLAUDE=/path/to/claude";
const WORD = "a-terminal";

export async function claudeCheck({ claude, paths }: Config): Promise<Found> {
  const path = pathOf(claude);
  if (path instanceof CommandError) {
    const why = path.message.split(/[.;] /)[0] ?? "";
    // Where somebody started the server himself (a container, a machine for it alone), claude may well run elsewhere.
    const serves = claude === undefined && serverInfo(paths)?.auto === false;
    return serves ? warn(`${why}: sessions run on other machines alone`, INSTALL) : fail(why, INSTALL);
  }
  const child = Bun.spawn([path, "--version"], { stdin: "ignore", stderr: "ignore", timeout: VERSION_MS });
  const version = /^(\d+\.\d+\.\d+)\b/.exec(await new Response(child.stdout).text())?.[1];
  if (!version) return fail(`${path} does not tell its version`, `see what \`${path} --version\` says`);
  if (COVERED.includes(version)) return ok(`${version} at ${path}`);
  return warn(
    `${version} at ${path} was not tried; covered are ${COVERED.join(" and ")}`,
    "claude-remote doctor --claude tries every dialog of it",
  );
}

function pathOf(claude: string | undefined): string | CommandError {
  try {
    return findClaude(claude);
  } catch (error) {
    if (error instanceof CommandError) return error;
    throw error;
  }
}

export async function ptyCheck({ pty }: Config): Promise<Found> {
  const why = await ptyFault(pty);
  if (why === null) return ok(`the engine ${pty} runs programs`);
  const other: PtyEngine = pty === "bun" ? "bun-pty" : "bun";
  if ((await ptyFault(other)) !== null)
    return fail(`no engine can open a terminal: ${why}`, "see that /dev/pts is there and may be used");
  return fail(
    `the engine ${pty} cannot open a terminal: ${why}`,
    `use the other one: CLAUDE_REMOTE_PTY=${other}`,
  );
}

/** Runs a small program in a terminal of its own. Null: all of it came through. */
function ptyFault(engine: PtyEngine): Promise<string | null> {
  const { promise, resolve } = Promise.withResolvers<string | null>();
  let output = "";
  const timer = setTimeout(() => resolve("it did not end in time"), PTY_MS);
  try {
    const size = { cols: 80, rows: 24 };
    const pty = openPty(engine, {
      ...{
        argv: ["/bin/sh", "-c", `test -t 1 && echo ${WORD}`],
        cwd: "/",
        env: { PATH: "/usr/bin:/bin" },
        ...size,
      },
      onData: (bytes) => {
        output += new TextDecoder().decode(bytes);
      },
      onExit: ({ code }) => {
        pty.close();
        resolve(code === 0 && output.includes(WORD) ? null : `a program in it ended with ${code}`);
      },
    });
  } catch (error) {
    resolve(error instanceof Error ? error.message : String(error));
  }
  return promise.finally(() => clearTimeout(timer));
}
