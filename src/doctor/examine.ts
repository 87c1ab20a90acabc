// Plays scenes on one claude, several at a time, and says of each answer whether it could be given.
import { holdsDialogBack } from "../wrapper/claude-dialogs.ts";
import type { DialogName } from "../wrapper/dialogs/dialog.ts";
import { type Examined, ExaminedClaude, NeverCame, type Start, type Way } from "./examined-claude.ts";
import { questionScenes } from "./question-scenes.ts";
import type { Give, Scene, Step } from "./scenes.ts";
import { startScenes } from "./start-scenes.ts";
import { toolScenes } from "./tool-scenes.ts";

/**
 * `not recognised`: claude asked, and no card came; `not raised`: it did not even ask; `not answered`: the card's answer
 * did not do what it should; `not examined`: something before it failed, or the time was up.
 */
export type Verdict = "ok" | "not recognised" | "not raised" | "not answered" | "not examined";
export type Expected = { dialog: DialogName; answer: string; way: Way };
/** `why`: for people; "" where it is ok. `screen`: what stood on claude's screen then. */
export type Finding = Expected & { verdict: Verdict; why: string; screen: string };

export type ExamineOptions = {
  examined: Examined;
  scenes: readonly Scene[];
  /** Claudes at the same time. */
  atOnce: number;
  onFinding?: (finding: Finding) => void;
  /** Ends the examination: what is left is not examined. */
  signal?: AbortSignal;
};

/** The scenes that this version of claude should be able to play. One that nobody knows is taken for a newer one. */
export function scenesFor(version: string, ourselves: readonly string[]): Scene[] {
  const generation = holdsDialogBack(version) ? "newer" : "older";
  const all = [...toolScenes(ourselves), ...questionScenes(), ...startScenes()];
  return all.filter(({ of }) => of === undefined || of === generation);
}

/** Of these scenes only as much as shows each dialog once on each way. */
export function briefly(scenes: readonly Scene[]): Scene[] {
  const shown = new Set<string>();
  const isNew = ({ way }: Scene, { gives }: Step) => {
    const before = shown.size;
    for (const [dialog] of gives) shown.add(`${dialog} ${way}`);
    return shown.size > before;
  };
  return scenes
    .map((scene) => ({ ...scene, steps: scene.steps.filter((step) => isNew(scene, step)) }))
    .filter(({ steps }) => steps.length > 0);
}

/** What these scenes try. */
export const expectedOf = (scenes: readonly Scene[]): Expected[] =>
  scenes.flatMap(({ way, steps }) =>
    steps.flatMap(({ gives }) => gives.map(([dialog, answer]) => ({ dialog, answer, way }))),
  );

/** Plays them all. Never rejects; every process and folder of it is gone when it resolves. */
export async function examine(options: ExamineOptions): Promise<Finding[]> {
  const { scenes, atOnce, onFinding } = options;
  const findings: Finding[] = [];
  const found = (finding: Finding) => {
    findings.push(finding);
    onFinding?.(finding);
  };
  const left = [...scenes];
  const work = async () => {
    for (let scene = left.shift(); scene; scene = left.shift()) await play(scene, options, findings, found);
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return findings;
}

async function play(
  scene: Scene,
  { examined, signal }: ExamineOptions,
  findings: readonly Finding[],
  found: (finding: Finding) => void,
) {
  let claude: ExaminedClaude | null = null;
  const stop = () => claude?.stop();
  signal?.addEventListener("abort", stop);
  for (const step of scene.steps) {
    const known = reasonToSkip(scene, step, findings, signal);
    if (known) {
      const { way } = scene;
      for (const [dialog, answer] of step.gives) found({ dialog, answer, way, screen: "", ...known });
      continue;
    }
    const isNew = claude === null;
    const begun: ExaminedClaude | Error = claude ?? (await begin(examined, scene));
    claude = begun instanceof Error ? null : begun;
    if (signal?.aborted) stop();
    const seen =
      begun instanceof Error
        ? failed(scene, step, 0, begun, "")
        : await playStep(scene, step, begun, isNew ? scene.start?.ready : undefined);
    for (const one of seen) found(one);
    if (seen.every(({ verdict }) => verdict === "ok") && !claude?.ended) continue;
    await claude?.[Symbol.asyncDispose]();
    claude = null;
  }
  signal?.removeEventListener("abort", stop);
  await claude?.[Symbol.asyncDispose]();
}

async function begin(examined: Examined, { start }: Scene): Promise<ExaminedClaude | Error> {
  return ExaminedClaude.open(examined, start).catch((error) =>
    error instanceof Error ? error : new Error(String(error)),
  );
}

/** A dialog that no card came for, or an end. */
function reasonToSkip(
  { way }: Scene,
  { gives }: Step,
  findings: readonly Finding[],
  signal: AbortSignal | undefined,
) {
  if (signal?.aborted) return { verdict: "not examined", why: "The time was up." } as const;
  const [dialog] = gives[0] ?? [];
  const before = findings.find(
    (one) => one.dialog === dialog && one.way === way && one.verdict === "not recognised",
  );
  return before && ({ verdict: "not recognised", why: "As before." } as const);
}

async function playStep(
  scene: Scene,
  step: Step,
  claude: ExaminedClaude,
  ready: Start["ready"],
): Promise<Finding[]> {
  const done: Finding[] = [];
  const progress = { asked: false };
  const give: Give = async (dialog, option, more, as = option) => {
    progress.asked = false;
    const prompt = await claude.asked(dialog, scene.way);
    progress.asked = true;
    const end = await claude.answer(prompt, option, more);
    if (end.type !== "accepted") throw new Error("reason" in end ? end.reason : `it ended as ${end.type}`);
    const raised = claude.said.filter(
      (one) => one.type === "prompt" && one.prompt.id === prompt.id && one.prompt.digest === prompt.digest,
    );
    if (raised.length !== 1) throw new Error(`its card came ${raised.length} times`);
    done.push({ dialog, answer: as, way: scene.way, verdict: "ok", why: "", screen: "" });
  };
  try {
    await ready?.(claude);
    await step.play(claude, give);
    if (!claude.ended) await claude.idle();
    return done;
  } catch (error) {
    // A last answer that seemed to be taken, and was not.
    if (progress.asked && done.length > 0 && done.length === step.gives.length) done.pop();
    const why = error instanceof Error ? error : new Error(String(error));
    return [...done, ...failed(scene, step, done.length, why, claude.text(), progress.asked)];
  }
}

/** The verdict on the step's answer number `at`, and on those after it. */
function failed(
  { way }: Scene,
  { gives }: Step,
  at: number,
  error: Error,
  screen: string,
  asked = false,
): Finding[] {
  const waits = error instanceof NeverCame && error.waits;
  const verdict: Verdict = asked ? "not answered" : waits ? "not recognised" : "not raised";
  return gives.slice(at).map(([dialog, answer], index) => {
    if (index > 0)
      return { dialog, answer, way, verdict: "not examined", why: "What came before failed.", screen };
    return { dialog, answer, way, verdict, why: error.message, screen };
  });
}
