/** Client addresses of connections and requests: the peer's, or the one that trusted proxies report. */
import type { IncomingMessage } from "node:http";
import { addressRanges, canonicalAddress, hopAddress, isAmong } from "../lib/network.ts";

/** The configured proxies, whose X-Forwarded-… headers are trusted. */
export interface Proxies {
  /** Whether a peer address, as given by a socket, is a trusted proxy. */
  trusts(peer: string | undefined): boolean;
  /** Whether a peer is a trusted proxy or this machine. */
  isNear(peer: string | undefined): boolean;
  /** The last address in X-Forwarded-For that is not a trusted proxy; the header counts only if it comes from one. */
  clientAddress(incoming: IncomingMessage): string;
  /** Whether the client used TLS; undefined if a trusted proxy is in between and does not say. */
  isSecure(incoming: IncomingMessage): boolean | undefined;
}

/** @param ranges CIDR ranges of the trusted proxies */
export function createProxies(ranges: readonly string[]): Proxies {
  const trusted = addressRanges(ranges);
  const peerAddress = (peer: string | undefined) => canonicalAddress(peer ?? "") ?? peer ?? "";
  return {
    trusts: (peer) => ranges.length > 0 && isAmong(trusted, peerAddress(peer)),
    isNear: (peer) => isAmong(loopback, peerAddress(peer)) || isAmong(trusted, peerAddress(peer)),
    clientAddress({ socket, headers }) {
      let address = peerAddress(socket.remoteAddress);
      const header = headers["x-forwarded-for"];
      // Most requests have no such header, and nothing need be looked up.
      const forwarded = header === undefined ? [] : [header].flat().join(",").split(",");
      for (const hop of forwarded.reverse()) {
        if (!isAmong(trusted, address)) break;
        const before = hopAddress(hop);
        // An entry that a trusted proxy did not understand itself cannot be counted; the proxy is counted instead.
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

const loopback = addressRanges(["127.0.0.0/8", "::1"]);
