// What stands in a push, and when it may have an Approve button.
import { describe, expect, test } from "bun:test";
import type { Json, PromptState, Session } from "../../protocol.ts";
import { openPrompt, session } from "../../testing/push-world.ts";
import type { Notice } from "./notices.ts";
import { PAYLOAD_BYTES } from "./send.ts";
import { mayApprove } from "./shown.ts";
import { pushOf, testOf, type Wording, withdrawalOf } from "./wording.ts";

const WORDING: Wording = {
  ...{ url: "https://box.example.org", private: false, open: 2, actions: true },
  nonce: () => "n".repeat(22),
};
const cwd = "/home/ada/webshop";

function asked(change: Partial<PromptState> = {}, of: Partial<Session> = {}): Notice {
  const known = session(of);
  const prompt = openPrompt(known, change);
  return { id: "n1", topic: "session s1", at: 0, kind: prompt.kind, prompt, session: known };
}
function shown(notice: Notice, change: Partial<Wording> = {}) {
  const wrapped = pushOf({ kind: "one", notice }, { ...WORDING, ...change });
  return { ...wrapped, ...JSON.parse(wrapped.payload).notification };
}
const file = (tool: string, input: Json) => openPrompt(session(), { tool, input, prompt_text: tool });

test("a question says project, tool and input, and where it is answered", () => {
  const { title, body, navigate, tag, app_badge, urgency, ttlSeconds, payload } = shown(asked());
  expect({ title, body, navigate, tag, app_badge }).toEqual({
    ...{ title: "webshop: needs approval", body: "Bash: npm test", tag: "session s1", app_badge: "2" },
    navigate: "https://box.example.org/p/p1",
  });
  expect({ urgency, ttlSeconds }).toEqual({ urgency: "high", ttlSeconds: 600 });
  expect(JSON.parse(payload).web_push).toBe(8030);
});

test("SEC-039 claude's own description of it stands nowhere", () => {
  const input = { command: "rm -rf ~", description: "list files" };
  const { payload, body } = shown(asked({ input, prompt_text: "list files" }));
  expect(body).toBe("Bash: rm -rf ~");
  expect(payload).not.toContain("list files");
});

test("SEC-083 private notifications name no command, path or project", () => {
  const known = session({ title: "Secret plan", cwd: "/home/ada/secret-project" });
  const prompt = openPrompt(known, { input: { command: "secret command" }, prompt_text: "secret command" });
  const notices: Notice[] = [
    { id: "1", topic: "session s1", at: 0, kind: "permission", prompt, session: known },
    { id: "2", topic: "session s1", at: 0, kind: "reminder", prompt, session: known },
    { id: "3", topic: "done s1", at: 0, kind: "done", session: known, ranMs: 90_000 },
    {
      id: "4",
      topic: "host d1",
      at: 9,
      kind: "host_lost",
      device: known.device_id,
      host: "secret-host",
      since: 0,
    },
  ];
  const hidden = { ...WORDING, private: true };
  const payloads = [
    ...notices.map((notice) => pushOf({ kind: "one", notice }, hidden)),
    pushOf({ kind: "digest", why: "quiet", notices }, hidden),
    withdrawalOf("session s1", { ...prompt, responded_by: "secret phone" }, hidden),
  ].map(({ payload, title }) => payload + title);
  expect(payloads.join("\n")).not.toMatch(/secret|npm|Bash/i);
  expect(payloads[0]).toContain("A session needs you");
});

describe("SEC-040 Approve stands in a notification", () => {
  const good: [string, Json][] = [
    ["Read", { file_path: `${cwd}/src/cart.ts` }],
    ["Write", { file_path: `${cwd}/notes.md`, content: "done" }],
    ["Edit", { file_path: `${cwd}/src/cart.ts`, old_string: "a", new_string: "b" }],
    ["Grep", { pattern: "total" }],
  ];
  test("where all of the input does, for ordinary files of the project", () => {
    for (const [tool, input] of good) {
      expect(mayApprove(file(tool, input)), tool).toBe(true);
      const notice = asked({ tool, input });
      const { actions, data, body } = shown(notice);
      expect(actions.map(({ action }: { action: string }) => action)).toEqual(["approve", "reject"]);
      expect(data).toMatchObject({ prompt: "p1", digest: "a".repeat(64), nonce: "n".repeat(22) });
      for (const value of Object.values(input as object)) expect(body).toContain(value);
    }
  });

  const bad: [string, Json][] = [
    ["Bash", { command: "ls" }],
    ["PowerShell", { command: "ls" }],
    ["WebFetch", { url: "https://example.org" }],
    ["mcp__files__read", { file_path: `${cwd}/a.ts` }],
    ["Task", { prompt: "look" }],
    ["Read", { file_path: "/etc/passwd" }],
    ["Read", { file_path: `${cwd}/../other/a.ts` }],
    ["Read", { file_path: "~/.ssh/id_rsa" }],
    ["Read", { file_path: "/home/ada/webshop-evil/a.ts" }],
    ["Write", { file_path: `${cwd}/.git/hooks/pre-commit`, content: "x" }],
    ["Write", { file_path: `${cwd}/.env`, content: "x" }],
    ["Write", { file_path: `${cwd}/package.json`, content: "{}" }],
    ["Write", { file_path: `${cwd}/tools/run.sh`, content: "x" }],
    ["Write", { file_path: `${cwd}/a.ts`, content: "x".repeat(200) }],
    ["Write", { file_path: `${cwd}/a.ts`, content: "one\ntwo" }],
    ["Write", { file_path: `${cwd}/a.ts`, content: "x\u202Ey" }],
    ["Write", { file_path: `${cwd}/\u0430.ts`, content: "x" }],
    ["Write", { content: "x" }],
    ["Write", { file_path: 5, content: "x" }],
    ["__proto__", { file_path: `${cwd}/a.ts` }],
    ["toString", {}],
  ];
  test("never for a shell, the network, other places, what is run, or what is not all seen", () => {
    for (const [tool, input] of bad) {
      expect(mayApprove(file(tool, input)), `${tool} ${JSON.stringify(input)}`).toBe(false);
      const { actions, data } = shown(asked({ tool, input }));
      expect(actions.map(({ action }: { action: string }) => action)).toEqual(["open"]);
      expect(data.nonce).toBeUndefined();
    }
  });

  test("never for plans, questions or dialogs, nor where there are two ways to say yes", () => {
    const [tool, input] = ["Read", { file_path: `${cwd}/a.ts` }];
    for (const kind of ["plan", "question", "dialog"] as const)
      expect(mayApprove({ ...file(tool, input), kind })).toBe(false);
    const prompt = file(tool, input);
    const [yes] = prompt.options;
    expect(yes && mayApprove({ ...prompt, options: [...prompt.options, yes] })).toBe(false);
  });

  test("never where the platform has no buttons, in private, or in a reminder", () => {
    const notice = asked({ tool: "Read", input: { file_path: `${cwd}/a.ts` } });
    expect(shown(notice, { actions: false }).actions).toBeUndefined();
    expect(shown(notice, { private: true }).payload).not.toContain("nonce");
    expect(shown({ ...notice, kind: "reminder" } as Notice).payload).not.toContain("nonce");
  });

  test("SEC-041 and no address answers: every action's leads to the prompt alone", () => {
    const { actions } = shown(asked({ tool: "Read", input: { file_path: `${cwd}/a.ts` } }));
    for (const { navigate } of actions) expect(navigate).toBe("https://box.example.org/p/p1");
  });
});

test("of a long input the beginning is shown, with marks for what cannot be seen", () => {
  const command = `echo \u202E\u0007${"x".repeat(500)}`;
  const { body } = shown(asked({ input: { command } }));
  expect(body).toStartWith("Bash: echo <U+202E><U+0007>xxx");
  expect(Array.from(body)).toHaveLength(120);
  expect(body).toEndWith("…");
});

test("no push is longer than every push service takes", () => {
  const long = "\u202E".repeat(10_000);
  const known = session({ cwd: `/home/${long}`, title: long, device_name: long });
  const prompt = openPrompt(known, { tool: long, input: { command: long }, prompt_text: long });
  const wide = "𝕏".repeat(5_000);
  const notices: Notice[] = [
    { id: "1", topic: "session s1", at: 0, kind: "permission", prompt, session: known },
    { id: "2", topic: "done s1", at: 0, kind: "done", session: { ...known, title: wide }, ranMs: 1 },
    { id: "3", topic: "host d1", at: 0, kind: "host_lost", device: known.device_id, host: wide, since: 0 },
  ];
  const dues = notices.map((notice) => ({ kind: "one", notice }) as const);
  const many = { kind: "digest", why: "many", notices } as const;
  for (const due of [...dues, many])
    expect(Buffer.byteLength(pushOf(due, WORDING).payload)).toBeLessThanOrEqual(PAYLOAD_BYTES);
});

test("several in one say how many there are and how many wait", () => {
  const notices = [asked(), asked({}, { id: "s2" as Session["id"], cwd: "/x/docs" })];
  const digest = JSON.parse(pushOf({ kind: "digest", why: "many", notices }, WORDING).payload).notification;
  expect(digest.title).toBe("and 2 more");
  expect(digest.body).toBe("2 wait for you: webshop, docs");
});

test("what was answered elsewhere is replaced without a sound", () => {
  const prompt = openPrompt(session(), { stage: "answered", responded_by: "Pixel 8" });
  const { payload } = withdrawalOf("session s1", prompt, WORDING);
  const { title, silent, tag } = JSON.parse(payload).notification;
  expect({ title, silent, tag }).toEqual({ title: "Answered on Pixel 8", silent: true, tag: "session s1" });
  const atDesk = withdrawalOf("session s1", { ...prompt, responded_by: null, withdrawn_by: "desk" }, WORDING);
  expect(atDesk.title).toBe("Answered at the desk");
});

test("a test says what it is", () => {
  expect(JSON.parse(testOf(WORDING).payload).notification).toMatchObject({
    title: "It arrived",
    tag: "test",
  });
});
