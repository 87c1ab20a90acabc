// The local terminal.
export class Desk {
  readonly #o: { onInput: (b: Uint8Array) => void; onResize: () => void; onHangup: () => void };
  constructor(o: { onInput: (b: Uint8Array) => void; onResize: () => void; onHangup: () => void }) {
    this.#o = o;
  }
  size() {
    return { cols: process.stdout.columns ?? 80, rows: process.stdout.rows ?? 24 };
  }
  raw() {
    process.stdin.setRawMode(true);
    process.stdin.on("data", (b: Buffer) => this.#o.onInput(b));
    process.stdout.on("resize", () => this.#o.onResize());
    process.on("SIGHUP", () => this.#o.onHangup());
  }
  restore(_clean: boolean) {
    process.stdin.setRawMode(false);
    process.stdin.pause();
  }
  write(b: Uint8Array) {
    process.stdout.write(b);
  }
  async suspend() {}
}
