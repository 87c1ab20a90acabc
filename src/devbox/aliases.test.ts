// The hosts of ssh's configuration, as a person writes it.
import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sshAliases } from "./aliases.ts";

const home = mkdtempSync(join(tmpdir(), "cr-aliases-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));

function put(path: string, text: string) {
  mkdirSync(join(home, path, ".."), { recursive: true });
  writeFileSync(join(home, path), text);
}

test("what Host lines name is offered, in order and once; patterns, options and odd names are not", () => {
  put(
    ".ssh/config",
    [
      "# Host never",
      "Include conf.d/*.conf",
      "Include ~/office/ssh.conf missing.conf",
      "  HOST box1 box2 *.example.org !box9 box?",
      'Host="quoted" -oProxyCommand=x $(id) a@b',
      "Match host box7",
      "Host box1 last",
      "Hostname not.an.alias",
      "Host *",
    ].join("\n"),
  );
  put(".ssh/conf.d/2.conf", "Host second\r\n");
  put(".ssh/conf.d/1.conf", "Host first\nInclude config\n"); // A circle.
  put("office/ssh.conf", "host=office\n");
  const known = ["first", "second", "office", "box1", "box2", "quoted", "last"];
  expect(sshAliases(null, home)).toEqual(known);
});

test("the folder that is set in its place counts, and without a configuration there are none", () => {
  put("ssh/config", `Host only\n${"Host ".concat(Array.from({ length: 500 }, (_, i) => `h${i}`).join(" "))}`);
  const some = sshAliases(join(home, "ssh"), home);
  expect(some.slice(0, 2)).toEqual(["only", "h0"]);
  expect(some).toHaveLength(200);
  expect(sshAliases(join(home, "nowhere"), home)).toEqual([]);
});
