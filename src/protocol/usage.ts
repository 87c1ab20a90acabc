// What was used.

/** Sums of what was used. `cost_usd`: null where claude tells of none. `worked_ms`: the turns' own length. */
export type Used = {
  input: number;
  output: number;
  cache_read: number;
  cache_write: number;
  cost_usd: number | null;
  worked_ms: number;
};
