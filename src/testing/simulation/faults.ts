// What goes wrong in a run, and when: a list made from the seed, so that one fault can be left out to see if it matters.
import type { Harm, Wire } from "./network.ts";
import type { Phone } from "./phone.ts";
import type { Random } from "./random.ts";
import { twin } from "./twin.ts";
import type { World } from "./world.ts";
import type { Machine } from "./wrapper.ts";

export type Fault = { at: number; kind: Kind; chance: Random };
export type Kind = keyof typeof KINDS;
/** Every kind there is. */
export const kinds = (): Kind[] => Object.keys(KINDS) as Kind[];

const HOUR = 3_600_000;

/** Every kind of fault, and how it comes about. False: there was nothing to harm. */
const KINDS = {
  "connection cut": (world, chance) => {
    const wire = someWire(world, chance, "socket");
    wire?.cut("reset", chance.pick([0, 0, 30, 300]));
    return wire !== null;
  },
  "connection silent": (world, chance) => {
    const wire = someWire(world, chance, "socket");
    wire?.cut("silent", chance.pick([0, 100]));
    return wire !== null;
  },
  "connection stalled": (world, chance) => {
    const wire = someWire(world, chance, "socket");
    wire?.stall(chance.pick([300, 3_000, 14_000, 20_000]));
    return wire !== null;
  },
  "machine offline": (world, chance) => outage(world, chance, chance.pick(world.machines)),
  "phone offline": (world, chance) => outage(world, chance, chance.pick(world.phones)),
  "stream cut": (world, chance) => {
    const wire = someWire(world, chance, "stream");
    wire?.cut("reset", chance.pick([0, 100]));
    return wire !== null;
  },
  "stream silent": (world, chance) => {
    const wire = someWire(world, chance, "stream");
    wire?.cut("silent");
    return wire !== null;
  },
  "slow reader": (world, chance) => {
    const wire = someWire(world, chance, "stream");
    wire?.stall(chance.pick([1_000, 8_000, 40_000]));
    return wire !== null;
  },
  "request lost": (world, chance) => {
    chance.pick(world.phones).place.lose.requests++;
    return true;
  },
  "reply lost": (world, chance) => {
    chance.pick(world.phones).place.lose.replies++;
    return true;
  },
  "request twice": (world, chance) => {
    chance.pick(world.phones).place.twice.requests++;
    return true;
  },
  "frame twice": (world, chance) => harm(world, chance, "twice"),
  "frames swapped": (world, chance) => harm(world, chance, "swapped"),
  "frame altered": (world, chance) => harm(world, chance, "altered"),
  "server crash": (world) => {
    const { up } = world.server;
    world.server.crash();
    return up;
  },
  "server crash at a reply": (world, chance) => {
    world.server.doom = { when: "reply", told: chance.chance(0.5) };
    return world.server.up;
  },
  "server crash at an ack": (world, chance) => {
    world.server.doom = { when: "ack", told: chance.chance(0.5) };
    return world.server.up;
  },
  "server restart": (world, chance) => {
    const { up } = world.server;
    world.server.stop();
    if (up) world.startServer(chance.between(20, 3_000));
    return up;
  },
  "server's clock": (world, chance) => {
    world.setServerClock(world.server.owner.skew + chance.pick([-3, -1, 2, 8, 30]) * HOUR);
    return true;
  },
  "wrapper's clock": (world, chance) => {
    const { wrapper } = chance.pick(world.machines);
    if (wrapper) wrapper.owner.skew += chance.pick([-2, -0.01, 1, 26]) * HOUR;
    return wrapper !== null;
  },
  "phone's clock": (world, chance) => {
    chance.pick(world.phones).owner.skew += chance.pick([-0.001, 0.01, 1, 26]) * HOUR;
    return true;
  },
  "wrapper killed": (world, chance) => {
    const { wrapper } = chance.pick(world.machines);
    wrapper?.kill();
    return wrapper !== null;
  },
  "claude exits": (world, chance) => {
    const { wrapper } = chance.pick(world.machines);
    wrapper?.claude.exit(chance.pick([0, 130]));
    return wrapper !== null;
  },
  "hook dies": (world, chance) => chance.pick(world.machines).wrapper?.claude.killHook() ?? false,
  "claude suspended": (world, chance) => {
    const { wrapper } = chance.pick(world.machines);
    wrapper?.suspend(chance.pick([500, 4_000, 30_000]));
    return wrapper !== null;
  },
  "phone sleeps": (world, chance) => {
    const phone = chance.pick(world.phones);
    const ms = chance.pick([2_000, 10_000, 40_000]);
    phone.owner.frozen = world.time.now + ms;
    if (chance.chance(0.5)) phone.wake();
    return true;
  },
  "session twice": (world, chance) => {
    const { wrapper } = chance.pick(world.machines);
    if (!wrapper || wrapper.said.length === 0) return false;
    const upto = chance.between(1, wrapper.said.length);
    twin(world, wrapper, wrapper.said.slice(0, upto), chance.pick([50, 500, 20_000]));
    return true;
  },
  "login revoked": (world, chance) => {
    const phone = chance.pick(world.phones);
    return world.phones.filter(({ revoked }) => !revoked).length > 1 && world.revoke(phone);
  },
  intruder: (world, chance) => world.intrude(chance),
  flood: (world, chance) => {
    const { wrapper } = chance.pick(world.machines);
    wrapper?.claude.flood(chance.pick([20, 400]));
    return wrapper !== null;
  },
} satisfies Record<string, (world: World, chance: Random) => boolean>;

/** Kinds that are worth more than others. */
const OFTEN: Kind[] = [
  "connection cut",
  "reply lost",
  "server crash at a reply",
  "server crash at an ack",
  "stream cut",
];

/** The faults of a run within so many ms, in their order. */
export function faults(chance: Random, random: (name: string) => Random, within: number): Fault[] {
  const from = [...kinds(), ...OFTEN, ...OFTEN];
  const count = chance.between(0, Math.ceil(within / 1_000));
  const list = Array.from({ length: count }, (_, i) => {
    return { at: chance.between(300, within), kind: chance.pick(from), chance: random(`fault ${i}`) };
  });
  return list.sort((a, b) => a.at - b.at);
}

/** Lets it happen. False: there was nothing to harm. */
export function strike(world: World, { kind, chance }: Fault): boolean {
  return KINDS[kind](world, chance);
}

function harm(world: World, chance: Random, how: Harm): boolean {
  const wire = someWire(world, chance, "socket");
  if (wire) wire.harm = how;
  return wire !== null;
}

function someWire(world: World, chance: Random, kind: Wire["kind"]): Wire | null {
  const places = [...world.machines, ...world.phones].map(({ place }) => place);
  const wires = places.flatMap((place) => [...place.wires]).filter((wire) => wire.kind === kind);
  return wires.length > 0 ? chance.pick(wires) : null;
}

/** Nothing gets through for a while; what is open breaks, or hangs. */
function outage(world: World, chance: Random, { place }: Machine | Phone): boolean {
  const ms = chance.pick([200, 2_000, 16_000]);
  Object.assign(place.outage, { until: world.time.now + ms, refused: chance.chance(0.5) });
  const how = chance.pick(["reset", "silent"] as const);
  for (const wire of [...place.wires]) wire.cut(how);
  return true;
}
