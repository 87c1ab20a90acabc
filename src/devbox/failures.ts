// What a failure says of a devbox, and how it is told to people.
import type { DevboxError } from "../protocol.ts";
import { ApiError } from "../server/errors.ts";
import type { Logger } from "../server/log.ts";
import { FAILURES, LaunchError, type LaunchFailure, OUT_OF_REACH, REFUSALS } from "./ssh-errors.ts";

const UNREACHED: ReadonlySet<string> = new Set(OUT_OF_REACH);
/** Failures of what was asked for, which say nothing of the devbox; nor does what is none of a launch. */
const OF_THE_REQUEST: readonly LaunchFailure[] = ["no_dir", "server", "stopped", "failed"];
const OF_THE_DEVBOX: ReadonlySet<string> = new Set(FAILURES.filter((one) => !OF_THE_REQUEST.includes(one)));

/** Whether the devbox itself was there all the same; null: nothing failed. */
export const reached = (error: DevboxError | null) => error === null || !UNREACHED.has(error.class);

/** Whether its login was refused: only a person tries that again. */
export const refuses = (error: DevboxError | null) => error !== null && REFUSALS.has(error.class);

/** Whether it is the devbox that has to be looked after. */
export const ofTheDevbox = (error: DevboxError) => OF_THE_DEVBOX.has(error.class);

/** What went wrong, for people. What says no more is a fault of ours, and the log has it. */
export function toError(error: unknown, log: Logger): DevboxError {
  if (saysWhatToDo(error)) return { class: error.class, message: error.message, next: error.next };
  log.error({ error: String(error) }, "a devbox failed");
  return { class: "failed", message: "Something failed on the server.", next: "Its log says what." };
}

/** A LaunchError, or what carrying the files of a conversation fails with. */
const saysWhatToDo = (error: unknown): error is Error & { class: string; next: string } =>
  error instanceof Error && ["class", "next"].every((name) => typeof Reflect.get(error, name) === "string");

/** A folder is asked for with each few letters: none of them is another login that is refused. */
export const notAgain = ({ message }: Pick<DevboxError, "message">) =>
  new ApiError("unreachable", `${message}. It is not tried again by itself: test it under Devboxes.`);

/** A failure as a command is told of it, which shows the server's words as they are. */
export function orForbidden<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof LaunchError) throw new ApiError("forbidden", `${error.message}. ${error.next}`);
    throw error;
  }
}
