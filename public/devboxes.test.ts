// The devboxes on a phone: added with a yes to the host key, each with what went wrong there and what to do, removed.
import { expect, test } from "bun:test";
import type { DevboxState } from "../src/protocol.ts";
import type { OpenPage, Scene } from "./testing/open-page.ts";
import { drawn, opener } from "./testing/opener.ts";
import { ago, session } from "./testing/world.ts";

const open = opener();

const devbox = (name: string, more: Partial<DevboxState> = {}): DevboxState => ({
  ...{ name, kind: "ssh", host: `${name}.example.org`, user: "ada", port: null, key: null, dir: null },
  ...{ created_at: 0, last_used: null, seen_at: null, state: "active", error: null, fingerprint: null },
  ...more,
});
const HOUR = 3_600_000;
const auth = {
  class: "auth",
  message: "gpu-box: the login was refused (Permission denied (publickey))",
  next: "Put the server's public key into ~/.ssh/authorized_keys there.",
};
/** A moment ago: on a busy machine that is some seconds. */
const REACHED = /Reached (now|\d+ s ago)/;
const FINGERPRINT = "SHA256:uNiVztksCsDhcc0u9e8BrUXTEUyy0X6kSZ4DkWMzt1w";
const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEX claude-remote";

/** What the server knows, and how it answers. */
function serves({ server }: OpenPage, key: string | null = null, enabled = true) {
  let known = [
    devbox("local", { kind: "local", host: "laptop", user: null }),
    devbox("box1", {
      last_used: ago(2 * HOUR),
      seen_at: ago(HOUR),
      fingerprint: FINGERPRINT,
    }),
    devbox("gpu-box", { port: 2222, state: "unreachable", error: auth }),
  ];
  server.reply("/api/devboxes", ({ method, body }) => {
    if (method === "GET")
      return {
        body: {
          ...{ enabled, modes: ["default"], choices: [], public_key: key, devboxes: known },
          aliases: ["gpu-box", "lab"],
        },
      };
    const asked = body as DevboxState;
    if (asked.name === "taken") {
      const error = { code: "invalid", message: "name: there is a devbox taken already.", request: "r" };
      return { status: 400, body: { error } };
    }
    known = [...known, { ...devbox(asked.name), ...asked }];
    return { body: { devbox: known.at(-1) } };
  });
  server.reply("/api/devboxes/gpu-box/conversations", () => ({ body: { conversations: [] } }));
  server.reply("/api/devboxes/box1", () => {
    known = known.filter(({ name }) => name !== "box1");
    return { body: { ok: true } };
  });
  const tested = (name: string, more: Partial<DevboxState>) => {
    known = known.map((one) => (one.name === name ? { ...one, ...more } : one));
    return known.find((one) => one.name === name);
  };
  server.reply("/api/devboxes/gpu-box/test", () => ({
    body: {
      devbox: tested("gpu-box", { state: "active", seen_at: Date.now(), error: null, fingerprint: "x" }),
      fingerprint: null,
    },
  }));
  const unknown = {
    class: "host_key_unknown",
    message: "new-box: its host key is not known",
    next: "Say yes.",
  };
  server.reply("/api/devboxes/new-box/test", ({ body }) => {
    const yes = (body as { fingerprint?: string }).fingerprint;
    const now = yes
      ? { state: "active" as const, seen_at: Date.now(), error: null, fingerprint: yes }
      : { state: "unreachable" as const, error: unknown };
    return { body: { devbox: tested("new-box", now), fingerprint: yes ? null : FINGERPRINT } };
  });
}

const at = (scene: Scene = {}) => open({ path: "/devboxes", before: (page) => serves(page), ...scene });
const row = (page: OpenPage, name: string) => page.page.locator(".devbox", { hasText: name });

test.concurrent("each stands there with its state, and what went wrong with what to do", async () => {
  await using page = await at();
  await row(page, "gpu-box").waitFor();
  const [own, box, gpu] = await page.texts(".devbox");
  expect(own).toMatch(/server's own machine[\s\S]*laptop[\s\S]*Here/);
  expect(box).toMatch(/box1[\s\S]*used 2 h ago[\s\S]*ada@box1.example.org[\s\S]*Reached 1 h ago/);
  expect(gpu).toMatch(/port 2222[\s\S]*Not reached[\s\S]*The login was refused[\s\S]*authorized_keys/);
  expect(await page.phone.button("Remove: local").count()).toBe(0);
  await page.pictures("devboxes");
  expect(await page.phone.overflows()).toBe(false);
});

test.concurrent("a test says how it stands now", async () => {
  await using page = await at();
  await page.phone.button("Test: gpu-box").tap();
  await page.phone.reads(row(page, "gpu-box"), REACHED);
  expect(await row(page, "gpu-box").locator(".failure").count()).toBe(0);
});

test.concurrent("one is added, and its host key is believed only after a yes to the fingerprint", async () => {
  await using page = await at({ before: (one) => serves(one, KEY) });
  await page.page.getByText("Add a devbox").tap();
  await page.phone.reads(page.page.locator(".public-key"), /ssh-ed25519/);
  await page.page.getByLabel("Name", { exact: true }).fill("new-box");
  await page.page.getByLabel("Host", { exact: true }).fill("198.51.100.7");
  await page.page.getByLabel("Port").fill("2022");
  await page.pictures("devboxes-add");
  await page.phone.button("Add and test").tap();
  await page.phone.reads(page.page.locator("dialog"), /SHA256:uNiVztks/);
  await page.pictures("devboxes-host-key");
  const { body } = await page.server.call("/api/devboxes", 1);
  const rest = { user: null, port: 2022, key: null, dir: null };
  expect(body).toEqual({ name: "new-box", host: "198.51.100.7", ...rest });
  await page.phone.button("Cancel").tap();
  await page.phone.reads(row(page, "new-box"), /Its host key is not known/);
  expect((await page.server.call("/api/devboxes/new-box/test")).body).toEqual({});
  await page.phone.button("Test: new-box").tap();
  await page.phone.button("It is").tap();
  expect((await page.server.call("/api/devboxes/new-box/test", 2)).body).toEqual({
    fingerprint: FINGERPRINT,
  });
  await page.phone.reads(row(page, "new-box"), REACHED);
});

test.concurrent("ssh's own hosts are offered; what the server refuses is said beside the form, which keeps what was typed", async () => {
  await using page = await at({ failures: true });
  const input = (label: string) => page.page.getByLabel(label, { exact: true });
  await page.page.getByText("Add a devbox").tap();
  // What is known already is not offered again.
  expect(await page.page.locator(".devbox-add .recent button").allTextContents()).toEqual(["lab"]);
  await page.phone.button("lab").tap();
  expect([await input("Name").inputValue(), await input("Host").inputValue()]).toEqual(["lab", "lab"]);
  await input("Name").fill("taken");
  await input("Key").fill("~/.ssh/lab");
  await page.phone.button("Add and test").tap();
  await page.phone.reads(page.page.locator(".devbox-add .problem"), /already/);
  expect(await input("Name").inputValue()).toBe("taken");
  expect((await page.server.call("/api/devboxes", 1)).body).toMatchObject({ host: "lab", key: "~/.ssh/lab" });
});

test.concurrent("one is removed after a question that names what still runs there", async () => {
  const sessions = [session("webshop", { devbox: "box1" })];
  await using page = await at({ sessions, failures: true });
  // A no of the server is there to be read, also after the list was read again.
  const message = "A session is being started there.";
  const error = { code: "invalid", message, request: "r" };
  await page.page.route("**/api/devboxes/box1", (route) => route.fulfill({ status: 400, json: { error } }));
  await page.phone.button("Remove: box1").tap();
  await page.phone.reads(page.page.locator("dialog"), /The session there will go on/);
  await page.pictures("devboxes-remove");
  const [anew] = await Promise.all([
    page.page.waitForResponse("**/api/devboxes"),
    page.phone.button("Remove").tap(),
  ]);
  await anew.finished();
  await drawn(page);
  expect(await page.part("trouble").innerText()).toBe(message);
  await page.page.unroute("**/api/devboxes/box1");
  await page.phone.button("Remove: box1").tap();
  await page.phone.button("Remove").tap();
  expect((await page.server.call("/api/devboxes/box1")).method).toBe("DELETE");
  await row(page, "box1").waitFor({ state: "detached" });
  await page.part("trouble").waitFor({ state: "hidden" });
});

test.concurrent("a tap begins a new session there", async () => {
  await using page = await at();
  await page.phone.button("New session: gpu-box").tap();
  await page.page.getByLabel("Directory").waitFor();
  expect(await page.page.getByRole("radio", { name: /gpu-box/ }).isChecked()).toBe(true);
});

test.concurrent("where phones may not start anything there is nothing to press, and the page says why", async () => {
  await using page = await at({ before: (one) => serves(one, null, false) });
  await page.phone.reads(page.page.locator(".disabled"), /launch = true/);
  expect(await page.page.locator(".devbox button:visible").count()).toBe(0);
});
