// Tells when files appear in a folder.
import { type FSWatcher, watch } from "node:fs";

export class Files implements Disposable {
  readonly #watcher: FSWatcher;
  #wanted = { name: "", seen: (_at: number) => {} };

  constructor(folder: string) {
    this.#watcher = watch(folder, (_, name) => {
      if (name === this.#wanted.name) this.#wanted.seen(performance.now());
    });
  }

  /** When this file appeared. One at a time. */
  appears(name: string): Promise<number> {
    return new Promise((seen) => {
      this.#wanted = { name, seen };
    });
  }

  [Symbol.dispose]() {
    this.#watcher.close();
  }
}
