// `claude-remote help`: every command and setting that exists.
import { SETTINGS } from "./config.ts";

const COMMANDS = `claude-remote [--private] [--pty bun|bun-pty] [--ask TOOLS] [--on-hangup detach|end] [claude arguments]
    run claude, reachable from your phone
claude-remote -- [claude arguments]     the same, where claude's first word is one of ours
claude-remote serve                     run the server: page, API, database
claude-remote pair [--yes] [--json]     let a phone in
claude-remote device add <name> [--operate] [--url URL] [--yes] [--json] | list [--json] | revoke <id or name> | revoke --all
    let another machine report its sessions to this server, and with --operate give the owner's commands
claude-remote viewer list [--json] | revoke <id or name> | revoke --all [--yes]
    the paired phones
claude-remote token create <name> --scope read,input,metrics [--days N] [--yes] [--json] | list [--json] | revoke …
    credentials for programs that use the API
claude-remote join [- | <link>] | join --leave
    let this machine report to a server elsewhere
claude-remote sessions [--json]         the open sessions and the newest ended
claude-remote attach [<session>] [--lines N] [--detach-key KEYS]
    a full terminal on a session, also where its own was closed
claude-remote resume [<session or conversation> | --last] [--on <devbox>] [--here] [--json] [claude arguments]
    the conversations here and on devboxes, and going on with one
claude-remote ssh [--dir FOLDER] [--detach] <devbox or ssh host> [claude arguments]
    claude on another machine, in this terminal and on the phone
claude-remote devbox add <name> [<ssh host>] [--user U] [--port N] [--key FILE] [--dir FOLDER] [--host-key SHA256:…] | list | status [<name>] | remove <name>
    the machines on which sessions can be started; each with --json
claude-remote stop <session>            end a session
claude-remote healthcheck               whether this machine's server answers: 0, else 4
claude-remote backup <file> [--with-key]  everything the server keeps in one file, while it runs
claude-remote restore <file> [--yes]    put a backup in the place of the data, which are kept
claude-remote doctor [--json]           is everything on this machine as it should be
claude-remote doctor --claude [--all] [--json]
    can everything that your claude asks be answered from a phone
claude-remote service install [--print] [serve's flags] | status [--json] | uninstall
    the server as a service of yours, started with the machine (systemd, launchd)
claude-remote completion bash|zsh|fish  completes our words and flags in that shell
claude-remote demo                      see it work without a claude
claude-remote version
claude-remote help`;

export async function printHelp(): Promise<number> {
  const widest = Math.max(...Object.keys(SETTINGS).map(({ length }) => length));
  const settings = Object.entries(SETTINGS).map(([name, { about }]) => `  ${name.padEnd(widest)}  ${about}`);
  console.log(
    `${COMMANDS}\n\nSettings (in config.toml, or as CLAUDE_REMOTE_NAME; some are flags as well, docs/settings.md):\n${settings.join("\n")}`,
  );
  return 0;
}
