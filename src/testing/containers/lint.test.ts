// What Dockerfile and compose.yml promise, read from their text; what they do is shown beside this.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";

const ROOT = resolve(import.meta.dir, "../../..");
const read = (name: string) => readFileSync(join(ROOT, name), "utf8");

type Service = {
  image?: string;
  ports: string[];
  volumes: string[];
  environment?: Record<string, string>;
  read_only: boolean;
  cap_drop: string[];
  cap_add?: string[];
  security_opt: string[];
  privileged?: boolean;
  network_mode?: string;
  profiles?: string[];
};
const compose = Bun.YAML.parse(read("compose.yml")) as { services: Record<string, Service> };
const { server, ...helpers } = compose.services;

/** Instructions with their continuation lines joined, comments left out. */
const instructions = (text: string) =>
  text
    .replace(/^\s*#.*\n/gm, "")
    .replace(/\\\n\s*/g, " ")
    .split("\n")
    .filter(Boolean);

test("the image is built from pinned bases by any builder, and runs as a user of its own who is not root", () => {
  const text = read("Dockerfile");
  expect(text).not.toMatch(/^#\s*syntax/im);
  const lines = instructions(text);
  const { dependencies } = JSON.parse(read("package.json"));
  expect(lines.filter((line) => line.startsWith("FROM "))).toEqual([
    `FROM oven/bun:${dependencies.bun} AS build`,
    "FROM debian:bookworm-slim",
  ]);
  const final = lines.slice(lines.findLastIndex((line) => line.startsWith("FROM ")));
  expect(final.filter((line) => line.startsWith("USER "))).toEqual(["USER 10001:10001"]);
  const installs = final.filter((line) => /apt-get|curl|wget|^ADD /.test(line));
  expect(installs.map((line) => line.match(/apt-get install ([^&>]*)/)?.[1]?.trim())).toEqual([
    "-y -qq --no-install-recommends openssh-client rsync",
  ]);
  expect(final.find((line) => line.startsWith("HEALTHCHECK "))).toEndWith(
    'CMD ["claude-remote", "healthcheck"]',
  );
  expect(final).toContain("VOLUME /data");
  expect(lines.filter((line) => /^(ENV|ARG) .*(SECRET|TOKEN|PASSWORD|KEY)/i.test(line))).toEqual([]);
});

test("the lock file names what package.json names, or the image cannot be built", () => {
  const { dependencies, devDependencies } = JSON.parse(read("package.json"));
  const { packages } = JSON.parse(read("package-lock.json"));
  expect(packages[""]).toMatchObject({ dependencies, devDependencies });
});

test("nothing of this folder gets into the build but what it names", () => {
  const [first, ...rest] = instructions(read(".dockerignore"));
  expect(first).toBe("*");
  const kept = rest.filter((line) => line.startsWith("!")).map((line) => line.slice(1));
  expect(kept).toEqual(["package.json", "package-lock.json", "tsconfig.json", "src", "public"]);
});

test("SEC-088 each service has a read-only disk, no privileges to gain, and no capability that it does not need", () => {
  for (const [name, service] of Object.entries(compose.services)) {
    const { read_only, cap_drop, cap_add = [], security_opt, privileged = false, network_mode } = service;
    expect([name, read_only, cap_drop, security_opt, privileged, network_mode]).toEqual([
      name,
      true,
      ["ALL"],
      ["no-new-privileges:true"],
      false,
      undefined,
    ]);
    expect(cap_add).toEqual(name === "caddy" ? ["NET_BIND_SERVICE"] : []);
    expect(service.volumes.filter((volume) => !/^[\w-]+:\/\w+$/.test(volume))).toEqual([]); // Nothing of the host's.
  }
});

test("only this machine reaches the server; helpers start when asked, of images of their own", () => {
  const one = "\\$\\{CLAUDE_REMOTE_PORT:-7200\\}";
  expect(server?.ports.join(" ")).toMatch(new RegExp(`^127\\.0\\.0\\.1:${one}:${one}$`));
  expect(server?.profiles).toBeUndefined();
  expect(Object.keys(helpers)).toEqual(["caddy"]);
  // One that inherits the server's health check never gets healthy; one that disables a check fails `up --wait`.
  expect(helpers.caddy).toMatchObject({ profiles: ["caddy"], image: "caddy:2-alpine" });
  expect(helpers.caddy).not.toHaveProperty("healthcheck");
});

test(".env.example has every variable of compose.yml, each commented out, and none is required", () => {
  const text = read("compose.yml");
  const used = [...text.matchAll(/\$\{(\w+)(.{2})/g)];
  expect(used.filter(([, , operator]) => operator !== ":-")).toEqual([]);
  const named = [...read(".env.example").matchAll(/^(#?)(\w+)=/gm)];
  expect(named.filter(([, mark]) => mark !== "#")).toEqual([]);
  const names = (found: RegExpMatchArray[], group: number) =>
    [...new Set(found.map((match) => match[group]))].sort();
  expect(names(named, 2)).toEqual([...names(used, 1), "COMPOSE_PROFILES"].sort());
});

test("what somebody sets for himself is none of git's business", () => {
  const ignored = read(".gitignore").split("\n");
  for (const own of [".env", "compose.override.yml"]) expect(ignored).toContain(own);
});
