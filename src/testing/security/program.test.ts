// The program as a user starts it: what it listens on, what its errors tell, and what it leaves of secrets.
import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { program } from "../program.ts";
import { raw, statusOf } from "../raw.ts";
import { TestViewer } from "../viewer.ts";
import { OwnServer } from "./own-server.ts";

/** The compiled program may have to be built first, and is slow to read on a busy machine. */
const PROGRAM_MS = 180_000;

/** "address:port", in the system's own hexadecimal letters, of every TCP socket on which a process listens. */
function listening(pid: number): string[] {
  const own = new Set(
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
      } catch {
        return []; // Closed meanwhile.
      }
    }),
  );
  return ["tcp", "tcp6"].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, "utf8")
      .split("\n")
      .map((row) => row.trim().split(/\s+/))
      .filter(([, , , state, , , , , , inode]) => state === "0A" && own.has(inode ?? ""))
      .map(([, local = ""]) => local),
  );
}

const V4_LOOPBACK = "0100007F";
const V6_LOOPBACK = "00000000000000000000000001000000";

test(
  "SEC-001 started without any setting it listens on 127.0.0.1 and ::1 alone, by the system's own list",
  async () => {
    await using server = await OwnServer.start({ env: { CLAUDE_REMOTE_PORT: "0" } });
    const sockets = listening(server.pid);
    const port = server.port.toString(16).toUpperCase().padStart(4, "0");
    expect(sockets).toContain(`${V4_LOOPBACK}:${port}`);
    expect(
      sockets.filter((one) => ![`${V4_LOOPBACK}:${port}`, `${V6_LOOPBACK}:${port}`].includes(one)),
    ).toEqual([]);
    await server.saying("page at"); // Whatever it has to say of where it listens comes with that.
    expect(server.said).not.toContain("listens on");
  },
  PROGRAM_MS,
);

test(
  "SEC-001 SEC-013 a wider bind is asked for, said aloud, and lets nobody in without a login either",
  async () => {
    const env = { CLAUDE_REMOTE_PORT: "0", CLAUDE_REMOTE_PUBLIC_URL: "https://claude.example.com" };
    await using server = await OwnServer.start({ args: ["--host", "0.0.0.0", "--insecure-http"], env });
    const { port } = (await server.admin("GET", "/status")) as { port: number };
    expect(listening(server.pid)).toEqual([`00000000:${port.toString(16).toUpperCase().padStart(4, "0")}`]);
    await server.saying("it listens on 0.0.0.0");
    const here = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
    const addresses = here.filter(({ family }) => family === "IPv4").map(({ address }) => address);
    expect(addresses).toContain("127.0.0.1");
    for (const address of addresses) {
      const ask = (path: string, host: string) =>
        raw(port, `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`, address);
      expect(statusOf(await ask("/api/sessions", "claude.example.com"))).toBe(401);
      expect(statusOf(await ask("/events", "claude.example.com"))).toBe(401);
      if (address !== "127.0.0.1") expect(statusOf(await ask("/", `${address}:${port}`))).toBe(421);
    }
  },
  PROGRAM_MS,
);

test(
  "SEC-009 in the compiled program an exception in a handler tells no stack, path, SQL or input",
  async () => {
    await using server = await OwnServer.start({ program: [program()], env: { CLAUDE_REMOTE_PORT: "0" } });
    const viewer = await TestViewer.pair(server);
    const database = new Database(join(server.data, "claude-remote.db"));
    database.run("DROP TABLE prompts");
    database.close();
    const { status, body, headers } = await viewer.get("/api/prompts?open=1&leak=PLANTED");
    expect(status).toBe(500);
    const { error } = body as unknown as { error: { code: string; message: string; request: string } };
    expect(Object.keys(body)).toEqual(["error"]);
    expect(Object.keys(error)).toEqual(["code", "message", "request"]);
    expect(error.code).toBe("internal");
    expect(JSON.stringify(body)).not.toMatch(/prompts|SELECT|sqlite|PLANTED|\/|\.ts|\bat \w/i);
    expect(headers.get("content-type")).toMatch(/^application\/json/);
    // The log names the request that the answer names, and nothing that came with it.
    expect(await server.saying(error.request)).toContain('"request failed"');
    expect(server.said).not.toContain("PLANTED");
    expect((await viewer.get("/health")).status).toBe(200);
  },
  PROGRAM_MS,
);
