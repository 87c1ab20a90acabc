// Where a wrapper on a devbox dials, attempt by attempt: its server's address, and whatever ways back lead there now.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { channelOf } from "../enrolment.ts";
import type { Address } from "./order.ts";

/** Whoever dials again only after this was connected: a way that says nothing is given up sooner. */
const SERVED_MS = 20_000;
/** Of each machine that keeps a way back open, the file that says where it begins now. */
const ADDRESS = /^address(-[0-9a-f]+)?$/;

/**
 * Each call is an attempt: the way that served last is tried again first, then the others in turn, since a devbox may lose one
 * and have another. Throws where there is none. `data`: the folder in which ways back are told of.
 */
export function channels(address: Address, data: string, now = () => performance.now()): () => string {
  let turn = 0;
  let dialed = Number.NEGATIVE_INFINITY;
  return () => {
    const fixed = address.kind === "url" ? [channelOf(address.url)] : [];
    if (address.kind === "socket") return `ws+unix://${address.path}:/ws`;
    const all = [...fixed, ...waysIn(data)];
    if (now() - dialed < SERVED_MS) turn++;
    dialed = now();
    const channel = all[turn % all.length];
    if (channel === undefined) throw new Error("there is no way back to the server now");
    return channel;
  };
}

/** What tells of them comes and goes while it is read. */
function waysIn(data: string): string[] {
  const names = namesIn(data).filter((name) => ADDRESS.test(name));
  return names.sort().flatMap((name) => {
    const at = textOf(join(data, name));
    if (at === "") return [];
    return at.startsWith("/") ? `ws+unix://${at}:/ws` : `ws://${at}/ws`;
  });
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    return "";
  }
}
