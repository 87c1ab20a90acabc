// A port for a server that a test starts as a process of its own.

/**
 * Below those that the system gives to whoever connects somewhere, or asks for any: none of them is taken by others between
 * here and the server's start.
 */
const PORTS = { from: 10_000, to: 32_000 };

/** A port of loopback that is free now. */
export function freePort(): number {
  for (;;) {
    const port = PORTS.from + Math.floor(Math.random() * (PORTS.to - PORTS.from));
    try {
      Bun.listen({ port, hostname: "127.0.0.1", socket: { data() {} } }).stop(true);
      return port;
    } catch {
      // Somebody has it.
    }
  }
}
