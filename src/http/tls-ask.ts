/**
 * GET /tls/ask?domain=NAME: whether this server answers to a host name, for a proxy that obtains certificates on demand
 * (Caddy's `on_demand_tls` and `ask`). Without this check, strangers could have it obtain certificates for any name
 * that they point at it.
 *
 * Only the proxy itself may ask: over a connection from this machine or from POOLHOUSE_TRUSTED_PROXIES, and not with a
 * forwarded request. Anybody who connects by TLS learns the same from the certificate. The proxy may know the server by
 * any name, so the Host header is not checked.
 */
import type { HttpBindings } from "@hono/node-server";
import { type Context, Hono } from "hono";
import { servedBy } from "../domain/user-pools/domains.ts";
import { foldHostName } from "../lib/host-name.ts";
import type { Serving } from "./context.ts";
import { createHostCheck, hostName, isForwarded } from "./hosts.ts";

type Bound = { Bindings: HttpBindings };

export function tlsAskRoutes(serving: Serving): Hono<Bound> {
  const isOurs = createHostCheck(serving.app.config);
  const routes = new Hono<Bound>();
  routes.get("/tls/ask", async (c) => {
    const headers = { "cache-control": "no-store" };
    const answer = (status: 200 | 400 | 403 | 404, message: string) => c.json({ message }, status, headers);
    if (!mayAsk(serving, c))
      return answer(403, "Only a proxy on this machine or in POOLHOUSE_TRUSTED_PROXIES may ask, for itself.");
    const [given, another] = c.req.queries("domain") ?? [];
    const name = given === undefined || another !== undefined ? undefined : foldHostName(withoutPort(given));
    if (name === undefined) return answer(400, "The parameter domain must be one host name.");
    const ctx = serving.context(c.env.incoming);
    const isKnown = isOurs(name) || (await servedBy(ctx, name)) !== undefined;
    return isKnown
      ? answer(200, "This server answers to that name.")
      : answer(404, "This server does not answer to that name.");
  });
  return routes;
}

/** Whether the proxy itself asks: neither a forwarded request nor one of a web page. */
function mayAsk(serving: Serving, c: Context<Bound>): boolean {
  const names = Object.keys(c.req.header());
  const isOfPage = names.some((name) => name === "origin" || name.startsWith("sec-fetch-"));
  return serving.isNear(c.env.incoming) && !isForwarded(names) && !isOfPage;
}

/** Strips the port. A colon without a valid port makes the name invalid. */
function withoutPort(given: string): string {
  return /:\d{1,5}$/.test(given) ? hostName(given) : given;
}
