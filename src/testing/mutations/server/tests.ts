// The unit tests that see what the server's guards do.

/** Of wrappers, as the server sees them. */
export const LINKS = ["uplink", "connection", "messages"].map((name) => `src/server/${name}.test.ts`);
