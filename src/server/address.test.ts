import { expect, test } from "bun:test";
import { testServer } from "../testing/server.ts";
import { TestViewer } from "../testing/viewer.ts";
import { addressReader } from "./address.ts";
import { LIMITS } from "./limits.ts";

const proxies = addressReader(["127.0.0.1", "10.0.0.0/8", "fd00::/8"]);

test.each([
  ["nobody's word", null, "127.0.0.1"],
  ["one client", "198.51.100.7", "198.51.100.7"],
  ["the client's own claim left of the truth", "1.1.1.1, 198.51.100.7", "198.51.100.7"],
  ["a claim to be a proxy", "10.9.9.9, 198.51.100.7", "198.51.100.7"],
  ["two proxies of ours", "1.1.1.1, 198.51.100.7, 10.1.2.3", "198.51.100.7"],
  ["proxies alone", "10.0.0.1, 10.0.0.2", "10.0.0.1"],
  ["IPv6", "2001:db8::1, fd00::5", "2001:db8::1"],
  ["IPv6 in brackets, with a port", "[2001:db8::1]:443", "2001:db8::1"],
  ["a port", "198.51.100.7:5000", "198.51.100.7"],
  ["IPv4 as IPv6 writes it", "::ffff:198.51.100.7, ::ffff:10.0.0.1", "198.51.100.7"],
  ["a proxy of ours beyond a stranger", "10.0.0.1, 198.51.100.7, 10.0.0.2", "198.51.100.7"],
  ["what is no address, right-most", "198.51.100.7, unknown", "127.0.0.1"],
  ["what is no address, behind a proxy", "<script>, 10.0.0.2", "10.0.0.2"],
  ["nothing", "", "127.0.0.1"],
  ["commas", ",,,", "127.0.0.1"],
  ["more than anybody writes", `198.51.100.7${", 10.0.0.1".repeat(LIMITS.forwardedChars / 10)}`, "127.0.0.1"],
])("SEC-012 a proxy of ours says %s", (_, forwarded, address) => {
  expect(proxies("127.0.0.1", forwarded)).toBe(address);
  expect(proxies("::ffff:127.0.0.1", forwarded)).toBe(address);
});

test("SEC-012 from anybody else the socket alone counts", () => {
  for (const peer of ["192.0.2.1", "127.0.0.2", "11.0.0.1", "::1", "::ffff:11.0.0.1"])
    expect(proxies(peer, "198.51.100.7")).toBe(peer.replace("::ffff:", ""));
  for (const peer of ["127.0.0.1", "10.0.0.1"]) expect(addressReader([])(peer, "198.51.100.7")).toBe(peer);
});

test("SEC-012 what the owner and the audit see is the client's address, where a proxy was named", async () => {
  for (const [trustedProxies, seen] of [
    [undefined, "127.0.0.1"],
    [["127.0.0.1"], "198.51.100.7"],
  ] as const) {
    await using server = await testServer({ trustedProxies });
    const { code } = await server.admin("POST", "/pair", { yes: true });
    const headers = { "content-type": "application/json", "x-forwarded-for": "6.6.6.6, 198.51.100.7" };
    const nobody = new TestViewer(server, "");
    const body = JSON.stringify({ code, name: "x" });
    expect((await nobody.request("POST", "/api/pair", { headers, body })).status).toBe(200);
    expect((await server.admin("GET", "/viewers")).viewers).toMatchObject([{ address: seen }]);
    // Whatever is said: it is an address, and never a login.
    const claims = { "x-forwarded-for": "127.0.0.1", "x-real-ip": "127.0.0.1", forwarded: "for=127.0.0.1" };
    expect((await nobody.request("GET", "/api/sessions", { headers: claims })).status).toBe(401);
  }
});
