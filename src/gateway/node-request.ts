/** Requests as Node receives them, made into what the rules see. */
import type { IncomingMessage } from "node:http";
import type { TLSSocket } from "node:tls";
import { hostKey } from "../lib/host-name.ts";
import { addressRanges, canonicalAddress, isAmong } from "../lib/network.ts";
import type { Asked } from "./asked.ts";

export interface Received extends Asked {
  /** Whether a proxy sent it whose `X-Forwarded-*` and `X-Original-*` headers are believed. */
  readonly isFromProxy: boolean;
}

/** A request whose host or target nobody can be sure about. */
export class UnclearRequest extends Error {
  override name = "UnclearRequest";
}

/**
 * Reads requests. Scheme and host are those that the browser used: what a trusted proxy says of them, else the
 * connection's own. @throws UnclearRequest
 */
export function requestReader(trustedProxies: readonly string[]): (incoming: IncomingMessage) => Received {
  const trusted = addressRanges(trustedProxies);
  return (incoming) => {
    const { headers, method = "GET", url = "/", socket } = incoming;
    const isFromProxy = isAmong(trusted, canonicalAddress(socket.remoteAddress ?? "") ?? "");
    const header = (name: string) => {
      const value = headers[name];
      return Array.isArray(value) ? value.join(", ") : value;
    };
    const said = (name: string) => (isFromProxy ? header(name)?.split(",")[0]?.trim() : undefined);
    const isTls = (socket as Partial<TLSSocket>).encrypted === true;
    const scheme = (said("x-forwarded-proto") ?? (isTls ? "https" : "http")) === "https" ? "https:" : "http:";
    const host = canonicalHost(said("x-forwarded-host") ?? header("host") ?? "", scheme);
    // An absolute target (RFC 9112 section 3.2.2) names a host of its own.
    if (host === undefined || !url.startsWith("/") || countOf(incoming, "host") > 1)
      throw new UnclearRequest();
    return { method, scheme, host, target: url, header, isFromProxy };
  };
}

/** A host in canonical form, without the scheme's own port; undefined if it is none. */
function canonicalHost(text: string, scheme: "https:" | "http:"): string | undefined {
  const [, name = "", port = ""] = /^([\w.-]+|\[[\da-f:.]+\])(?::(\d{1,5}))?$/i.exec(text) ?? [];
  if (name === "") return undefined;
  const bare = name.startsWith("[") ? name.toLowerCase() : hostKey(name);
  return port === "" || port === (scheme === "https:" ? "443" : "80") ? bare : `${bare}:${port}`;
}

function countOf({ rawHeaders }: IncomingMessage, name: string): number {
  return rawHeaders.filter((one, index) => index % 2 === 0 && one.toLowerCase() === name).length;
}
