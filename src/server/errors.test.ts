import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { ApiError, errorResponse, expected, limited } from "./errors.ts";
import { guarded, openLog } from "./log.ts";

/** What SQLite really throws when there is no room. */
function diskFull(): unknown {
  const database = new Database(":memory:");
  database.run("CREATE TABLE t (a)");
  database.run("PRAGMA max_page_count = 2");
  try {
    for (;;) database.run("INSERT INTO t VALUES (zeroblob(4000))");
  } catch (error) {
    return error;
  } finally {
    database.close();
  }
}

test("SEC-079 a full disk is said as such, with what to do", async () => {
  const answer = errorResponse(expected(diskFull()), "r1");
  expect(answer.status).toBe(507);
  expect(await answer.json()).toEqual({
    error: { code: "storage", message: expect.stringContaining("Free some space"), request: "r1" },
  });
});

test("SEC-079 a failing task of the clock is logged and ends nothing else", () => {
  const failing = guarded(openLog({ level: "silent" }), "it", () => {
    throw diskFull();
  });
  expect(failing).not.toThrow();
});

test("anything unexpected is `internal` and says nothing of itself", async () => {
  const answer = errorResponse(expected(new Error("SELECT secret FROM /etc/passwd")), "r2");
  expect(answer.status).toBe(500);
  expect(await answer.text()).not.toMatch(/SELECT|secret|passwd/);
});

test("every 429 says in `Retry-After` when to try again, and nothing else does", () => {
  const told = (error: ApiError) => errorResponse(error, "r").headers.get("retry-after");
  expect(told(limited("Enough.", 39_500))).toBe("40");
  expect(told(limited("Enough.", -5))).toBe("1");
  expect(told(new ApiError("rate_limited", "Others search just now."))).toMatch(/^[1-9]\d*$/);
  for (const code of ["answered", "unreachable", "misdirected", "internal"] as const)
    expect(told(new ApiError(code, "x"))).toBeNull();
});

test("an expected refusal is told as it is, with the winner where there is one", async () => {
  const winner = { id: "p1" } as never;
  const answer = errorResponse(expected(new ApiError("answered", "Tablet has answered.", winner)), "r3");
  expect(answer.status).toBe(409);
  expect(await answer.json()).toEqual({
    error: { code: "answered", message: "Tablet has answered.", request: "r3", winner },
  });
  expect(await errorResponse(new ApiError("misdirected", "x"), "r4").text()).toBe("");
});
