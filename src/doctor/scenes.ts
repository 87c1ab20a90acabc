// What an examination plays: how each dialog is provoked, the answers it is given, and what shows that claude took them.
import type { Answer } from "../protocol.ts";
import type { DialogName } from "../wrapper/dialogs/dialog.ts";
import type { ExaminedClaude, Start, Way } from "./examined-claude.ts";

/** Answers the dialog of that name, which must be raised once; `as` names the answer where the option does not. */
export type Give = (
  dialog: DialogName,
  option: string,
  more?: Omit<Answer, "option">,
  as?: string,
) => Promise<void>;
/** It needs nothing of the steps before it but a claude that rests. `gives` is all that it does, in its order. */
export type Step = {
  gives: [dialog: DialogName, answer: string][];
  play: (claude: ExaminedClaude, give: Give) => Promise<void>;
};
/** Steps of one claude, one after another. `of`: the generation of claude that has these dialogs; both if not given. */
export type Scene = { name: string; way: Way; of?: "older" | "newer"; start?: Start; steps: Step[] };

type More = Omit<Answer, "option"> & {
  as?: string;
  /** What the tool's result says. */
  result?: RegExp;
  /** A file that is made, or not made. */
  makes?: string;
  makesNot?: string;
  shows?: (claude: ExaminedClaude) => unknown;
};

/** One dialog, provoked by a prompt (null: by claude's start) and answered. */
export function one(dialog: DialogName, option: string, prompt: string | null, more: More = {}): Step {
  const { as = option, result, makes, makesNot, shows, ...rest } = more;
  return {
    gives: [[dialog, as]],
    async play(claude, give) {
      if (prompt !== null) await claude.say(prompt);
      await give(dialog, option, rest, as);
      if (makes) await claude.until(`the file ${makes}`, () => claude.has(makes));
      if (result) await claude.result(result);
      await shows?.(claude);
      if (makesNot && claude.has(makesNot)) throw new Error(`${makesNot} was made all the same`);
    },
  };
}

/** An answer that lets claude begin. */
export const begins = (dialog: DialogName, option: string): Step => one(dialog, option, null);

/** An answer that ends claude. */
export const ends = (dialog: DialogName, option: string): Step =>
  one(dialog, option, null, { shows: (claude) => claude.exited });
