// What the system's own manager is told of the server: a systemd user unit, a launchd agent. Text from facts, nothing else.

export type Facts = {
  /** The words that start the server. */
  command: readonly string[];
  env: Readonly<Record<string, string>>;
};

export const UNIT = "claude-remote.service";
export const LABEL = "claude-remote.server";

/** A systemd user unit. */
export function systemdUnit({ command, env }: Facts): string {
  const variables = Object.entries(env).map(([name, value]) => `Environment=${word(`${name}=${value}`)}`);
  return `# Written by \`claude-remote service install\`; your own changes: systemctl --user edit ${UNIT.replace(/\..*/, "")}
[Unit]
Description=claude-remote: Claude Code on your phone
# One that a wrapper started may still be in the way: it is tried again until it has ended.
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart=${command.map((one, at) => (at === 0 ? word(one) : verbatim(one))).join(" ")}
${variables.join("\n")}
Restart=on-failure
RestartSec=5
# A session that a phone started on this machine outlives the server, and its memory is not the server's fault.
KillMode=process
OOMPolicy=continue
NoNewPrivileges=yes
LimitCORE=0

[Install]
WantedBy=default.target
`;
}

/** A word as systemd reads it back: its own marks escaped, and % which stands for a value. */
const word = (text: string) =>
  `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("%", "%%").replaceAll("\n", "\\n")}"`;

/** An argument; in the program's own place no $ is read as a variable. */
const verbatim = (text: string) => word(text).replaceAll("$", "$$$$");

/** A launchd agent; `log` is where what it says goes. */
export function launchdAgent({ command, env }: Facts, log: string): string {
  const words = command.map((one) => `    <string>${xml(one)}</string>`);
  const variables = Object.entries(env).map(
    ([name, value]) => `    <key>${xml(name)}</key><string>${xml(value)}</string>`,
  );
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key><string>${LABEL}</string>
  <key>ProgramArguments</key>
  <array>
${words.join("\n")}
  </array>
  <key>EnvironmentVariables</key>
  <dict>
${variables.join("\n")}
  </dict>
  <key>RunAtLoad</key><true/>
  <key>KeepAlive</key><dict><key>SuccessfulExit</key><false/></dict>
  <key>AbandonProcessGroup</key><true/>
  <key>ProcessType</key><string>Background</string>
  <key>StandardOutPath</key><string>${xml(log)}</string>
  <key>StandardErrorPath</key><string>${xml(log)}</string>
</dict>
</plist>
`;
}

const xml = (text: string) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

/** Of the environment what says where the user's files are, which programs there are, and how the server is set. */
export function keptEnv(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const kept = Object.entries(env).flatMap(([name, value]) =>
    value && KEPT.test(name) && !LEFT_OUT.includes(name) ? [[name, value] as const] : [],
  );
  return Object.fromEntries(kept.sort(([a], [b]) => (a < b ? -1 : 1)));
}

const KEPT = /^(PATH|XDG_(CONFIG|DATA|STATE)_HOME|CLAUDE_REMOTE_[A-Z_]+)$/;
/** A secret stands in no unit; the other two are for one run of claude. */
export const SECRET = "CLAUDE_REMOTE_METRICS_TOKEN";
const LEFT_OUT = [SECRET, "CLAUDE_REMOTE_OFF", "CLAUDE_REMOTE_TEST_ALL"];
