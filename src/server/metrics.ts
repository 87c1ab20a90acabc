// What a monitoring system wants to know, as Prometheus reads it: numbers and our own words, never anybody's names or paths.
import type { PromptState, SessionStatus, ViewerEvents } from "../protocol.ts";
import type { OpenAnnex, Parts } from "./parts.ts";
import { plain } from "./routes.ts";

/** A minute is a person who looks at once; a day is how long claude waits. Seconds. */
const ANSWER_S = [1, 2, 5, 10, 30, 60, 300, 1_800, 7_200, 86_400];
/** A tap is through in a fraction of a second, or within the 10 s that are promised. */
const ACCEPT_S = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
/** Past 50 ms somebody notices. */
const LAG_S = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5];
/** How often the loop's lag is measured. */
const LAG_EVERY_MS = 500;
const STATUSES: readonly SessionStatus[] = [
  ...(["starting", "idle", "working", "waiting", "suspended"] as const),
];

/** `GET /metrics`, for whoever has the metrics token, or one of that scope. It hears what viewers hear, and counts. */
export const metrics: OpenAnnex = (core) => {
  const answered = new Histogram(ANSWER_S);
  const accepted = new Histogram(ACCEPT_S);
  const lag = new Histogram(LAG_S);
  let due = performance.now() + LAG_EVERY_MS;
  const timer = setInterval(() => {
    const now = performance.now();
    lag.add(Math.max(0, now - due) / 1_000);
    due = now + LAG_EVERY_MS;
  }, LAG_EVERY_MS).unref();
  core.events.listen((_, name, data) => {
    if (name !== "prompt_response") return;
    const { prompt } = data as ViewerEvents["prompt_response"];
    const { stage, created_at, responded_at, outcome_at } = prompt as PromptState;
    if (stage === "answered" && responded_at !== null) answered.add((responded_at - created_at) / 1_000);
    if (stage === "accepted" && responded_at !== null && outcome_at !== null)
      accepted.add((outcome_at - responded_at) / 1_000);
  });
  const say = () =>
    [
      ...gauges(core),
      ...counters(core),
      ...answered.lines("claude_remote_prompt_answer_seconds", "From a question to its answer on a phone."),
      ...accepted.lines(
        "claude_remote_tap_accept_seconds",
        "From an answer on a phone until claude took it.",
      ),
      ...lag.lines("claude_remote_event_loop_lag_seconds", "How late the event loop is."),
      "",
    ].join("\n");
  const headers = { "content-type": "text/plain; version=0.0.4; charset=utf-8" };
  const route = plain("GET", "/metrics", ["token:metrics"], () => new Response(say(), { headers }));
  return { routes: [route], stop: () => clearInterval(timer) };
};

function gauges({ sessions, store, logins, uplinks, events }: Parts): string[] {
  const open = sessions.open();
  const of = (status: SessionStatus) => open.filter((one) => one.status === status).length;
  return [
    ...said("claude_remote_sessions", "gauge", "Open sessions by what claude does."),
    ...STATUSES.map((status) => `claude_remote_sessions{status="${status}"} ${of(status)}`),
    ...one(
      "claude_remote_prompts_waiting",
      "gauge",
      "Questions that nobody answered yet.",
      store.prompts.list("open").length,
    ),
    ...one("claude_remote_viewers", "gauge", "Paired phones.", logins.list().length),
    ...one("claude_remote_wrappers", "gauge", "Connected wrappers.", uplinks.size),
    ...one("claude_remote_streams", "gauge", "Open event streams.", events.size),
    ...one("process_resident_memory_bytes", "gauge", "Memory of the server.", process.memoryUsage.rss()),
  ];
}

function counters({ sessions, events, pushes }: Parts): string[] {
  const { frames, bytes } = events.sent;
  return [
    ...said("claude_remote_reconnects_total", "counter", "Connections that took up an earlier one."),
    `claude_remote_reconnects_total{side="wrapper"} ${sessions.reconnects}`,
    `claude_remote_reconnects_total{side="viewer"} ${events.resumed}`,
    ...said("claude_remote_pushes_total", "counter", "Notifications by what became of them."),
    ...Object.entries(pushes).map(
      ([outcome, count]) => `claude_remote_pushes_total{outcome="${outcome}"} ${count}`,
    ),
    ...one("claude_remote_frames_sent_total", "counter", "Screens and differences sent to phones.", frames),
    ...one("claude_remote_bytes_sent_total", "counter", "Bytes of event streams, as compressed.", bytes),
  ];
}

const said = (name: string, type: string, help: string) => [
  `# HELP ${name} ${help}`,
  `# TYPE ${name} ${type}`,
];
const one = (name: string, type: string, help: string, value: number) => [
  ...said(name, type, help),
  `${name} ${value}`,
];

/** Counts of values up to each bound, cumulative, as Prometheus wants them. */
class Histogram {
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #count = 0;
  #sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = bounds.map(() => 0);
  }

  /** A clock that was put back makes no negative times. */
  add(given: number): void {
    const value = Math.max(0, given);
    this.#bounds.forEach((bound, at) => {
      if (value <= bound) this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    });
    this.#count++;
    this.#sum += value;
  }

  lines(name: string, help: string): string[] {
    const buckets = this.#bounds.map((bound, at) => `${name}_bucket{le="${bound}"} ${this.#counts[at]}`);
    const whole = [
      `${name}_bucket{le="+Inf"} ${this.#count}`,
      `${name}_sum ${this.#sum}`,
      `${name}_count ${this.#count}`,
    ];
    return [...said(name, "histogram", help), ...buckets, ...whole];
  }
}
