// `claude-remote hosted`, internal: what a launch runs on a devbox.
import { CommandError, flags, USAGE } from "./command.ts";
import { beginHosted, runHosted } from "./devbox/hosted.ts";
import { printEnvironment } from "./devbox/login.ts";
import { reach } from "./devbox/reach.ts";

const USAGE_LINE = "claude-remote hosted [--run | --reach | --environment]";
const OPTIONS = {
  run: { type: "boolean" },
  reach: { type: "boolean" },
  environment: { type: "boolean" },
} as const;

/** Starts the wrapper that stdin orders; `--run` is it, `--reach` looks for the server, `--environment` says what is set. */
export async function hosted(args: string[]): Promise<number> {
  const { values, positionals } = flags(args, OPTIONS, USAGE_LINE);
  if (positionals.length > 0) throw new CommandError(`Usage: ${USAGE_LINE}`, USAGE);
  if (values.environment) return printEnvironment();
  if (values.reach) return reach();
  if (!values.run) return beginHosted();
  process.exit(await runHosted()); // Whatever else is under way: claude has ended, and so do we.
}
