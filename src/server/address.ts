// Who is at the other end: the socket tells, and behind a proxy of the owner's own, that proxy.
import { BlockList, isIP } from "node:net";
import { LIMITS } from "./limits.ts";

/** The address of whoever asks, given the socket's other end and `X-Forwarded-For`. */
export type AddressOf = (peer: string, forwarded: string | null) => string;

/**
 * Believes `X-Forwarded-For` from these proxies alone (addresses, or networks as `10.0.0.0/8`): each proxy writes at its
 * end whom it heard from, so the right-most entry that is no proxy of ours is the client, and what stands left of it is
 * the client's own word.
 */
export function addressReader(proxies: readonly string[]): AddressOf {
  const trusted = new BlockList();
  for (const proxy of proxies) {
    const [address = "", bits] = proxy.split("/");
    if (bits === undefined) trusted.addAddress(address, familyOf(address));
    else trusted.addSubnet(address, Number(bits), familyOf(address));
  }
  const isOurs = (address: string) => isIP(address) !== 0 && trusted.check(address, familyOf(address));
  return (socket, forwarded) => {
    const peer = plain(socket);
    if (forwarded === null || forwarded.length > LIMITS.forwardedChars || !isOurs(peer)) return peer;
    let last = peer;
    for (const entry of forwarded.split(",").reverse()) {
      const address = plain(entry);
      if (isIP(address) === 0) return last; // No proxy writes that.
      if (!isOurs(address)) return address;
      last = address;
    }
    return last;
  };
}

const familyOf = (address: string) => (isIP(address) === 6 ? "ipv6" : "ipv4");

/** Without a port, brackets, and the way in which IPv6 writes an address of IPv4. */
function plain(entry: string): string {
  const bare = entry.trim();
  const [, bracketed] = /^\[([0-9a-f:.]+)\](?::\d{1,5})?$/i.exec(bare) ?? [];
  const [, numbered] = /^([\d.]+):\d{1,5}$/.exec(bare) ?? [];
  return (bracketed ?? numbered ?? bare).replace(/^::ffff:(?=\d+\.)/i, "");
}
