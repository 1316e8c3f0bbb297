/**
 * Composes what Hono answers: pages, OAuth, discovery, and the rest of what is not a call of an API. server.ts loads it by
 * the first request for any of it, with all that only these rooms need: Hono, and what it needs of Node.js (Request and
 * Response, HTTP/2).
 */
import { getRequestListener, type HttpBindings } from "@hono/node-server";
import { Hono } from "hono";
import { servesThisMachine } from "./config/config.ts";
import type { Serving } from "./http/context.ts";
import { federationRoutes } from "./http/federation/routes.ts";
import { guarded, overTls } from "./http/headers.ts";
import { notFoundPage } from "./http/hosted-ui/not-found-page.ts";
import { overloadPage } from "./http/hosted-ui/overload-page.ts";
import { hostedRoutes } from "./http/hosted-ui/routes.ts";
import { createHostCheck } from "./http/hosts.ts";
import type { NumberArrivals } from "./http/inbox/arrivals.ts";
import { inboxRoutes } from "./http/inbox/routes.ts";
import { lambdaRoutes } from "./http/lambda/routes.ts";
import type { Listener } from "./http/listen.ts";
import { answerNothing, answerNothingHere, answerUnknownHost } from "./http/nothing-here.ts";
import { discoveryRoutes } from "./http/oauth/discovery.ts";
import { oauthDoor } from "./http/oauth/door.ts";
import { oauthRoutes } from "./http/oauth/routes.ts";
import { atDomain, type Bindings } from "./http/place.ts";
import { PoolRouter } from "./http/pool-router.ts";
import { identityDiscoveryRoutes } from "./http/sts/discovery.ts";
import { tlsAskRoutes } from "./http/tls-ask.ts";
import { welcomeRoutes } from "./http/welcome/routes.ts";

export interface Routes {
  readonly routes: Listener;
  /** Answers a request for a path that cannot be routed. */
  readonly nothingHere: Listener;
  /** The page for people whose address exceeds its share. @param language Accept-Language */
  readonly overloadPage: (language: string | undefined) => string;
}

interface RoutesOptions {
  /** Whether the global Request and Response may be replaced (ServerOptions). */
  readonly ownsProcess: boolean;
  /** Numbers the messages of the inbox for all workers; undefined if there are none. */
  readonly numberArrivals: NumberArrivals | undefined;
}

export function openRoutes(serving: Serving, { ownsProcess, numberArrivals }: RoutesOptions): Routes {
  const { fetch } = routes(serving, numberArrivals);
  const byRoutes = getRequestListener(fetch, { overrideGlobalObjects: ownsProcess });
  const answersProgram = oauthDoor(serving);
  return {
    routes: (incoming, outgoing) => {
      if (!answersProgram(incoming, outgoing)) void byRoutes(incoming, outgoing);
    },
    nothingHere: (incoming, outgoing) => answerNothingHere(incoming, outgoing, notFoundPage),
    overloadPage,
  };
}

/** Every route of the server, apart from calls of the APIs, /healthz, /readyz and /metrics. */
function routes(serving: Serving, numberArrivals?: NumberArrivals): Hono<{ Bindings: HttpBindings }> {
  const { app } = serving;
  const knowsHost = createHostCheck(app.config);
  const all = new Hono<{ Bindings: HttpBindings }>({ router: new PoolRouter() });
  all.route("/", tlsAskRoutes(serving));
  const ofPools = new Hono<Bindings>({ router: new PoolRouter() });
  ofPools.use(guarded(app.config));
  ofPools.use((c, next) => {
    const exchange = c.env;
    exchange.readBody = (limit) => serving.bodies.read(exchange, serving.network(exchange.incoming), limit);
    return next();
  });
  ofPools.route("/", discoveryRoutes(serving));
  ofPools.use(overTls(serving));
  ofPools.route("/", oauthRoutes(serving));
  ofPools.route("/", federationRoutes(serving));
  ofPools.route("/", hostedRoutes(serving));
  ofPools.notFound(answerNothing(notFoundPage));
  all.use(async (c, next) => {
    if (knowsHost(c.req.header("host"))) return next();
    const answer = await atDomain(serving.context(c.env.incoming), c, ofPools);
    if (answer !== undefined) return answer;
    return answerUnknownHost(c);
  });
  all.route("/", lambdaRoutes(serving));
  all.route("/", identityDiscoveryRoutes(serving));
  all.route("/", ofPools);
  if (servesThisMachine(app.config)) all.route("/", welcomeRoutes(serving));
  if (app.senders.keepsInbox) all.route("/", inboxRoutes(serving, numberArrivals));
  all.notFound(answerNothing(notFoundPage));
  all.onError((error, c) => {
    serving.context(c.env.incoming).log.error({ err: error }, "internal error");
    return c.json({ message: "Internal error." }, 500);
  });
  return all;
}
