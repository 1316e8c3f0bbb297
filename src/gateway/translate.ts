/** What an application gets of a request, and what the client gets of its answer. */
import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders } from "node:http";
import type { Decision } from "./admission.ts";
import { forOneUser } from "./caching.ts";
import { setCookieName, withoutCookies } from "./cookies.ts";
import type { Gateway } from "./gateway.ts";
import { answered, passedOn } from "./headers.ts";
import type { Log } from "./log.ts";
import type { Received } from "./node-request.ts";

export interface Passing {
  readonly incoming: IncomingMessage;
  readonly received: Received;
  readonly decision: Decision & { readonly kind: "pass" };
}

/** Methods whose requests have no body unless they say so; of others an empty one is announced. */
const bodiless: readonly string[] = ["GET", "HEAD"];

/** The headers of a request that the application gets: what it learns, without what only looks like it. */
export async function translateRequest(
  gateway: Gateway,
  { incoming, received, decision }: Passing,
): Promise<IncomingHttpHeaders> {
  const told = await gateway.headersFor(received, decision);
  const { headers: sent, socket } = incoming;
  const headers = passedOn(sent, gateway.isOurHeader);
  const before = received.isFromProxy ? sent["x-forwarded-for"] : undefined;
  const peer = socket.remoteAddress ?? "";
  headers["x-forwarded-for"] = before === undefined ? peer : `${String(before)}, ${peer}`;
  // The host whose rules were asked, whatever a proxy in front has left.
  headers.host = received.host;
  headers["x-forwarded-host"] = received.host;
  headers["x-forwarded-proto"] = received.scheme.slice(0, -1);
  if (sent.cookie !== undefined) {
    const cookies = withoutCookies(sent.cookie, gateway.isOurCookie);
    if (cookies === "") delete headers.cookie;
    else headers.cookie = cookies;
  }
  const isFramed = sent["content-length"] !== undefined || sent["transfer-encoding"] !== undefined;
  if (!isFramed && !bodiless.includes(received.method)) headers["content-length"] = "0";
  for (const name in told) headers[name.toLowerCase()] = told[name];
  return headers;
}

/** The headers of an application's answer as the client gets them: names and values in turns. */
export function translateAnswer(
  gateway: Gateway,
  log: Log,
  { rawHeaders, headers }: IncomingMessage,
  { received, decision }: Passing,
): string[] {
  const passed = answered(rawHeaders, headers.connection, (line) => mayBeSet(gateway, log, line, received));
  for (const cookie of decision.cookies) passed.push("Set-Cookie", cookie);
  const isSilent = decision.identity !== undefined && headers["cache-control"] === undefined;
  // A cache that several people use must not keep a session, nor what one of them may see, whatever the application says.
  const isForOne = decision.isProtected || decision.cookies.length > 0 || isSilent;
  return isForOne ? forOneUser(passed) : passed;
}

/** As `translateAnswer`, for the answer to the opening handshake of a WebSocket. */
export function translateHandshake(
  gateway: Gateway,
  log: Log,
  headers: OutgoingHttpHeaders,
  { received, decision }: Passing,
): void {
  const set = [headers["set-cookie"] ?? []].flat().map(String);
  const cookies = set.filter((line) => mayBeSet(gateway, log, line, received));
  cookies.push(...decision.cookies);
  if (cookies.length > 0) headers["set-cookie"] = cookies;
  else delete headers["set-cookie"];
}

/** An application, or whoever can make it answer as they like, does not set or remove the session. */
function mayBeSet(gateway: Gateway, log: Log, line: string, { host }: Received): boolean {
  const cookie = setCookieName(line);
  if (!gateway.isReservedCookie(cookie)) return true;
  log.warn(
    { event: "cookie-refused", cookie, host },
    "An application tried to set a cookie of the gateway; it was left out.",
  );
  return false;
}
