// Every guard of a security case: where it stands, what the runner puts there, and the test that must fail then.
import * as v from "valibot";
import listed from "./guards.json";

const guard = v.strictObject({
  case: v.pipe(v.string(), v.regex(/^SEC-\d{3}$/)),
  file: v.string(),
  /** What stands in the file, exactly once. */
  text: v.pipe(v.string(), v.minLength(1)),
  instead: v.string(),
  test: v.pipe(v.string(), v.endsWith(".test.ts")),
  /** The beginning of the names of the tests that are run, alone; one of them has to fail. */
  name: v.pipe(v.string(), v.minLength(1)),
});

export type Guard = v.InferOutput<typeof guard>;

export const GUARDS: readonly Guard[] = v.parse(v.array(guard), listed);
