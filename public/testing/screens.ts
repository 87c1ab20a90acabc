// Every screen of the page with something on it, for tests that look at all of them.
import type { PromptState, Question } from "../../src/protocol.ts";
import type { FakeServer } from "./fake-server.ts";
import type { Scene } from "./open-page.ts";
import { answer, call, result, TALK, talk, tells, user } from "./talk.ts";
import { bash, fileEdit, firstFrame, prompt, QUESTION_OPTIONS, run, session } from "./world.ts";

/** What a screen needs of whatever shows it, in any browser: each waits until there is one to be seen. */
export type Glass = {
  server: FakeServer;
  has(selector: string): Promise<void>;
  tap(selector: string): Promise<void>;
  fill(selector: string, text: string): Promise<void>;
};
export type Shown = {
  path: string;
  scene: Pick<Scene, "sessions" | "prompts" | "failures"> & {
    before?: (glass: Pick<Glass, "server">) => void | Promise<void>;
  };
  ready: (glass: Glass) => Promise<void>;
};

const LONG = "x".repeat(5_000);
const shop = session("webshop", {
  status: "waiting",
  title: "Fix the cart total of orders with more than one voucher",
});
const busy = session("a-service-with-a-rather-long-name", {
  ...{ title: LONG, device_name: "build-machine-17.internal.example", conversation: TALK },
});
const all = [
  shop,
  busy,
  session("idle", { status: "idle", hooks: "dead", terminal: false, devbox: "gpu-01" }),
  session("lost", { connected: false }),
  session("over", { status: "ended", ended_at: Date.now(), end_reason: "signal", signal: "SIGKILL" }),
];
const command = bash(
  "p1",
  shop,
  `npm test -- ${LONG} && git push --force`,
  `Run the tests, then push. ${LONG}`,
);
const edit = fileEdit(
  "p2",
  shop,
  `/home/ada/webshop/${"folder/".repeat(30)}a.ts`,
  `a\n${LONG}\n`,
  `a\nc${LONG}\n`,
);
const questions: Question[] = [
  {
    ...{
      question: "Which database should the new service use for its orders?",
      header: "Database",
      multi_select: true,
    },
    options: ["PostgreSQL", "SQLite", LONG].map((label) => ({ label, description: `All about ${label}` })),
  },
];
const question = prompt("p3", shop, { kind: "question", questions, options: QUESTION_OPTIONS });
const plan = prompt("p4", shop, {
  kind: "plan",
  tool: "ExitPlanMode",
  input: { plan: `# Refunds\n\n1. ${LONG}\n2. Test` },
});
const scene = { sessions: all, prompts: [command, edit, question, plan] };

const has = (selector: string) => (glass: Glass) => glass.has(selector);
const card = has("article.card-view");
const lines = Array.from({ length: 60 }, (_, i) => ({
  ...{ line_no: i, epoch: 0, source: "screen" as const, text: i % 10 === 3 ? LONG : `line ${i}` },
}));
const rows = Array.from({ length: 30 }, (_, i) => [run(`${i} ${"text ".repeat(30)}`)]);

function servesDevboxes({ server }: Pick<Glass, "server">) {
  const devbox = (name: string, more: object = {}) => ({
    ...{
      name,
      kind: "ssh",
      host: `${name}.internal.example.org`,
      user: "ada",
      port: 2222,
      key: null,
      dir: null,
    },
    ...{
      created_at: 0,
      last_used: null,
      seen_at: Date.now(),
      state: "active",
      error: null,
      fingerprint: null,
    },
    ...more,
  });
  const error = {
    class: "auth",
    message: `the login was refused ${LONG}`,
    next: `Put the key there: ${LONG}`,
  };
  const devboxes = [
    devbox("local", { kind: "local" }),
    devbox("box"),
    devbox("gpu-box", { state: "unreachable", error }),
  ];
  const choices = [{ devbox: "box", dir: `~/src/${LONG.slice(0, 300)}`, mode: "plan" }];
  const overview = {
    enabled: true,
    modes: ["default", "plan"],
    devboxes,
    choices,
    public_key: `ssh-ed25519 ${LONG}`,
  };
  server.reply("/api/devboxes", () => ({ body: overview }));
  server.reply("/api/launches", () => ({ body: { launches: [] } }));
  for (const { name } of devboxes) {
    server.reply(`/api/devboxes/${name}/conversations`, () => ({ body: { conversations: [] } }));
    server.reply(`/api/devboxes/${name}/directories`, () => ({ body: { directories: [], more: false } }));
  }
}

export const screens: Shown[] = [
  { path: "/", scene, ready: has(".row") },
  { path: "/p/p1", scene, ready: card },
  { path: "/p/p2", scene, ready: card },
  { path: "/p/p3", scene, ready: card },
  { path: "/p/p4", scene, ready: card },
  {
    path: "/s/webshop",
    scene,
    async ready(glass) {
      await glass.server.streams(1);
      glass.server.send("output", { session: shop.id, frame: firstFrame(rows, 160, 30) });
      await glass.has(".line > span");
    },
  },
  {
    path: `/s/${busy.id}`,
    scene: {
      ...scene,
      before: ({ server }) => {
        const said = [
          user(`Please look at this: ${LONG}`),
          answer(`# Done\n\nIt was \`${LONG}\`\n\n| a | b |\n| - | - |\n| ${LONG} | 2 |\n\n    ${LONG}`),
          call("c1", "Bash", { command: `ls ${LONG}` }),
          result("c1", `${LONG}\n`.repeat(5)),
        ];
        tells(server, busy.id, talk(said));
      },
    },
    ready: has(".said"),
  },
  {
    path: "/s/over",
    scene: {
      ...scene,
      before: ({ server }) => server.reply("/api/sessions/over/lines", () => ({ body: { lines } })),
    },
    ready: has(".log-line"),
  },
  {
    path: "/phones",
    scene: {
      ...scene,
      before: ({ server }) => {
        const viewer = (id: string, name: string) => ({
          id,
          name,
          created_at: 1,
          last_seen: 1,
          revoked_at: null,
        });
        const viewers = [
          viewer("viewer-1", "Pixel 8 (Chrome)"),
          viewer("v2", `iPad ${"of somebody ".repeat(4)}`),
        ];
        server.reply("/api/viewers", () => ({ body: { viewers, own: "viewer-1" } }));
        server.reply("/api/push", () => ({ body: { key: "k", own: "viewer-1", phones: [], snoozed: {} } }));
      },
    },
    ready: has(".phone"),
  },
  {
    path: "/pair-phone",
    scene: {
      before: ({ server }) => {
        const opened = {
          code: "K7QM-2XVD",
          url: "https://claude.example/pair#K7QM-2XVD",
          expires_at: Date.now() + 3e5,
        };
        const body = ({ method }: { method: string }) => (method === "POST" ? opened : { state: "open" });
        server.reply("/api/pairing", (asked) => ({ body: body(asked) }));
      },
    },
    ready: has(".pair-code"),
  },
  { path: "/settings", scene: {}, ready: has(".themes") },
  { path: "/devboxes", scene: { before: servesDevboxes }, ready: has(".devbox") },
  { path: "/new", scene: { before: servesDevboxes }, ready: has("form, .recent") },
  {
    path: "/tokens",
    scene: {
      before({ server }) {
        const token = (name: string, scopes: string[]) => ({
          ...{ id: name.slice(0, 3), name, scopes, device_id: null, last_used: Date.now() - 1e5 },
          ...{ created_at: 0, expires_at: Date.now() + 1e9 },
        });
        const tokens = [
          token("Build server of the whole team", ["read", "input"]),
          token(LONG.slice(0, 60), ["read"]),
        ];
        server.reply("/api/tokens", () => ({ body: { tokens } }));
        const machine = { created_at: 0, last_seen: Date.now() - 1e5, revoked_at: null };
        const devices = [{ ...machine, id: "d1", name: LONG.slice(0, 60) }];
        server.reply("/api/devices", () => ({ body: { devices } }));
      },
    },
    ready: has(".phone"),
  },
  {
    path: "/audit",
    scene: {
      before({ server }) {
        const entry = (id: number, action: string, detail: object, about: PromptState | null) => ({
          ...{
            id,
            at: Date.now() - id * 1e5,
            action,
            actor: "viewer v1",
            name: "Pixel 8 (Chrome)",
            address: "10.0.0.9",
          },
          ...{ session: shop.id, subject: "p1", detail, asked: about },
        });
        const entries = [
          entry(3, "answer", { option: "approve" }, command),
          entry(2, "input", { text: LONG }, null),
          entry(1, "prompt", {}, command),
        ];
        server.reply("/api/audit", () => ({ body: { entries, before: null } }));
      },
    },
    async ready(glass) {
      await glass.tap(".audit-entries > li:nth-child(2) summary");
      await glass.has(".audit-entry[open] .audit-facts");
    },
  },
  {
    path: "/history",
    scene: {
      before: ({ server }) => {
        const ended = {
          ...shop,
          ended_at: Date.now(),
          kept_until: Date.now() + 3e9,
          name: LONG,
          opening: LONG,
        };
        server.reply("/api/history", () => ({ body: { sessions: [ended], before: "1.x" } }));
      },
    },
    ready: has(".history-row"),
  },
  {
    path: "/usage",
    scene: {
      before: ({ server }) => {
        const used = {
          input: 9e6,
          output: 9e6,
          cache_read: 9e8,
          cache_write: 9e6,
          cost_usd: 123.4,
          worked_ms: 9e7,
        };
        const sessions = [{ session: { ...busy, name: LONG }, used }];
        server.reply("/api/usage", () => ({ body: { days: [{ day: "2026-11-21", ...used }], sessions } }));
      },
    },
    ready: has(".usage-day"),
  },
  {
    path: `/s/${busy.id}?find=${LONG.slice(0, 190)}&in=messages&at=1`,
    scene: {
      ...scene,
      before: ({ server }) => {
        const [said] = talk([user(`Look at ${LONG}`)]);
        const { conversation, uuid, seq, role } = said ?? { seq: 0 };
        const place = {
          in: "messages",
          conversation,
          uuid,
          seq,
          role,
          part: "text",
          session: busy.id,
          at: Date.now(),
        };
        const found = {
          id: 1,
          text: LONG.slice(0, 240),
          marks: [[0, 190]],
          before: false,
          after: true,
          ...place,
        };
        server.reply("/api/search", () => ({
          body: { hits: [found], next: null, reached: null, many: false, sessions: [] },
        }));
        if (said) tells(server, busy.id, [said]);
      },
    },
    ready: has(".said.found"),
  },
  {
    path: "/search",
    scene: {
      ...scene,
      before: ({ server }) => {
        const place = { in: "lines", line_no: 3, source: "screen", session: busy.id, at: Date.now() };
        const found = {
          id: 1,
          text: LONG.slice(0, 240),
          marks: [[0, 190]],
          before: true,
          after: true,
          ...place,
        };
        server.reply("/api/search", () => ({
          body: {
            hits: [found],
            next: 5,
            reached: Date.now(),
            many: false,
            sessions: [{ ...busy, name: LONG }],
          },
        }));
      },
    },
    async ready(glass) {
      await glass.fill("input[type=search]", "xxx");
      await glass.has(".hit");
    },
  },
  {
    path: "/pair",
    scene: { failures: true, before: ({ server }) => server.drop(401) },
    ready: has(".pair-view"),
  },
];
