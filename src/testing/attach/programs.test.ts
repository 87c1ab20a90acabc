// Programs in claude's place, used from an attached terminal: it shows what the session's own terminal shows.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { rowText } from "../../screen.ts";
import { TEST_MS, until } from "../transparency/rig.ts";
import { LEAVE, PATIENT, Place, same, shownBy } from "./place.ts";

setDefaultTimeout(TEST_MS);

let place: Place;
beforeAll(async () => {
  place = await Place.open({ env: { EXINIT: "", LESS: "", LESSHISTFILE: "-" } });
}, TEST_MS);
afterAll(() => place[Symbol.asyncDispose](), TEST_MS);

const VIM = [Bun.which("vim") ? "vim" : "vim.tiny", "-u", "NONE", "-i", "NONE", "-n", "-N"];

test("vim: typed from afar, moved about with the arrows, resized, saved; both terminals show the same", async () => {
  const file = join(place.rig.cwd, "words.txt");
  rmSync(file, { force: true });
  await using vim = place.side.terminal([...VIM, "words.txt"]);
  await vim.waitFor(/"words.txt" \[New/, PATIENT);
  await using attached = place.attach(await place.newest());
  await attached.waitFor(/"words.txt" \[New/, PATIENT);
  await attached.type("iFirst line\rSecond: é漢🙂\rthird\x1b");
  await attached.waitFor(/third/, PATIENT);
  await same(vim, attached);
  // vim asks for application keys, which a terminal then sends; it must have been told so.
  const { modes } = await shownBy(attached.bytes());
  expect(modes.application_cursor).toBe(true);
  await attached.type("\x1bOAddp");
  await attached.type(":set number hlsearch\r/ir\r");
  await attached.waitFor(/3 Second/, PATIENT);
  await same(vim, attached);
  await attached.type(":set mouse=a\r");
  await until("the mouse", async () => (await shownBy(attached.bytes())).modes.mouse !== "none");
  await same(vim, attached);
  await attached.type(":wq\r");
  expect(await attached.exited).toEqual({ code: 0, signal: null });
  expect(await vim.exited).toEqual({ code: 0, signal: null });
  expect(readFileSync(file, "utf8")).toBe("First line\nthird\nSecond: é漢🙂\n");
  expect(attached.screen()).toContain("has ended (exit code 0)");
  expect((await shownBy(attached.bytes())).modes).toEqual((await shownBy(Buffer.from("$ "))).modes);
});

test("less: scrolls, searches, goes to the end; left and attached again it stands where it stood", async () => {
  const lines = Array.from({ length: 500 }, (_, i) => `line ${i + 1} of many\n`);
  writeFileSync(join(place.rig.cwd, "long.txt"), lines.join(""));
  await using less = place.side.terminal(["less", "long.txt"]);
  await less.waitFor(/line 39 of/, PATIENT);
  const session = await place.newest();
  await using attached = place.attach(session);
  for (const [keys, wanted] of [
    ["", /line 39 of/],
    [" ", /line 78 of/],
    ["/line 250\r", /line 250 of/],
    ["G", /line 500 of/],
    ["g", /line 1 of/],
    [" ", /line 78 of/],
  ] as const) {
    attached.write(keys);
    await attached.waitFor(wanted, PATIENT);
    await same(less, attached);
  }
  attached.write(LEAVE);
  expect(await attached.exited).toEqual({ code: 0, signal: null });
  expect(attached.screen()).toContain(`back with: claude-remote attach ${session.id.slice(0, 8)}`);
  await using again = place.attach(session);
  await again.waitFor(/line 78 of/, PATIENT);
  again.write("j");
  await again.waitFor(/line 79 of/, PATIENT);
  await same(less, again);
  less.write("q");
  expect((await again.exited).code).toBe(0);
});

test("on the main screen what scrolls away is in the terminal's own scrollback, below the log of before", async () => {
  const script =
    "for i in $(seq 1 60); do echo before $i; done; printf 'ready\\n'; while read -r n; do echo \"got $n\"; done";
  await using program = place.side.terminal(["sh", "-c", script]);
  await program.waitFor(/ready/, PATIENT);
  const session = await place.newest();
  await until("the log", async () => {
    const { body } = await place.viewer.get(`/api/sessions/${session.id}/lines?limit=100`);
    return JSON.stringify(body).includes("before 20");
  });
  await using attached = place.attach(session);
  await attached.waitFor(/ready/, PATIENT);
  for (let i = 0; i < 50; i++) {
    attached.write(`word ${i}\r`);
    await attached.waitFor(new RegExp(`got word ${i}$`, "m"), PATIENT);
  }
  await same(program, attached);
  const all = attached.scrollback();
  for (const wanted of ["before 1", "before 60", "got word 0", "got word 25", "got word 49"])
    expect(all.match(new RegExp(`^${wanted}$`, "gm"))).toEqual([wanted]);
  attached.write(LEAVE);
  await attached.exited;
  expect(attached.screen()).toMatch(/got word 49\nclaude-remote: .* goes on; back with/);
  program.write("\x04");
  await program.exited;
});

test("of a flood an attached terminal gets pictures and not the flood, and always the last one", async () => {
  const script = 'read -r _; seq 1 100000; printf "the end"; read -r _';
  await using program = place.side.terminal(["sh", "-c", script]);
  const session = await place.newest();
  await using attached = place.attach(session);
  await attached.waitFor(/leaves it running/, PATIENT);
  await place.session((one) => one.id === session.id && one.attached === 1);
  attached.write("\r");
  await attached.waitFor(/100000\nthe end$/, PATIENT);
  await same(program, attached);
  const [all, painted] = [program.bytes().length, attached.bytes().length];
  console.log(`flood: ${all} bytes in the session's terminal, ${painted} in the attached one`);
  expect(painted).toBeLessThan(all / 4);
  attached.write("\r");
  expect((await attached.exited).code).toBe(0);
});

test("a terminal of another size gives the session its own once somebody types there; the other gets it back so", async () => {
  await using vim = place.side.terminal([...VIM, "size.txt"]);
  await vim.waitFor(/"size.txt" \[New/, PATIENT);
  const session = await place.newest();
  const size = (cols: number, rows: number) =>
    place.session((one) => one.id === session.id && one.cols === cols && one.rows === rows);
  await using attached = place.attach(session, { cols: 70, rows: 20 });
  await attached.waitFor(/^~$/m, PATIENT);
  await size(100, 40);
  attached.write("i");
  await size(70, 20);
  await attached.waitFor(/INSERT/, PATIENT);
  attached.resize(90, 25);
  await size(90, 25);
  await attached.waitFor((screen) => screen.split("\n").at(-1)?.includes("INSERT") === true, PATIENT);
  vim.write("x");
  await size(100, 40);
  attached.write("y");
  await size(90, 25);
  attached.write(LEAVE);
  await attached.exited;
  await size(100, 40);
  vim.write("\x1b:q!\r");
  await vim.exited;
});

test("two at once, a phone beside them: everybody sees what either types, and what a phone sends", async () => {
  await using vim = place.side.terminal([...VIM, "two.txt"]);
  await vim.waitFor(/"two.txt" \[New/, PATIENT);
  const session = await place.newest();
  await using one = place.attach(session);
  await using other = place.attach(session);
  await using phone = await place.viewer.listen(session.id);
  await Promise.all([one, other].map((terminal) => terminal.waitFor(/"two.txt" \[New/, PATIENT)));
  await until("two attached", () => phone.sessions.get(session.id)?.attached === 2);
  one.write("ifrom one");
  await other.waitFor(/from one/, PATIENT);
  other.write(" and other");
  await one.waitFor(/from one and other/, PATIENT);
  const reply = await place.viewer.post(`/api/sessions/${session.id}/input`, {
    id: Bun.randomUUIDv7(),
    key: "escape",
  });
  expect(reply.status).toBe(200);
  await one.waitFor((screen) => !screen.includes("INSERT"), PATIENT);
  const screen = await same(one, other);
  await same(vim, one);
  await until("the phone", () => phone.text === screen.lines.map(rowText).join("\n").trimEnd());
  one.write(LEAVE);
  await one.exited;
  await until("one attached", () => phone.sessions.get(session.id)?.attached === 1);
  other.write(":q!\r");
  expect((await other.exited).code).toBe(0);
  await vim.exited;
});
