// Time as the server sees it, so that tests can let hours pass in a moment.

export type Clock = {
  /** Ms since 1970. */
  now(): number;
  /** Runs `task` after so many ms; the returned function calls it off. */
  after(ms: number, task: () => void): () => void;
  /** Runs `task` again and again; the returned function ends that. */
  every(ms: number, task: () => void): () => void;
};

export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, task) {
    const timer = setTimeout(task, ms).unref();
    return () => clearTimeout(timer);
  },
  every(ms, task) {
    const timer = setInterval(task, ms).unref();
    return () => clearInterval(timer);
  },
};
