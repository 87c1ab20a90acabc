// How long the two ends of a wire wait for one another.

/** Silence sent against: each end sends at least this often. */
export const HEARTBEAT_MS = 5_000;
/** No word for this long means the other end is gone; a session so silent cannot be answered. */
export const DEAD_AFTER_MS = 15_000;
/** A tap not confirmed by then is shown as "not confirmed", with a safe retry. */
export const CONFIRM_WITHIN_MS = 10_000;
