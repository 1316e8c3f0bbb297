/** Whose a connection or a request is: the address of the peer, or what configured proxies tell of it. */
import type { IncomingMessage } from "node:http";
import { BlockList, isIP } from "node:net";
import { canonicalAddress, hopAddress } from "../lib/network.ts";

/** Which addresses are believed what they say of others. */
export interface Proxies {
  /** Whether an address, as a socket tells it, is that of a trusted proxy. */
  trusts(peer: string | undefined): boolean;
  /** Whether it is one, or this machine. */
  isNear(peer: string | undefined): boolean;
  /** The last address of X-Forwarded-For that is not a trusted proxy; the header counts only from such a proxy. */
  clientAddress(incoming: IncomingMessage): string;
  /** Whether the client came by TLS. Undefined: a trusted proxy does not say, and nobody else knows. */
  isSecure(incoming: IncomingMessage): boolean | undefined;
}

/** @param ranges CIDR ranges of the trusted proxies */
export function createProxies(ranges: readonly string[]): Proxies {
  const trusted = blockList(ranges);
  const peerAddress = (peer: string | undefined) => canonicalAddress(peer ?? "") ?? peer ?? "";
  return {
    trusts: (peer) => ranges.length > 0 && isAmong(trusted, peerAddress(peer)),
    isNear: (peer) => isAmong(loopback, peerAddress(peer)) || isAmong(trusted, peerAddress(peer)),
    clientAddress({ socket, headers }) {
      let address = peerAddress(socket.remoteAddress);
      const header = headers["x-forwarded-for"];
      // Most requests have none, and then nobody need be looked up.
      const forwarded = header === undefined ? [] : [header].flat().join(",").split(",");
      for (const hop of forwarded.reverse()) {
        if (!isAmong(trusted, address)) break;
        const before = hopAddress(hop);
        // What a trusted proxy did not understand itself cannot be counted by: the proxy is.
        if (before === undefined) break;
        address = before;
      }
      return address;
    },
    isSecure({ socket, headers }) {
      if (!isAmong(trusted, peerAddress(socket.remoteAddress)))
        return "encrypted" in socket && socket.encrypted === true;
      const said = headers["x-forwarded-proto"];
      if (typeof said !== "string" || said === "") return undefined;
      return said.split(",").every((hop) => hop.trim().toLowerCase() === "https");
    },
  };
}

const loopback = blockList(["127.0.0.0/8", "::1"]);

function isAmong(list: BlockList, address: string): boolean {
  return isIP(address) !== 0 && list.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
}

function blockList(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = "", bits] = range.split("/");
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    list.addSubnet(address, bits === undefined ? (family === "ipv6" ? 128 : 32) : Number(bits), family);
  }
  return list;
}
