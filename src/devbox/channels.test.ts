import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { channels } from "./channels.ts";
import type { Address } from "./order.ts";

const DIRECT = "wss://claude.example/ws";
const OWN = "ws+unix:///home/ada/s:/ws";
const LAPTOPS = "ws://127.0.0.1:4711/ws";

/** A devbox's folder with the ways back that are told of there, and a clock. */
function dialling(address: Address) {
  const folder = mkdtempSync(join(tmpdir(), "cr-channels-"));
  let now = 0;
  const next = channels(address, folder, () => now);
  return {
    tell: (name: string, at: string) => writeFileSync(join(folder, name), `${at}\n`),
    forget: (name: string) => rmSync(join(folder, name)),
    /** An attempt, `seconds` after the last one. */
    after(seconds: number) {
      now += seconds * 1_000;
      return next();
    },
    /** The folder is gone, with all that was in it. */
    lose: () => rmSync(folder, { recursive: true }),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

test("a wrapper dials its address, and in turn whatever ways back are told of meanwhile", () => {
  using at = dialling({ kind: "url", url: "https://claude.example" });
  expect([at.after(0), at.after(1), at.after(1)]).toEqual([DIRECT, DIRECT, DIRECT]);
  at.tell("address", "/home/ada/s");
  at.tell("address-0a1b2c3d", "127.0.0.1:4711");
  at.tell("address.new", "/half/written");
  at.tell("tunnel", "a generation");
  expect([at.after(1), at.after(1), at.after(1)].sort()).toEqual([OWN, LAPTOPS, DIRECT].sort());
});

test("its address is dialled whatever is wrong with what tells of the ways", () => {
  using at = dialling({ kind: "url", url: "https://claude.example" });
  at.tell("address", "");
  expect([at.after(0), at.after(1)]).toEqual([DIRECT, DIRECT]);
  at.lose();
  expect(at.after(1)).toBe(DIRECT);
});

test("a way that served is tried again first; one that only took its time is not", () => {
  using at = dialling({ kind: "tunnel" });
  at.tell("address", "/home/ada/s");
  at.tell("address-0a1b2c3d", "127.0.0.1:4711");
  expect(at.after(0)).toBe(OWN);
  expect(at.after(16)).toBe(LAPTOPS); // Fifteen seconds of silence end an attempt.
  expect(at.after(3_600)).toBe(LAPTOPS);
  expect(at.after(0.25)).toBe(OWN);
});

test("without any way it says so, and goes on when there is one", () => {
  using at = dialling({ kind: "tunnel" });
  expect(() => at.after(0)).toThrow("no way back");
  at.tell("address", "/home/ada/s");
  expect(at.after(2)).toBe(OWN);
  at.forget("address");
  expect(() => at.after(2)).toThrow("no way back");
});
