/** The gateway inside an application, in front of its own routes. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Asked } from "./asked.ts";
import type { Gateway } from "./gateway.ts";
import type { Identity } from "./identity.ts";
import type { Log } from "./log.ts";
import { requestReader } from "./node-request.ts";
import { answerFailure, answerOrPass } from "./receive.ts";
import { answerRefused } from "./refused.ts";

/** What the application learns about a request: `request.gateway`. */
export interface Known {
  /** Undefined for somebody unknown on a public route. */
  readonly identity: Identity | undefined;
  readonly accessToken: string | undefined;
}

interface WithKnown {
  gateway?: Known;
}

const quiet: Log = { info: () => {}, warn: () => {}, error: () => {} };

/**
 * Middleware for Express and Connect. Use it before any parser of bodies: `app.use(expressGateway(gateway))`. Who is asking
 * is in `request.gateway`; headers that only the gateway sends are removed from the request.
 */
export function expressGateway(gateway: Gateway, log: Log = quiet) {
  const handle = handler(gateway, log);
  return (incoming: IncomingMessage & WithKnown, outgoing: ServerResponse, next: () => void): void => {
    void handle(incoming, outgoing).then((known) => {
      if (known === undefined) return;
      incoming.gateway = known;
      next();
    });
  };
}

/** What is used of Fastify. */
interface FastifyLike {
  decorateRequest(name: string, value: null): unknown;
  addHook(
    name: "onRequest",
    hook: (
      request: { readonly raw: IncomingMessage } & WithKnown,
      reply: { readonly raw: ServerResponse; hijack(): unknown },
    ) => Promise<void>,
  ): unknown;
}

/** Adds the gateway to Fastify: `fastifyGateway(app, gateway)`. Who is asking is in `request.gateway`. */
export function fastifyGateway(app: FastifyLike, gateway: Gateway, log: Log = quiet): void {
  const handle = handler(gateway, log);
  app.decorateRequest("gateway", null);
  app.addHook("onRequest", async (request, reply) => {
    const known = await handle(request.raw, reply.raw);
    if (known === undefined) reply.hijack();
    else request.gateway = known;
  });
}

function handler(gateway: Gateway, log: Log) {
  const read = requestReader(gateway.settings.trustedProxies);
  return async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<Known | undefined> => {
    try {
      const passed = await answerOrPass(gateway, read(incoming), incoming, outgoing);
      if (passed === undefined) return undefined;
      for (const name of Object.keys(incoming.headers))
        if (gateway.isOurHeader(name)) delete incoming.headers[name];
      const { cookies, identity, accessToken } = passed.decision;
      for (const cookie of cookies) outgoing.appendHeader("set-cookie", cookie);
      return { identity, accessToken };
    } catch (error) {
      answerFailure(log, outgoing, error);
      return undefined;
    }
  };
}

export type Handled =
  | { readonly response: Response }
  /** The request may go on; the cookies belong into its answer. */
  | (Known & { readonly response?: undefined; readonly cookies: readonly string[] });

/**
 * For frameworks with `Request` and `Response`, such as Hono: what to answer, or who is asking. The request's URL must be
 * that of the browser.
 */
export async function handleRequest(gateway: Gateway, request: Request): Promise<Handled> {
  const asked = askedBy(request);
  const own = await gateway.answer(asked, async (most) => (await request.clone().text()).slice(0, most));
  if (own !== undefined) return { response: own };
  const decision = await gateway.admit(asked);
  switch (decision.kind) {
    case "pass":
      return { identity: decision.identity, accessToken: decision.accessToken, cookies: decision.cookies };
    case "sign-in": {
      const headers = { location: decision.location, "cache-control": "no-store" };
      return { response: new Response(null, { status: 302, headers }) };
    }
    case "refused":
      return { response: answerRefused(asked, decision) };
  }
}

function askedBy({ method, url, headers }: Request): Asked {
  const { protocol, host, pathname, search } = new URL(url);
  const scheme = protocol === "https:" ? "https:" : "http:";
  return {
    method,
    scheme,
    host,
    target: `${pathname}${search}`,
    header: (name) => headers.get(name) ?? undefined,
  };
}
