// What a person should notice about an input before saying yes. Computed here, never taken from claude; a note, not a verdict.
import type { Json } from "../src/protocol.ts";

export type Risk = "outside" | "network" | "delete" | "sudo" | "shell" | "sandbox";

/** In the order they are shown, worst first. */
export const RISKS: Record<Risk, string> = {
  sudo: "Runs as another user (sudo)",
  delete: "Deletes or overwrites",
  outside: "Reaches outside the project",
  network: "Uses the network",
  shell: "Runs code it fetches or builds",
  sandbox: "Switches the sandbox off",
};

const SUDO = /(^|[\s;&|(`"'/])(sudo|doas|su|pkexec|runuser)(\s|$)/m;
const DELETE =
  /(^|[\s;&|(`"'/])(rm|rmdir|unlink|shred|truncate|dd|mkfs[.\w]*|wipefs|kill|pkill|killall)(\s|$)|\s-delete\b|\bgit\s+(\S+\s+)*(clean|reset\s+--hard|restore|checkout\s+--|branch\s+-D|push\s+(\S+\s+)*(-f\b|--force))|\b(drop|truncate)\s+(table|database|schema)\b|\bdelete\s+from\b/im;
const NETWORK =
  /(^|[\s;&|(`"'/])(curl|wget|ssh|scp|sftp|rsync|nc|ncat|netcat|socat|telnet|ftp|dig|nslookup|aws|gcloud|kubectl|gh)(\s|$)|\bgit\s+(\S+\s+)*(push|pull|fetch|clone)\b|\b(npm|pnpm|yarn|bun|pip3?|uv|cargo|gem|go|apt(-get)?|brew|docker)\s+(\S+\s+)*(i|install|add|ci|get|publish|push|pull|update|upgrade|login)\b|\b(https?|ftp|wss?):\/\//im;
const SHELL =
  /\|\s*(sudo\s+)?((ba|z|da|k)?sh|python3?|node|perl|ruby|php)\b|(^|[\s;&|(])(eval|source|exec)\s|\b(ba)?sh\s+<\(/m;
/** Paths that everybody uses and nobody minds. */
const HARMLESS = /^\/dev\/(null|stdout|stderr|stdin|tty|fd\/\d+)$/;

/** The notes for one prompt. */
export function risksOf(prompt: { tool: string; input: Json; cwd: string }): Risk[] {
  const { tool, cwd } = prompt;
  const input = typeof prompt.input === "object" && !Array.isArray(prompt.input) ? (prompt.input ?? {}) : {};
  const text = (name: string) => (typeof input[name] === "string" ? input[name] : "");
  const command = tool === "Bash" ? text("command") : "";
  const path = text("file_path") || text("notebook_path") || text("path");
  const found = new Set<Risk>();
  if (SUDO.test(command)) found.add("sudo");
  if (DELETE.test(command)) found.add("delete");
  if (reachesOut(command, cwd) || (path !== "" && isOutside(path, cwd))) found.add("outside");
  if (NETWORK.test(command) || tool === "WebFetch" || tool === "WebSearch") found.add("network");
  if (SHELL.test(command)) found.add("shell");
  if (input.dangerouslyDisableSandbox === true) found.add("sandbox");
  return (Object.keys(RISKS) as Risk[]).filter((risk) => found.has(risk));
}

/** Whether any word of a command names a place outside `cwd`. */
function reachesOut(command: string, cwd: string): boolean {
  const words = command.match(/[^\s;&|()<>"'`=,]+/g) ?? [];
  return words.some((word, i) => {
    if (/^(~|\$\{?HOME)/.test(word) || /(^|\/)\.\.(\/|$)/.test(word)) return isOutside(word, cwd);
    if (!word.startsWith("/")) return false;
    const isProgram = i === 0 && /^\/(usr\/(local\/)?)?s?bin\//.test(word);
    return !isProgram && isOutside(word, cwd);
  });
}

/** Whether a path, absolute or from `cwd`, leads out of `cwd`. What the shell would still expand counts as outside. */
export function isOutside(path: string, cwd: string): boolean {
  if (HARMLESS.test(path)) return false;
  if (/^(~|\$)/.test(path)) return true;
  const full = normal(path.startsWith("/") ? path : `${cwd}/${path}`);
  const home = normal(cwd);
  return full !== home && !full.startsWith(home === "/" ? "/" : `${home}/`);
}

function normal(path: string): string {
  const parts: string[] = [];
  for (const name of path.split("/")) {
    if (name === "..") parts.pop();
    else if (name !== "" && name !== ".") parts.push(name);
  }
  return `/${parts.join("/")}`;
}
