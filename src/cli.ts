#!/usr/bin/env bun
// argv to one command. The only file that does anything when run; each command is loaded when it is asked for.
import { CommandError, printable } from "./command.ts";
import { ConfigError } from "./config.ts";

/** Our own words; everything else belongs to claude. `docs/commands.md` describes each. */
const COMMANDS: Record<string, (args: string[]) => Promise<number>> = {
  serve: async (args) => (await import("./serve.ts")).serve(args),
  pair: async (args) => (await import("./pair.ts")).pair(args),
  device: async (args) => (await import("./device.ts")).device(args),
  viewer: async (args) => (await import("./viewer.ts")).viewer(args),
  token: async (args) => (await import("./token.ts")).token(args),
  join: async (args) => (await import("./join.ts")).join(args),
  sessions: async (args) => (await import("./sessions.ts")).sessions(args),
  resume: async (args) => (await import("./resume.ts")).resume(args),
  attach: async (args) => (await import("./attach.ts")).attach(args),
  stop: async (args) => (await import("./stop.ts")).stop(args),
  devbox: async (args) => (await import("./devbox.ts")).devbox(args),
  ssh: async (args) => (await import("./ssh.ts")).ssh(args),
  healthcheck: async (args) => (await import("./healthcheck.ts")).healthcheck(args),
  backup: async (args) => (await import("./backup.ts")).backup(args),
  restore: async (args) => (await import("./restore.ts")).restore(args),
  doctor: async (args) => (await import("./doctor.ts")).doctor(args),
  service: async (args) => (await import("./service.ts")).service(args),
  completion: async (args) => (await import("./completion.ts")).completion(args),
  demo: async (args) => (await import("./run.ts")).demo(args),
  version: async () => (await import("./version.ts")).printVersion(),
  help: async () => (await import("./help.ts")).printHelp(),
  hosted: async (args) => (await import("./hosted.ts")).hosted(args),
  tunnel: async () => (await import("./tunnel.ts")).tunnel(),
  hook: async (args) => (await import("./hook.ts")).hook(args),
  "doctor-mcp": async (args) => (await import("./doctor/mcp-server.ts")).mcpServer(args),
  "demo-claude": async (args) => (await import("./demo/demo.ts")).demoClaude(args),
};

// Bun paints red what is said there at a terminal; hardly any of it is a fault.
console.error = (text: string) => void process.stderr.write(`${text}\n`);

async function main(argv: string[]): Promise<number> {
  const [word = "", ...rest] = argv;
  const command = Object.hasOwn(COMMANDS, word) ? COMMANDS[word] : undefined;
  if (command) return command(rest);
  const protectsOurs = word === "--" && Object.hasOwn(COMMANDS, rest[0] ?? "");
  return (await import("./run.ts")).run(protectsOurs ? rest : argv); // Any other `--` is claude's.
}

/** 0 ok, 1 failure, 2 usage, 3 configuration, 4 server unreachable, 5 refused; a wrapped claude's own code otherwise. */
function codeOf(error: unknown): number {
  const message = (error instanceof Error ? error.message : String(error))
    .split("\n")
    .map(printable)
    .join("\n");
  process.stderr.write(`claude-remote: ${message}\n`);
  if (error instanceof ConfigError) return 3;
  return error instanceof CommandError ? error.exitCode : 1;
}

main(process.argv.slice(2))
  .catch(codeOf)
  .then((code) => {
    process.exitCode = code;
  });
