// A switch over the messages of a wire has a case for each.

/** The compiler's proof that a switch is exhausted. */
export function unreachable(value: never): never {
  throw new Error(`unexpected ${JSON.stringify(value)}`);
}
