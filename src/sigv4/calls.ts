/** Calls as they come in with the requests of Node.js and of the Fetch standard. */
import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import type { TLSSocket } from "node:tls";
import { headerPairs } from "../lib/sigv4.ts";
import { readIncoming, readRequest, type WithRawBody } from "./body.ts";
import type { Caller } from "./caller.ts";
import type { SignedCall, Verifier } from "./verifier.ts";

/** How a call got here, as far as the request itself does not say it. */
export interface Arrival {
  /** The caller's address. */
  readonly sourceIp?: string | undefined;
  /** Whether it came over TLS. */
  readonly isSecure?: boolean | undefined;
}

/** What Express and Fastify add to a request of Node.js. */
interface Adapted {
  /** The target, where a mounted application sees the rest of it only. */
  readonly originalUrl?: string;
}

/**
 * Who made a call that Node's own server received. Throws SignatureError if the signature does not count. The raw body is then
 * in `request.rawBody`.
 */
export function verifyIncoming(
  verifier: Verifier,
  request: IncomingMessage & WithRawBody,
  arrival: Arrival = {},
): Promise<Caller> {
  return verifier.verify(callOf(verifier, request, arrival));
}

/** @param stream where the body is read, if not from the request itself */
export function callOf(
  { largestBody }: Verifier,
  request: IncomingMessage & WithRawBody & Adapted,
  arrival: Arrival,
  stream?: Readable,
): SignedCall {
  const { socket, method = "GET" } = request;
  const target = request.originalUrl ?? request.url ?? "/";
  return {
    method,
    ...split(target),
    headers: pairsOf(request),
    body: () => readIncoming(request, largestBody, stream),
    sourceIp: plain(arrival.sourceIp ?? socket?.remoteAddress),
    isSecure: arrival.isSecure ?? (socket as TLSSocket | undefined)?.encrypted === true,
  };
}

/** HTTP/2 has the host in a field of its own, which signers call Host. Both are given if they differ, which no signature can mean. */
function pairsOf(request: IncomingMessage): [string, string][] {
  const pairs = headerPairs(request.rawHeaders);
  if (request.httpVersionMajor < 2) return pairs;
  const { ":authority": authority, host } = request.headers as Readonly<Record<string, string | undefined>>;
  const fields = pairs.filter(([name]) => !name.startsWith(":"));
  if (authority === undefined || authority.toLowerCase() === host?.toLowerCase()) return fields;
  return [["host", authority], ...fields];
}

function split(target: string): { path: string; query: string } {
  const end = target.indexOf("?");
  return end < 0 ? { path: target, query: "" } : { path: target.slice(0, end), query: target.slice(end + 1) };
}

/** An IPv4 address without the prefix that it has on a socket for both kinds. */
const plain = (address: string | undefined) => address?.replace(/^::ffff:(?=\d+\.)/i, "");

/**
 * Who made a call that came as a request of the Fetch standard. Throws SignatureError if the signature does not count. The body
 * can still be read afterwards.
 */
export function verifyRequest(verifier: Verifier, request: Request, arrival: Arrival = {}): Promise<Caller> {
  const { pathname, search, host, protocol } = new URL(request.url);
  const headers = [...request.headers];
  if (!request.headers.has("host")) headers.push(["host", host]);
  return verifier.verify({
    method: request.method,
    path: pathname,
    query: search.slice(1),
    headers,
    body: () => readRequest(request, verifier.largestBody),
    sourceIp: arrival.sourceIp,
    // Behind a proxy the URL may say http of what came over TLS.
    isSecure: arrival.isSecure ?? (protocol === "https:" || undefined),
  });
}
