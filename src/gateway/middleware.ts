/** The gateway inside an application on Node's server, in front of its own routes: Express, Connect and Fastify. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Gateway } from "./gateway.ts";
import type { Known, WithKnown } from "./known.ts";
import { type Log, plainLog } from "./log.ts";
import { requestReader } from "./node-request.ts";
import { answerFailure, answerOrPass } from "./receive.ts";

/** What frameworks keep of a request's target when they take the prefix of a mounted application away. */
interface Mounted {
  readonly originalUrl?: string;
}

/**
 * Middleware for Express and Connect: `app.use(expressGateway(gateway))`, before all that it protects. Who asks is in
 * `knownOf(request)`; headers that only the gateway sends are removed from the request. It answers what is refused, and what
 * goes wrong in it, itself. WebSockets do not pass through middleware, and are not protected by it.
 */
export function expressGateway(gateway: Gateway, log: Log = plainLog) {
  const handle = handler(gateway, log);
  return (
    incoming: IncomingMessage & WithKnown & Mounted,
    outgoing: ServerResponse,
    next: () => void,
  ): void => {
    void handle(incoming, outgoing).then((passed) => {
      if (passed === undefined) return;
      for (const cookie of passed.cookies) outgoing.appendHeader("set-cookie", cookie);
      incoming.gateway = passed.known;
      next();
    });
  };
}

/** What is used of Fastify. */
export interface FastifyLike {
  decorateRequest(name: string, value: null): unknown;
  addHook(
    name: "onRequest",
    hook: (request: FastifyRequestLike, reply: FastifyReplyLike) => Promise<void>,
  ): unknown;
}

interface FastifyRequestLike extends WithKnown {
  readonly raw: IncomingMessage;
}

interface FastifyReplyLike {
  readonly raw: ServerResponse;
  header(name: string, value: string): unknown;
  hijack(): unknown;
}

/**
 * Puts the gateway in front of all routes of a Fastify application: `fastifyGateway(app, gateway)`. As `expressGateway`
 * otherwise.
 */
export function fastifyGateway(app: FastifyLike, gateway: Gateway, log: Log = plainLog): void {
  const handle = handler(gateway, log);
  app.decorateRequest("gateway", null);
  app.addHook("onRequest", async (request, reply) => {
    const passed = await handle(request.raw, reply.raw);
    if (passed === undefined) return void reply.hijack();
    // Set at the reply: what is set at Node's own answer is lost when the application sets a cookie, too.
    for (const cookie of passed.cookies) reply.header("set-cookie", cookie);
    request.gateway = passed.known;
  });
}

interface Passed {
  readonly known: Known;
  /** Set-Cookie headers for the answer. */
  readonly cookies: readonly string[];
}

/** Undefined once a request has been answered here. */
function handler(gateway: Gateway, log: Log) {
  const read = requestReader(gateway.settings.trustedProxies);
  return async (
    incoming: IncomingMessage & Mounted,
    outgoing: ServerResponse,
  ): Promise<Passed | undefined> => {
    try {
      const { originalUrl } = incoming;
      const received = read(incoming);
      const whole = originalUrl?.startsWith("/") ? { ...received, target: originalUrl } : received;
      const passed = await answerOrPass(gateway, whole, incoming, outgoing);
      if (passed === undefined) return undefined;
      removeOurs(gateway, incoming);
      const { cookies, identity, accessToken } = passed.decision;
      return { known: { identity, accessToken }, cookies };
    } catch (error) {
      answerFailure(log, outgoing, error);
      return undefined;
    }
  };
}

/** Removes the headers that only look as if they came from a gateway, in each form that Node has them. */
function removeOurs(gateway: Gateway, incoming: IncomingMessage): void {
  const { headers, rawHeaders } = incoming;
  if (!Object.keys(headers).some((name) => gateway.isOurHeader(name))) return;
  // Node makes the second of the raw headers once, when it is first asked for.
  for (const all of [headers, incoming.headersDistinct])
    for (const name of Object.keys(all)) if (gateway.isOurHeader(name)) delete all[name];
  incoming.rawHeaders = rawHeaders.filter((_, at) => !gateway.isOurHeader(rawHeaders[at - (at % 2)]!));
}
