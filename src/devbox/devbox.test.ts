import { expect, test } from "bun:test";
import * as v from "valibot";
import { controlPath, type Devbox, devboxSchema, type SshDevbox, words } from "./devbox.ts";

const box: SshDevbox = {
  kind: "ssh",
  name: "box",
  host: "box.example",
  user: null,
  port: null,
  key: null,
  dir: null,
};
const setup = { run: "/run/cr", folder: null, ask: false };
const accepted = (change: object) => v.safeParse(devboxSchema, { ...box, ...change }).success;

test("SEC-058 a host that is an option, a URL or empty is refused before anything runs", () => {
  const hosts = [
    ...[
      "-oProxyCommand=touch /tmp/x",
      "-F/tmp/x",
      "--",
      "",
      "-",
      "ssh://h",
      "a@b",
      "a b",
      "a\nb",
      "a\0b",
      "$(id)",
      "`id`",
    ],
    ...["h;id", "h|id", "%h", "~", "*", "../x", "h/x", "a\\b", "\u202eh", "h".repeat(300), ".", "'h'"],
  ];
  for (const host of hosts) expect([host, accepted({ host })]).toEqual([host, false]);
  for (const host of ["h", "box-1.example.org", "my_alias", "127.0.0.1", "::1", "fe80::1", "box.local"])
    expect([host, accepted({ host })]).toEqual([host, true]);
});

test("SEC-058 the host stands behind --, as the last word but ours", () => {
  const argv = words({ ...box, host: "h", user: "u", port: 2222, key: "/k" }, setup);
  expect(argv.slice(-3)).toEqual(["--", "h", "exec /bin/sh -s"]);
  expect(argv.indexOf("--")).toBe(argv.length - 3);
});

test("SEC-059 users, ports, jump hosts and key files outside our lists are refused", () => {
  const users = [
    "-l",
    "$(id)",
    "a b",
    "%h",
    "~",
    "*",
    "ssh://h",
    "a@b",
    "a\nb",
    "",
    "a;b",
    "a\0",
    "root'",
    "x".repeat(65),
  ];
  for (const user of users) expect([user, accepted({ user })]).toEqual([user, false]);
  for (const port of ["22;id", "22", 0, -1, 70_000, 1.5, Number.NaN, "", [22]])
    expect([port, accepted({ port })]).toEqual([port, false]);
  const keys = ["key", "-i", "", "/k%h", "/k$HOME", "/k\n", '/k"', "/k;x", "~root/k", "/k`id`", "/k\0"];
  for (const key of keys) expect([key, accepted({ key })]).toEqual([key, false]);
  expect(accepted({ user: "deploy", port: 2222, key: "~/.ssh/id_ed25519" })).toBe(true);
  const jump = v.safeParse(devboxSchema, { ...box, jump: "-oProxyCommand=id" });
  expect(jump.success && "jump" in jump.output).toBe(false);
});

test("SEC-059 names of devboxes are words that no path, URL or terminal reads otherwise", () => {
  for (const name of ["", "-x", ".", "..", "a/b", "a b", "a\nb", "é", "x".repeat(41), "$x"])
    expect([name, accepted({ name })]).toEqual([name, false]);
  for (const name of ["box", "Box-1.eu_west", "x".repeat(40)]) expect(accepted({ name })).toBe(true);
});

test("SEC-062 folders with NUL or without valid text are refused; any other text is a folder's name", () => {
  for (const dir of ["/a\0b", "/a\ud800", "relative", "-rf", "", `/${"x".repeat(5_000)}`, "~root", "C:\\x"])
    expect([dir, accepted({ dir })]).toEqual([dir, false]);
  for (const dir of ["/", "~", "~/a b", "/a'b\"c", "/$(id)", "/a\nb", "/🐱/ü", "/-rf", "/a;b*"])
    expect([dir, accepted({ dir })]).toEqual([dir, true]);
});

test("SEC-061 no words turn the check of host keys off, or forward an agent", () => {
  const devboxes: Devbox[] = [box, { ...box, user: "u", port: 1, key: "/k" }];
  for (const devbox of devboxes)
    for (const folder of [null, "/data/ssh"])
      for (const ask of [true, false]) {
        const text = words(devbox, { ...setup, folder, ask }).join(" ");
        expect(text).not.toMatch(/StrictHostKeyChecking=(no|off|accept)|ForwardAgent|ForwardX11| -A| -X| -Y/);
        expect(text).toContain(" -a ");
        if (folder) expect(text).toContain("StrictHostKeyChecking=yes");
      }
});

test("only where somebody sits may ssh ask", () => {
  expect(words(box, setup)).toContain("BatchMode=yes");
  expect(words(box, { ...setup, ask: true })).not.toContain("BatchMode=yes");
});

test("a container's own folder takes the place of the user's, blanks and percent signs included", () => {
  const argv = words(box, { ...setup, folder: "/da ta/100%" });
  expect(argv.join("\n")).toContain("-F\n/da ta/100%/config\n");
  expect(argv).toContain('UserKnownHostsFile="/da ta/100%%/known_hosts"');
});

test("a socket whose path would be too long is not used", () => {
  expect(controlPath(box, setup)).toMatch(/^\/run\/cr\/s-[0-9a-f]{12}$/);
  expect(controlPath(box, { ...setup, run: `/${"r".repeat(90)}` })).toBeNull();
  expect(words(box, { ...setup, run: `/${"r".repeat(90)}` })).toContain("ControlPath=none");
  expect(controlPath(box, setup, 1)).not.toBe(controlPath(box, setup, 2));
});

test("the machine itself is its own shell", () => {
  expect(words({ kind: "local", name: "local", dir: null }, setup)).toEqual(["/bin/sh", "-s"]);
});
