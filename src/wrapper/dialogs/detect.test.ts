import { expect, test } from "bun:test";
import { rowText } from "../../screen.ts";
import { detect } from "./detect.ts";
import { type Dialog, type DialogName, isCut, isSame, isStill, readsAs } from "./dialog.ts";
import { recorded, recordings, screenOf } from "./testing/recorded.ts";

/** What each recording is, on every version and at every size, where nothing else is said below. */
const EXPECTED: Record<string, DialogName | null> = {
  agent: "bash",
  "agent-edit": "edit",
  "agent-fetch": "fetch",
  "agent-hook-pending": "bash",
  "agent-long": null, // Its beginning is above the screen.
  "agent-read": "read",
  "agent-tool": "tool",
  "agent-write": "write",
  "api-401": null,
  "api-429": null,
  "api-overloaded": null,
  "ask-chat": "question",
  "ask-many": "question",
  "ask-many-marks": "question",
  "ask-multi": "question",
  "ask-multi-marked": "question",
  "ask-own": "question",
  "ask-own-typed": "question",
  "ask-preview": "question",
  "ask-review": "review",
  "ask-single": "question",
  "auto-blocked": null,
  "auto-cannot-check": "cannot-check",
  "auto-cannot-check-2": "bash",
  "auto-confirm": "bash",
  "auto-mode-offer": "auto-offer",
  "bad-settings": "settings-error",
  bash: "bash",
  "bash-amend": "bash",
  "bash-amend-empty": "bash",
  "bash-amended": "bash",
  "bash-bare": "bash",
  "bash-git": "bash",
  "bash-lines": "bash",
  "bash-long": "bash",
  "bash-npm": "bash",
  "bash-outside": "bash",
  "bash-prefix": "bash",
  "bash-rm": "bash",
  "bash-rule": "bash",
  "bash-second": "bash",
  "bash-wide": "bash",
  "bash-wide-here": "bash",
  "bash-wider": "bash",
  "bash-wider-here": "bash",
  "busy-run": null,
  "busy-think": null,
  "cmd-model": null, // What somebody opened is no question of claude's.
  "cmd-permissions": null,
  "cmd-resume": null,
  "ctrl-c-once": null,
  done: null,
  ended: null,
  tall: null,
  edit: "edit",
  elicit: "form",
  enterplan: null,
  "first-start-auto": null,
  "form-decline": "form",
  "form-filled": "form",
  imports: "imports",
  interrupted: null,
  "leave-plan": "leave-plan",
  login: null,
  mcp: "mcp",
  "mcp-approve": "mcp-server",
  "mcp-servers": "mcp-servers",
  "mode-acceptEdits": null,
  "mode-auto": null,
  "mode-bypass": "bypass",
  "mode-dontAsk": null,
  "mode-plan": null,
  "multi-bash": "bash",
  "multi-read": "read",
  notebook: "notebook",
  onboarding: null,
  "onboarding-apikey": null, // A secret's: at the desk only.
  overwrite: "overwrite",
  pasted: null,
  plan: "plan",
  "plan-own-typed": "plan",
  queued: null,
  "read-outside": "read",
  ready: null,
  "settings-warning": "settings-warning",
  skill: "skill",
  trust: "trust",
  "trust-settings": "trust",
  webfetch: "fetch",
  websearch: "search",
  write: "write",
  "write-long": null, // Its beginning is above the screen.
  "write-outside": "write",
};

const EXCEPTIONS: Record<string, DialogName | null> = {
  // The newer version holds a subagent's dialog back while its hook is pending.
  "2.1.329 agent-hook-pending 100x40": null,
  "2.1.329 agent-hook-pending 40x30": null,
  // The older one has no such dialogs.
  "2.1.197 auto-cannot-check 100x40": null,
  "2.1.197 auto-cannot-check 40x30": null,
  "2.1.197 auto-cannot-check-2 100x40": null,
  "2.1.197 auto-cannot-check-2 40x30": null,
  "2.1.197 auto-mode-offer 100x40": null,
  "2.1.197 auto-mode-offer 40x30": null,
  // A part of it does not fit on the screen, so nobody could have read it.
  "2.1.329 auto-cannot-check 40x30": null,
  "2.1.197 settings-warning 40x30": null,
  "2.1.329 settings-warning 40x30": null,
  "2.1.329 trust-settings 40x30": null,
};

test("each recording of each version is the dialog it is, or none", async () => {
  const all = recordings();
  expect(new Set(all.map(({ version }) => version)).size).toBeGreaterThan(1);
  for (const one of all) {
    const title = `${one.version} ${one.name} ${one.size}`;
    const expected = title in EXCEPTIONS ? EXCEPTIONS[title] : EXPECTED[one.name];
    expect([title, expected === undefined ? "not in the table" : null]).toEqual([title, null]);
    expect([title, detect(await screenOf(one))?.name ?? null]).toEqual([title, expected ?? null]);
  }
});

/** Options in one line each: `*` before the selected one. */
const optionsOf = (dialog: Dialog | null) =>
  dialog?.options.map(({ id, effect, label, selected }) => `${selected ? "*" : ""}${id} ${effect}: ${label}`);

test("SEC-034 an option is named by what it means, wherever it stands", async () => {
  const older = optionsOf(detect(await recorded("2.1.197", "trust")));
  expect(older).toEqual(["*approve approve: Yes, I trust this folder", "reject reject: No, exit"]);
  const newer = optionsOf(detect(await recorded("2.1.329", "trust")));
  expect(newer).toEqual(["*reject reject: No, exit", "approve approve: Yes, I trust this folder"]);
  expect(optionsOf(detect(await recorded("2.1.329", "bash-git")))).toEqual([
    "*approve approve: Yes",
    expect.stringMatching(/^always-\w{12} approve_always: Yes, and don’t ask again for: git commit \*$/),
    expect.stringMatching(/^always-\w{12} approve_always: Yes, and switch to auto mode$/),
    "reject reject: No",
  ]);
  expect(optionsOf(detect(await recorded("2.1.329", "auto-cannot-check-2")))).toEqual([
    "*reject reject: No",
    "approve approve: Yes",
  ]);
});

test("marks that are not the last question's end in a row of their own as well", async () => {
  for (const version of ["2.1.197", "2.1.329"]) {
    const options = optionsOf(detect(await recorded(version, "ask-many-marks"))) ?? [];
    expect(options[1]).toMatch(/^choice-\w+ answer: \[ \] Search$/);
    expect(options.at(-2)).toBe("submit answer: Next");
  }
});

test("SEC-034 one option that is not known makes all of them plain answers", async () => {
  const dialog = detect(await recorded("2.1.329", "bash-amended"));
  expect(dialog?.options.map(({ label }) => label)).toContain("Yes, gently");
  expect(new Set(dialog?.options.map(({ effect }) => effect))).toEqual(new Set(["answer"]));
  const other = await recorded("2.1.329", "bash", "100x40", "\x1b7\x1b[25;7HNo, but everything else\x1b8");
  expect(new Set(detect(other)?.options.map(({ effect }) => effect))).toEqual(new Set(["answer"]));
});

test("the input that a tool's dialog shows is read", async () => {
  const shown = async (version: string, name: string, size?: string) =>
    detect(await recorded(version, name, size))?.input;
  for (const version of ["2.1.197", "2.1.329"]) {
    expect(await shown(version, "bash")).toEqual({ command: "touch foo.txt && echo hi" });
    expect(await shown(version, "read-outside")).toEqual({ path: "/etc/hostname" });
    expect(await shown(version, "webfetch", "40x30")).toEqual({ url: "http://example.com/page" });
    expect(await shown(version, "websearch", "40x30")).toEqual({ query: "claude" });
    const change = " alpha\n-beta\n+BETA two\n gamma\n delta";
    expect(await shown(version, "edit")).toEqual({ path: "a.txt", change });
    expect((await shown(version, "bash-lines"))?.command).toMatch(
      /^cat > a\.txt <<EOF\n {2}one +tab\n\n {3}three — ünï 漢字 🎉\nEOF\ntouch b {2}c$/,
    );
    expect((await shown(version, "notebook", "40x30"))?.path).toBe("/home/developer/wk/proj/n.ipynb");
  }
});

test("a file's dialog is none while its difference is still to come", async () => {
  for (const version of ["2.1.197", "2.1.329"]) {
    const whole = await recorded(version, "edit");
    expect(detect(whole)?.name).toBe("edit");
    const [first = 0, last = 0] = whole.lines.flatMap((row, y) => (/^╌{100}$/.test(rowText(row)) ? [y] : []));
    const lines = whole.lines.filter((_, y) => y <= first + 1 || y >= last);
    const shown = lines.map((row, y) => (y === first + 1 ? [{ text: "  …" }] : row));
    const cut = whole.lines.length - lines.length;
    const cursor = { ...whole.cursor, y: whole.cursor.y - cut };
    const padded = [...shown, ...Array(cut).fill([])];
    expect(detect({ ...whole, lines: padded, cursor })).toBeNull();
  }
});

test("a subagent's dialog says so, at any width", async () => {
  for (const version of ["2.1.197", "2.1.329"])
    for (const size of ["100x40", "40x30"])
      expect(detect(await recorded(version, "agent", size))).toMatchObject({
        title: "Bash command",
        agent: "general-purpose",
      });
  expect(detect(await recorded("2.1.329", "multi-read"))).toMatchObject({ agent: null, position: 1 });
});

test("somebody who types into a dialog is seen, and does not make it another", async () => {
  for (const version of ["2.1.197", "2.1.329"]) {
    const plain = detect(await recorded(version, "bash-second"));
    const typing = detect(await recorded(version, "bash-amend-empty"));
    expect([plain?.typing, typing?.typing]).toEqual([false, true]);
    expect(typing?.options.map(({ id }) => id).at(0)).toBe("approve" as never);
    expect(detect(await recorded(version, "ask-own-typed"))?.typing).toBe(true);
    expect(detect(await recorded(version, "ask-own"))?.typing).toBe(false);
    expect(detect(await recorded(version, "plan-own-typed"))).toMatchObject({ typing: true });
    // An option whose end can be changed has claude's cursor in it, and nobody typed yet.
    const prefix = detect(await recorded(version, "bash-prefix"));
    expect([prefix?.typing, prefix?.at?.row]).toEqual([false, 1]);
    expect(prefix?.options[1]?.label).toBe("Yes, and don’t ask again for: git commit *");
  }
});

test("words that fill their row stay that option while the cursor stands in them, and are no new card", async () => {
  for (const version of ["2.1.197", "2.1.329"]) {
    const of = async (name: string) => {
      const dialog = detect(await recorded(version, name, "60x40"));
      if (!dialog) throw new Error(`${name} is no dialog`);
      return dialog;
    };
    const [wide, here] = [await of("bash-wide"), await of("bash-wide-here")];
    const always = wide.options[1];
    if (!always) throw new Error("there is no rule");
    expect([always.label, here.options[1]?.label]).toEqual([
      "Yes, and don’t ask again for: mytool-xxxxxxxxxxx sub *",
      "Yes, and don’t ask again for: mytool-xxxxxxxxxxx sub …",
    ]);
    expect([here.at?.row, here.typing, isCut(here), isCut(wide)]).toEqual([1, false, true, false]);
    expect([isSame(wide, here), isStill(wide, here), isStill(here, wide)]).toEqual([false, true, true]);
    expect(readsAs(always, here)).toBe(true);
    // Another command, another rule, or one character more is another dialog.
    expect(isStill(await of("bash-wider"), here)).toBe(false);
    const label = "Yes, and don’t ask again for: mytool-yyyyyyyyyyy sub …";
    for (const changed of [label, `${label.replaceAll("y", "x")}…`]) {
      const options = here.options.map((option, i) => (i === 1 ? { ...option, label: changed } : option));
      expect(isStill(wide, { ...here, options, fingerprint: "of another" })).toBe(false);
    }
    // One character more goes on in the next row; 2.1.197 shows that row only while the cursor is in it.
    const [wider, wrapped] = [await of("bash-wider"), await of("bash-wider-here")];
    expect(wrapped.options[1]?.label).toBe("Yes, and don’t ask again for: mytool-xxxxxxxxxxxx sub *");
    expect([wrapped.at?.row, isStill(wider, wrapped), isCut(wrapped)]).toEqual([1, true, false]);
    const whole = wider.options[1]?.label === wrapped.options[1]?.label;
    expect([whole, isSame(wider, wrapped)]).toEqual(version === "2.1.197" ? [false, false] : [true, true]);
    expect(wider.options[1] && readsAs(wider.options[1], wrapped)).toBe(whole);
  }
});

test("the fingerprint is of what is asked: not of the pointer, dots, hints or the width", async () => {
  const of = async (version: string, name: string, size?: string, more?: string) =>
    detect(await recorded(version, name, size, more))?.fingerprint;
  for (const version of ["2.1.197", "2.1.329"]) {
    expect(await of(version, "ask-single")).toBe(await of(version, "ask-single", "40x30"));
    expect(await of(version, "bash-git")).toBe(await of(version, "bash-git", "40x30"));
    expect(await of(version, "edit")).toBe(await of(version, "edit", "40x30"));
    expect(await of(version, "trust")).toBe(await of(version, "trust", "40x30"));
    expect(await of(version, "plan")).toBe(await of(version, "plan", "40x30"));
    expect(await of(version, "ask-own")).toBe(await of(version, "ask-chat"));
    expect(await of(version, "ask-own")).toBe(await of(version, "ask-own-typed"));
    expect(await of(version, "bash")).not.toBe(await of(version, "bash-rm"));
  }
  const blinked = "\x1b7\x1b[11;1H  Running a command\x1b8";
  expect(await of("2.1.329", "bash", "100x40", blinked)).toBe(await of("2.1.329", "bash"));
});
