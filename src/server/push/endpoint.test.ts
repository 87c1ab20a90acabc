// Where pushes may go, and where not.
import { expect, test } from "bun:test";
import { endpointProblem, isApple, isPublic } from "./endpoint.ts";

const KNOWN = { hosts: ["push.example.org", ".unified.example"], anywhere: false };

test("SEC-070 the known push services, and those the owner named", () => {
  const good = [
    "https://fcm.googleapis.com/fcm/send/abc",
    "https://updates.push.services.mozilla.com/wpush/v2/abc",
    "https://web.push.apple.com/QAbc",
    "https://api.push.apple.com/x",
    "https://wns2-par02p.notify.windows.com/w/?token=abc",
    "https://push.example.org/a",
    "https://eu.unified.example/a",
    "https://fcm.googleapis.com:443/x",
  ];
  expect(good.filter((endpoint) => endpointProblem(endpoint, KNOWN) !== null)).toEqual([]);
});

test("SEC-070 nothing else", () => {
  const bad = [
    "http://fcm.googleapis.com/fcm/send/abc",
    "https://web.push.apple.com.evil.example/x",
    "https://evilfcm.googleapis.com/x",
    "https://fcm.googleapis.com.:443/x",
    "https://notify.windows.com.evil.example/",
    "https://fcm.googleapis.com:8443/x",
    "https://user:word@fcm.googleapis.com/x",
    "https://user@fcm.googleapis.com/x",
    "https://fcm.googleapis.com@evil.example/x",
    "https://127.0.0.1/x",
    "https://2130706433/x",
    "https://0x7f.1/x",
    "https://[::1]/x",
    "https://[::ffff:10.0.0.1]/x",
    "https://[64:ff9b::a00:1]/x",
    "https://localhost/x",
    "https://169.254.169.254/latest",
    "https://unified.example.evil/x",
    "file:///etc/passwd",
    "ws://fcm.googleapis.com/x",
    "nonsense",
    "",
    `https://fcm.googleapis.com/${"x".repeat(2_000)}`,
  ];
  expect(bad.filter((endpoint) => endpointProblem(endpoint, KNOWN) === null)).toEqual([]);
});

test("SEC-070 only addresses of the public Internet", () => {
  for (const address of ["8.8.8.8", "142.250.1.95", "2607:f8b0:4005::1", "2a00:1450::1"])
    expect(isPublic(address), address).toBe(true);
  const not = [
    ...["0.0.0.0", "10.1.2.3", "100.64.0.1", "100.127.255.255", "127.0.0.1", "169.254.169.254", "172.16.0.1"],
    ...["172.31.255.255", "192.0.0.1", "192.168.1.1", "198.18.0.1", "224.0.0.1", "255.255.255.255"],
    ...[
      "::",
      "::1",
      "::ffff:8.8.8.8",
      "::ffff:a00:1",
      "64:ff9b::808:808",
      "64:ff9b:1::1",
      "fc00::1",
      "fd12::1",
    ],
    ...["fe80::1", "ff02::1", "2001:db8::1", "2001::1", "2002:7f00:1::1", "", "localhost", "8.8.8.8 "],
  ];
  for (const address of not) expect(isPublic(address), address).toBe(false);
});

test("Apple's are known by their host", () => {
  expect(isApple("https://web.push.apple.com/x")).toBe(true);
  expect(isApple("https://web.push.apple.com.evil.example/x")).toBe(false);
  expect(isApple("nonsense")).toBe(false);
});
