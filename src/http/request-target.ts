/**
 * What a request names: one host, and one path in normal form. Whatever could be read in two ways is refused, since a
 * proxy in front of this server may have read it the other way.
 */
import type { IncomingMessage } from "node:http";
import { hostKey } from "../lib/host-name.ts";
import { hostName } from "./hosts.ts";

/**
 * Turns an absolute request target into the path and query that it contains. Returns false if the request names no
 * host, more than one, or none that is well-formed, and must be answered with 400 (RFC 9112 section 3.2).
 */
export function namesOneHost(request: IncomingMessage): boolean {
  const { rawHeaders, headers, httpVersion, url = "" } = request;
  let lines = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!;
    if (name.length === 4 && name.toLowerCase() === "host") lines += 1;
  }
  if (lines > 1 || (lines === 0 && httpVersion !== "1.0")) return false;
  if (headers.host !== undefined && !hostHeader.test(headers.host)) return false;
  if (url.startsWith("/")) return true;
  const [, authority, rest = ""] = /^https?:\/\/([^/?#]*)(.*)$/is.exec(url) ?? [];
  // `*` and the like lead to no route.
  if (authority === undefined) return true;
  if (keyOf(authority) !== keyOf(headers.host ?? authority)) return false;
  request.url = rest.startsWith("/") ? rest : `/${rest}`;
  return true;
}

/** A host, and perhaps a port (RFC 9110 section 7.2); nothing that would end the host of a URL, and no user information. */
const hostHeader = /^(?:\[[\da-fA-F:.]+\]|[^\s:/?#@\\[\]]*)(?::\d*)?$/;

/** The host of an authority. User information remains part of it, so that it equals no Host. */
const keyOf = (authority: string) => (authority.includes("@") ? authority : hostKey(hostName(authority)));

const normalPath = /^\/(?:(?!\.{1,2}(?:\/|$))[\w.~!$&'()*+,;=:@-]+(?:\/|$))*$/;

/**
 * Whether the path is in normal form (RFC 3986 section 6.2.2): no empty and no dot segment, no backslash, and nothing
 * percent-encoded, since no route contains such a character. Anything else must lead nowhere, before it is routed.
 */
export function hasNormalPath({ url = "" }: Pick<IncomingMessage, "url">): boolean {
  const query = url.indexOf("?");
  return normalPath.test(query < 0 ? url : url.slice(0, query));
}
