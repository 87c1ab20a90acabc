// One run of a chaos: desks that ask, phones that answer, what breaks meanwhile, and everything known of it at the end.
import { expect } from "bun:test";
import { join } from "node:path";
import { judge } from "./auditor.ts";
import { type Desk, demoDesk, leaves } from "./desks.ts";
import { type Evidence, evidence } from "./evidence.ts";
import { killIn, WINDOWS } from "./faults.ts";
import type { Place } from "./place.ts";
import { SPOILS } from "./spoils.ts";
import { Tally } from "./tally.ts";
import { type Task, tasks } from "./tasks.ts";
import { drive, lookAgain, settle, type Told } from "./workload.ts";
import { ChaosWorld } from "./world.ts";

/** Kills that came when the server was just not there are tried again so often. */
const MORE = 5;

type Here = Pick<Place, "home" | "project" | "env">;

export class ChaosRun implements AsyncDisposable {
  readonly world: ChaosWorld;
  readonly tally = new Tally();
  readonly #here: Here;
  readonly #told: Told[] = [];
  readonly #settled: Promise<void>[] = [];
  readonly #witness: Desk;

  private constructor(world: ChaosWorld, here: Here) {
    this.world = world;
    this.#here = here;
    // Whose session ends unheard is reported by another one of the machine.
    this.#witness = demoDesk(world, "witness", []);
  }

  static async open(here: Here): Promise<ChaosRun> {
    return new ChaosRun(await ChaosWorld.open(here), here);
  }

  /** Has all of these asked at this desk, and answered. Resolves when it has left, by `leave` or because it was killed. */
  async at(desk: Desk, list: readonly Task[], leave = leaves) {
    try {
      const done = (one: Told) => void this.#settled.push(settle(this.world, one));
      const told = await drive(this.world, this.tally, desk, list, done);
      this.#told.push(...told);
      if (!told.at(-1)?.ended) expect(await leave(desk.terminal)).toEqual({ code: 0, signal: null });
    } catch (error) {
      console.error(error); // What the world's end has to say as well must not hide it.
      throw error;
    }
  }

  /** The same at a demo's desk. */
  demo(name: string, list: readonly Task[]) {
    return this.at(demoDesk(this.world, name, list), list);
  }

  /** Kills the server until it died at least so often in each window. */
  async killedInEach(least: number) {
    for (const [i, window] of WINDOWS.entries())
      for (let more = 0; more < MORE; more++) {
        const missing = least - this.tally.of("server killed", window);
        if (missing <= 0) break;
        const name = `more-${i}-${more}`;
        await this.demo(name, tasks(name, missing, killIn(window)));
      }
  }

  /** Ends the desks and the server, once every phone was asked what it knows; what there is to be judged. */
  async end(): Promise<Evidence> {
    await Promise.all(this.#settled);
    for (const one of this.#told) lookAgain(this.world, one);
    this.#witness.terminal.write("/exit\r");
    expect(await leaves(this.#witness.terminal)).toEqual({ code: 0, signal: null });
    await this.world.server[Symbol.asyncDispose]();
    const database = join(this.world.server.data, "claude-remote.db");
    return evidence({ ...this.#here, database }, this.#told);
  }

  async [Symbol.asyncDispose]() {
    await this.world[Symbol.asyncDispose]();
  }
}

/** The auditor finds each broken promise in this very history, where it is broken in one place. */
export function expectSharpEyes(history: Evidence) {
  const blind = SPOILS.filter(({ spoil, promise }) => {
    const found = judge(spoil(history));
    return !found.some((finding) => finding.promise === promise);
  });
  expect(blind.map(({ name }) => name)).toEqual([]);
}
