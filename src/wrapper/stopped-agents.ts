// Agents that have stopped, and when: a hook of theirs may come later still, about a question that was decided before.

/** Agents that have stopped that are remembered; a turn has a handful. */
const MAX_STOPPED = 200;

/** Of one run; agent null is the main conversation. */
export function stoppedAgents() {
  const stopped = new Map<string, number>();
  const nameOf = (turn: string | undefined, agent: string | null) => `${turn} ${agent}`;
  return {
    /** It has stopped in that turn. */
    add(turn: string | undefined, agent: string | null) {
      stopped.set(nameOf(turn, agent), performance.now());
      const [oldest] = stopped.keys();
      if (stopped.size > MAX_STOPPED && oldest !== undefined) stopped.delete(oldest);
    },
    /** When it stopped, by `performance.now()`. */
    at: (turn: string | undefined, agent: string | null) => stopped.get(nameOf(turn, agent)),
  };
}
