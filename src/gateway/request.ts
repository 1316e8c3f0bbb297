/** The gateway inside an application whose framework has `Request` and `Response`, such as Hono. */
import type { IncomingMessage } from "node:http";
import type { MiddlewareHandler } from "hono";
import type { Gateway } from "./gateway.ts";
import type { Known } from "./known.ts";
import { type Log, plainLog } from "./log.ts";
import { requestReader } from "./node-request.ts";
import { BodyTooLarge, failureStatus } from "./receive.ts";
import { answerRefused } from "./refused.ts";

export interface RequestOptions {
  /**
   * The address that the connection is from. If it is one of `trusted-proxies`, its X-Forwarded-Host and X-Forwarded-Proto
   * are believed; without it, host and scheme are those of the request's URL.
   */
  readonly peer?: string | undefined;
  /**
   * Path and query as the client sent them, if the request's URL has another path: where an application is mounted below one
   * and only sees the rest. By default those of the URL.
   */
  readonly target?: string | undefined;
  readonly log?: Log;
}

export type Handled =
  | { readonly response: Response }
  | (Known & {
      readonly response?: undefined;
      /** The request without the headers that only the gateway sends: pass this one on. */
      readonly request: Request;
      /** Set-Cookie headers that belong into the answer. */
      readonly cookies: readonly string[];
    });

/**
 * What to answer, or who asks and may go on. Other proxies cannot ask here (`paths.check` is 404), and WebSockets are not
 * protected. Never throws: what goes wrong is answered with 500.
 */
export async function handleRequest(
  gateway: Gateway,
  request: Request,
  { peer, target, log = plainLog }: RequestOptions = {},
): Promise<Handled> {
  try {
    const asked = requestReader(gateway.settings.trustedProxies)(asNode(request, peer, target));
    const own = await gateway.answer(asked, (most) => readBody(request, most));
    if (own !== undefined) return { response: own };
    const decision = await gateway.admit(asked);
    switch (decision.kind) {
      case "pass": {
        const { identity, accessToken, cookies } = decision;
        return { identity, accessToken, cookies, request: withoutOurs(gateway, request) };
      }
      case "sign-in": {
        const headers = { location: decision.location, "cache-control": "no-store" };
        return { response: new Response(null, { status: 302, headers }) };
      }
      case "refused":
        return { response: answerRefused(asked, decision) };
    }
  } catch (error) {
    return { response: new Response(null, { status: failureStatus(log, error) }) };
  }
}

/** As much of a request as `requestReader` looks at, in Node's form. */
function asNode(request: Request, peer: string | undefined, target: string | undefined): IncomingMessage {
  const { protocol, host, pathname, search } = new URL(request.url);
  const headers = { ...Object.fromEntries(request.headers), host };
  return {
    method: request.method,
    url: target ?? `${pathname}${search}`,
    headers,
    rawHeaders: Object.entries(headers).flat(),
    httpVersion: "1.1",
    socket: { remoteAddress: peer, encrypted: protocol === "https:" },
  } as unknown as IncomingMessage;
}

async function readBody({ body }: Request, most: number): Promise<string> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of body ?? []) {
    length += part.length;
    if (length > most) throw new BodyTooLarge();
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

function withoutOurs(gateway: Gateway, request: Request): Request {
  const ours = [...request.headers.keys()].filter((name) => gateway.isOurHeader(name));
  if (ours.length === 0) return request;
  const headers = new Headers(request.headers);
  for (const name of ours) headers.delete(name);
  return new Request(request, { headers });
}

/** What `@hono/node-server` tells of the connection. */
interface NodeBindings {
  readonly incoming?: Pick<IncomingMessage, "socket" | "url">;
}

/** Middleware for Hono: `app.use(honoGateway(gateway))`. Who asks is in `c.get("gateway")`. As `handleRequest` otherwise. */
export function honoGateway(
  gateway: Gateway,
  log: Log = plainLog,
): MiddlewareHandler<{ Variables: { gateway: Known } }> {
  return async (c, next) => {
    const incoming = (c.env as NodeBindings | undefined)?.incoming;
    // The whole path, also in an application that another one has mounted: its requests have the rest only.
    const target = incoming?.url?.startsWith("/") ? incoming.url : undefined;
    const peer = incoming?.socket.remoteAddress;
    const handled = await handleRequest(gateway, c.req.raw, { peer, target, log });
    if (handled.response !== undefined) return handled.response;
    const { identity, accessToken, cookies, request } = handled;
    c.req.raw = request;
    c.set("gateway", { identity, accessToken });
    await next();
    for (const cookie of cookies) c.header("set-cookie", cookie, { append: true });
    return undefined;
  };
}
