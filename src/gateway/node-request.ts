/** Requests as Node receives them, made into what the rules see. */
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { hostKey } from "../lib/host-name.ts";
import { addressRanges, canonicalAddress, isAmong } from "../lib/network.ts";
import type { Asked } from "./asked.ts";

export interface Received extends Asked {
  /** Whether a proxy sent it whose `X-Forwarded-*` and `X-Original-*` headers are believed. */
  readonly isFromProxy: boolean;
}

/** A request that two servers could understand differently, or whose method only serves to look into them. */
export class UnclearRequest extends Error {
  override name = "UnclearRequest";
  readonly status: 400 | 405 | 501;

  constructor(status: 400 | 405 | 501 = 400) {
    super("The request is not clear.");
    this.status = status;
  }
}

/**
 * Reads requests. Scheme and host are those that the browser used: what a trusted proxy says of them, else the
 * connection's own. @throws UnclearRequest
 */
export function requestReader(trustedProxies: readonly string[]): (incoming: IncomingMessage) => Received {
  const trusted = addressRanges(trustedProxies);
  const known = new WeakMap<Socket, boolean>();
  const isProxy = (socket: Socket): boolean => {
    const before = known.get(socket);
    if (before !== undefined) return before;
    const is = isAmong(trusted, canonicalAddress(socket.remoteAddress ?? "") ?? "");
    known.set(socket, is);
    return is;
  };
  return (incoming) => {
    const { headers, method = "GET", url = "/", socket } = incoming;
    assertClear(incoming);
    const isFromProxy = isProxy(socket);
    const header = (name: string) => {
      const value = headers[name];
      return Array.isArray(value) ? value.join(", ") : value;
    };
    const said = (name: string) => (isFromProxy ? header(name) : undefined);
    const isTls = (socket as Partial<TLSSocket>).encrypted === true;
    const proto = said("x-forwarded-proto")?.split(",", 1)[0]?.trim() ?? (isTls ? "https" : "http");
    const scheme = proto === "https" ? "https:" : "http:";
    // A proxy that appends has the client's own first: two hosts are none.
    const host = canonicalHost(said("x-forwarded-host") ?? headers.host ?? "", scheme);
    if (host === undefined) throw new UnclearRequest();
    return { method, scheme, host, target: url, header, isFromProxy };
  };
}

/**
 * What Node lets through, and another server behind may read otherwise: targets of other forms (RFC 9112 section 3.2), of
 * which an absolute one names a host of its own; several hosts; bodies framed by anything but `chunked` or a length
 * (section 6.1). @throws UnclearRequest
 */
function assertClear({ headers, method, url, rawHeaders, httpVersion }: IncomingMessage): void {
  if (method === "TRACE" || method === "CONNECT") throw new UnclearRequest(405);
  if (url?.startsWith("/") !== true || countOf(rawHeaders, "host") > 1) throw new UnclearRequest();
  const encoding = headers["transfer-encoding"];
  if (encoding === undefined) return;
  if (encoding.toLowerCase() !== "chunked") throw new UnclearRequest(501);
  if (httpVersion === "1.0" || headers["content-length"] !== undefined) throw new UnclearRequest();
}

/** A host in canonical form, without the scheme's own port; undefined if it is none. */
function canonicalHost(text: string, scheme: "https:" | "http:"): string | undefined {
  const [, name = "", port = ""] = /^([\w.-]+|\[[\da-f:.]+\])(?::(\d{1,5}))?$/i.exec(text) ?? [];
  if (name === "") return undefined;
  const bare = name.startsWith("[") ? name.toLowerCase() : hostKey(name);
  return port === "" || port === (scheme === "https:" ? "443" : "80") ? bare : `${bare}:${port}`;
}

function countOf(rawHeaders: readonly string[], name: string): number {
  let count = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const one = rawHeaders[at]!;
    if (one.length === name.length && one.toLowerCase() === name) count += 1;
  }
  return count;
}
