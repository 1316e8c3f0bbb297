/** Which headers of requests and answers are passed on. */
import type { IncomingHttpHeaders } from "node:http";

/** Headers of one connection, which are not passed on (RFC 9110 section 7.6.1). Node itself frames the body. */
const ofConnection: ReadonlySet<string> = new Set([
  ...["connection", "keep-alive", "proxy-connection", "te", "trailer", "upgrade"],
  ...["proxy-authenticate", "proxy-authorization"],
]);

/** What `Connection` may name without effect: the request would be another without it. */
const kept: ReadonlySet<string> = new Set(["host", "content-length", "transfer-encoding"]);

/** Headers about the browser's own connection, which the gateway says anew, and `Proxy`, which CGI takes for a setting. */
const saidByUs: ReadonlySet<string> = new Set([
  ...["forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-port"],
  ...["x-forwarded-uri", "x-forwarded-method", "x-original-uri", "x-original-method", "x-real-ip", "proxy"],
  // Some servers take the path or the method from these, about which no rule was asked.
  ...["x-original-url", "x-rewrite-url", "x-forwarded-prefix", "x-http-method-override", "x-http-method"],
  ...["x-method-override"],
]);

/**
 * A header's name as the most careless server reads it: CGI takes all characters but letters and digits for the same one
 * (RFC 3875 section 4.1.18).
 */
export const looseName = (name: string) => name.toLowerCase().replaceAll(/[^a-z\d]/g, "-");

/** The names in `Connection` (RFC 9110 section 7.6.1), in lower case. */
function namedIn(connection: string | undefined): readonly string[] {
  if (connection === undefined) return [];
  const names = connection.split(",").map((name) => name.trim().toLowerCase());
  return names.filter((name) => !kept.has(name));
}

/**
 * The headers of a request that an application gets: without those of the connection, those that only the gateway sends,
 * and `Expect`, which has been answered.
 * @param isOurs whether only the gateway sends a header
 */
export function passedOn(
  headers: IncomingHttpHeaders,
  isOurs: (name: string) => boolean,
): IncomingHttpHeaders {
  const named = namedIn(headers.connection);
  const passed: IncomingHttpHeaders = {};
  for (const name in headers) {
    if (ofConnection.has(name) || name === "expect" || named.includes(name)) continue;
    if (saidByUs.has(looseName(name)) || isOurs(name)) continue;
    passed[name] = headers[name];
  }
  return passed;
}

/** Headers as names and values in turns, as Node writes them without a copy. */
export function inTurns(headers: IncomingHttpHeaders): (string | readonly string[])[] {
  const list: (string | readonly string[])[] = [];
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined) list.push(name, value);
  }
  return list;
}

/**
 * The headers of an application's answer that the client gets, as they were sent, and the gateway's own cookies.
 * @param raw names and values in turns
 * @param connection its `Connection` header
 * @param mayPass whether a Set-Cookie header may be passed on
 */
export function answered(
  raw: readonly string[],
  connection: string | undefined,
  mayPass: (setCookie: string) => boolean,
): string[] {
  const named = namedIn(connection);
  const passed: string[] = [];
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at]!;
    const value = raw[at + 1]!;
    const lower = name.toLowerCase();
    if (lower === "transfer-encoding" || ofConnection.has(lower) || named.includes(lower)) continue;
    if (lower === "set-cookie" && !mayPass(value)) continue;
    passed.push(name, value);
  }
  return passed;
}
