import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  connectError,
  FAILURES,
  LaunchError,
  type LaunchFailure,
  lostError,
  type SshEnd,
  saidBy,
} from "./ssh-errors.ts";

/** Every case that ssh itself ends, by its name among the recordings. */
const EXPECTED: Record<string, LaunchFailure> = {
  "connection refused": "refused",
  "name does not resolve (no such name)": "dns",
  "host key unknown, strict (BatchMode)": "host_key_unknown",
  "host key unknown, StrictHostKeyChecking=yes": "host_key_unknown",
  "host key CHANGED": "host_key_changed",
  "host key revoked": "host_key_revoked",
  "auth: wrong key": "auth",
  "auth: unknown user": "auth",
  "auth: key file missing": "key_file",
  "auth: private key too open": "key_file",
  "auth: key needs a passphrase, BatchMode": "auth",
  "auth: too many keys offered by the agent": "too_many_keys",
  "account locked (password '!')": "auth",
  "account with nologin shell": "nologin",
  "algorithm mismatch": "algorithms",
  "bad option in ssh config": "config",
  "ssh config file missing": "config",
  "-W/ProxyJump target closed": "jump",
  "ProxyJump host refused": "refused",
  "ProxyCommand fails": "jump",
  "ForceCommand replaces ours": "no_shell",
  "peer closes at once": "closed",
  "peer resets at once": "closed",
  "peer speaks HTTP": "closed",
  "peer accepts and says nothing (ConnectTimeout 4)": "timeout",
  "MaxStartups text": "closed",
};

/** The recordings of one version of OpenSSH, by name. */
function recorded(version: string): Map<string, SshEnd> {
  const text = readFileSync(join(import.meta.dir, "testdata", `openssh-${version}.md`), "utf8");
  const cases = text.split(/^### /m).slice(1); // What stands before the first one is for people.
  return new Map(
    cases.map((one) => {
      const name = one.slice(0, one.indexOf("\n"));
      const code = Number(/-> exit (\d+),/.exec(one)?.[1]);
      const said = /\n```\n([\s\S]*?)```/.exec(one)?.[1] ?? "";
      const at = said.indexOf("[stdout] ");
      const out = at < 0 ? "" : said.slice(at + "[stdout] ".length);
      return [name, { code, out, err: at < 0 ? said : said.slice(0, at) }] as const;
    }),
  );
}

for (const version of ["9.2", "10.0"]) {
  const cases = recorded(version);
  for (const [name, failure] of Object.entries(EXPECTED)) {
    test(`OpenSSH ${version}: "${name}" is ${failure}, with something to do next`, () => {
      const end = cases.get(name);
      if (!end) throw new Error("it was not recorded");
      const error = connectError("box", end);
      expect(error.class).toBe(failure);
      expect(error.message).toStartWith("box: ");
      expect(error.next.length).toBeGreaterThan(10);
    });
  }
}

test("OpenSSH 10.0: an address that its sshd has banned is told to wait, whatever the ban looks like", () => {
  const [refused, ...banned] = [...recorded("10.0-penalties").values()];
  if (!refused) throw new Error("nothing was recorded");
  expect(connectError("box", refused).class).toBe("auth");
  expect(banned).toHaveLength(4);
  for (const end of banned) {
    const { class: failure, message, next } = connectError("box", end);
    expect(failure).toBe("closed");
    expect(message).toMatch(
      /^box: it closes the connection at once \((kex_exchange|Connection closed by).*\)$/,
    );
    expect(next).toContain("wait some minutes, then try once");
  }
});

test("docs/troubleshooting.md has a line for every class, and for no other", () => {
  const text = readFileSync(join(import.meta.dir, "..", "..", "docs", "troubleshooting.md"), "utf8");
  const table = /^## .*devbox.*\n([\s\S]*?)^## /m.exec(text)?.[1] ?? "";
  const named = [...table.matchAll(/^\| (`[^|]*`) \| [^|]{10,} \| [^|]{10,} \|$/gm)].flatMap(
    ([, cell = ""]) => [...cell.matchAll(/`(\w+)`/g)].map(([, word]) => word ?? ""),
  );
  expect(named.toSorted()).toEqual(FAILURES.toSorted());
});

test("a failure on the way over another host is that host's, and a warning about a key no reason by itself", () => {
  const of = (err: string, code = 255) => connectError("box", { code, out: "", err });
  const over = of("ada@jump: Permission denied (publickey).\r\nConnection closed by UNKNOWN port 65535\r\n");
  expect(over.class).toBe("auth");
  expect(over.message).toBe(
    "box: at a host on the way there, it does not let this user in (ada@jump: Permission denied (publickey))",
  );
  const warned = "Warning: Identity file /k not accessible: No such file or directory.\n";
  expect(of(`${warned}box@h: Permission denied (publickey).`).class).toBe("key_file");
  expect(of(`${warned}Connection to h closed by remote host.`).class).toBe("lost");
  expect(of("ada@h: Permission denied (password,keyboard-interactive).").message).toContain(
    "lets nobody in by a key",
  );
});

test("what no recording here has is told apart as well", () => {
  const of = (err: string, code = 255) => connectError("box", { code, out: "", err }).class;
  expect(of("ssh: connect to host h port 22: Connection timed out")).toBe("timeout");
  expect(of("ssh: connect to host h port 22: No route to host")).toBe("unreachable");
  expect(of("ssh: connect to host h port 22: Network is unreachable")).toBe("unreachable");
  expect(of("ssh: connect to host h port 22: Permission denied")).toBe("unreachable");
  expect(of("Timeout, server h not responding.")).toBe("lost");
  expect(of("Connection to h closed by remote host.")).toBe("lost");
  expect(of("client_loop: send disconnect: Broken pipe")).toBe("lost");
  expect(of("")).toBe("lost");
  expect(of("", 0)).toBe("no_shell");
});

test("an end without a word is a lost connection, never a success", () => {
  for (const code of [255, null, 0, 137]) {
    const error = lostError("box", { code, out: "", err: "" });
    expect(error).toBeInstanceOf(LaunchError);
    expect(error.class).toBe("lost");
  }
});

test("what the other side says reaches a terminal as one harmless line", () => {
  const { message } = connectError("box", {
    code: 255,
    out: "",
    err: "\x1b[2J\x07boom\nkex_exchange_identification: x\n",
  });
  expect(message).not.toMatch(/[\p{Cc}]/u);
  expect(saidBy(`a\nb\x1b[31m${"c".repeat(10_000)}`).length).toBeLessThan(500);
});
