// Where a push may be sent at all: a page tells the address, so it is checked when it is told, and again before each use.
import { BlockList, isIP } from "node:net";

/** Push services of the browsers there are. A name that begins with a dot stands for everything below it. */
const SERVICES = [
  "fcm.googleapis.com",
  "jmt17.google.com",
  "updates.push.services.mozilla.com",
  ".push.services.mozilla.com",
  "web.push.apple.com",
  ".push.apple.com",
  ".notify.windows.com",
];

export type EndpointRule = {
  /** Hosts besides the known ones, named by the owner. */
  hosts: readonly string[];
  /** Any address, also in clear text: for tests against a push service on this machine. */
  anywhere: boolean;
};

/** Why that address gets no pushes, or null. Longer ones than any service has are refused too. */
export function endpointProblem(endpoint: string, { hosts, anywhere }: EndpointRule): string | null {
  if (endpoint.length > 2_000 || !URL.canParse(endpoint)) return "its address is none";
  const url = new URL(endpoint);
  if (url.username !== "" || url.password !== "") return "its address carries credentials";
  if (anywhere) return /^https?:$/.test(url.protocol) ? null : "its address is not of the web";
  if (url.protocol !== "https:") return "its address is not https";
  if (url.port !== "") return "its address names a port";
  if (isIP(url.hostname.replace(/^\[|\]$/g, ""))) return "its address is a number";
  if ([...SERVICES, ...hosts].some((name) => covers(name, url.hostname))) return null;
  return "it is no push service known here (see push_hosts in docs/settings.md)";
}

function covers(name: string, host: string): boolean {
  return name.startsWith(".") ? host.endsWith(name) : host === name;
}

/** Apple shows every push and has neither silent ones nor actions. */
export function isApple(endpoint: string): boolean {
  return covers(".push.apple.com", hostOf(endpoint));
}

/** "" for what is no address. */
export function hostOf(endpoint: string): string {
  return URL.canParse(endpoint) ? new URL(endpoint).hostname : "";
}

/** Everything that is not the public Internet: this host, private and shared networks, link-local, tests, multicast. */
const NOT_PUBLIC = new BlockList();
for (const [net, bits] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
] as const)
  NOT_PUBLIC.addSubnet(net, bits, "ipv4");
for (const [net, bits] of [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
] as const)
  NOT_PUBLIC.addSubnet(net, bits, "ipv6");
/** Of IPv6 only what is given out to the world; that leaves out ::1, fc00::/7, fe80::/10, and IPv4 in any disguise. */
const GIVEN_OUT = new BlockList();
GIVEN_OUT.addSubnet("2000::", 3, "ipv6");

/** Whether an address is one of the public Internet. What is no address is not. */
export function isPublic(address: string): boolean {
  const kind = isIP(address);
  if (kind === 4) return !NOT_PUBLIC.check(address, "ipv4");
  return kind === 6 && GIVEN_OUT.check(address, "ipv6") && !NOT_PUBLIC.check(address, "ipv6");
}
