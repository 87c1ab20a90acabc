// Scenes about claude's questions and plans: a hook takes the whole answer at once, keys go through them page by page.
import type { Way } from "./examined-claude.ts";
import { one, type Scene, type Step } from "./scenes.ts";

const COLOR = "Which color should the button be?";
const FEATURES = "Which features do you want?";
const DATABASE = "Which database?";
const ALL = { [COLOR]: "Blue", [FEATURES]: "Login, Export", [DATABASE]: "a plain file" };

const byHook: Scene = {
  name: "questions",
  way: "hook",
  start: { hooks: true },
  steps: [
    one("question", "answer", "ASK", { answers: { [COLOR]: "Green" }, as: "a choice", result: /Green/ }),
    one("question", "answer", "ASK", {
      answers: { [COLOR]: "a dark purple" },
      as: "own words",
      result: /a dark purple/,
    }),
    one("question", "answer", "ASK: multi", {
      answers: { [FEATURES]: "Login, Search" },
      as: "several choices",
      result: /Login, ?Search/,
    }),
    one("question", "answer", "ASK: many", {
      answers: ALL,
      as: "several questions",
      result: /Blue[\s\S]*Login, ?Export[\s\S]*a plain file/,
    }),
    one("question", "answer", "ASK: previews", {
      answers: { "Which layout?": "Narrow" },
      as: "previews",
      result: /Narrow/,
    }),
    one("question", "reject", "ASK"),
    one("question", "reject", "ASK", {
      text: "ask me tomorrow",
      as: "reject with words",
      result: /ask me tomorrow/,
    }),
  ],
};

const several: Step = {
  gives: [
    ["question", "several questions"],
    ["question", "mark"],
    ["question", "next"],
    ["question", "own words"],
    ["review", "submit"],
  ],
  async play(claude, give) {
    await claude.say("ASK: many");
    await give("question", "answer", { answers: { any: "Blue" } }, "several questions");
    await give("question", "[ ] Search", {}, "mark");
    await give("question", "submit", {}, "next");
    await give("question", "answer", { answers: { any: "a plain file" } }, "own words");
    await give("review", "submit", {}, "submit");
    await claude.result(/Blue[\s\S]*Search[\s\S]*a plain file/);
  },
};

const byKeys: Scene = {
  name: "questions",
  way: "keys",
  steps: [
    one("question", "answer", "ASK", { answers: { any: "Green" }, as: "a choice", result: /Green/ }),
    one("question", "answer", "ASK", {
      answers: { any: "a dark purple" },
      as: "own words",
      result: /a dark purple/,
    }),
    one("question", "answer", "ASK: previews", {
      answers: { any: "Narrow" },
      as: "previews",
      result: /Narrow/,
    }),
    one("question", "reject", "ASK"),
  ],
};

const marks: Scene = {
  name: "questions of several pages",
  way: "keys",
  steps: [
    {
      gives: [
        ["question", "mark"],
        ["question", "submit"],
        ["review", "submit"],
      ],
      async play(claude, give) {
        await claude.say("ASK: multi");
        await give("question", "[ ] Search", {}, "mark");
        await give("question", "submit");
        await give("review", "submit");
        await claude.result(/Which features.*Search/);
      },
    },
    several,
    {
      gives: [
        ["question", "submit without a mark"],
        ["review", "reject"],
      ],
      async play(claude, give) {
        await claude.say("ASK: multi");
        await give("question", "submit", {}, "submit without a mark");
        await give("review", "reject");
      },
    },
  ],
};

const APPROVED = /approved your plan/i;
const planning = (way: Way) => ({ mode: "plan", hooks: way === "hook" });

/** Each answer that ends planning needs a claude of its own. */
function plans(way: Way): Scene[] {
  const scene = (name: string, ...steps: Step[]): Scene => ({ name, way, start: planning(way), steps });
  const approved = one("plan", "approve", "PLAN", { result: APPROVED });
  const words = { text: "more tests", as: "reject with words", result: /more tests/ };
  const modes = way === "hook" ? ["mode-acceptEdits", "mode-auto"] : ["mode-auto"];
  return [
    scene("a plan, approved", approved),
    scene("a plan, refused", one("plan", "reject", "PLAN", words), one("plan", "reject", "PLAN")),
    ...modes.map((mode) => scene(`a plan, ${mode}`, one("plan", mode, "PLAN", { result: APPROVED }))),
    scene("no plan, left", one("leave-plan", "approve", "TOOL: ExitPlanMode {}")),
    scene("no plan, stayed", one("leave-plan", "reject", "TOOL: ExitPlanMode {}")),
  ];
}

/** Every scene about questions and plans. */
export const questionScenes = (): Scene[] => [byHook, byKeys, marks, ...plans("hook"), ...plans("keys")];
