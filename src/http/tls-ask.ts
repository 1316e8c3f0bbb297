/**
 * GET /tls/ask?domain=NAME: whether this server answers to a host name, for a proxy that gets certificates while it is
 * asked for them (Caddy: `on_demand_tls`, `ask`). Without such a question strangers could have it fetch certificates for
 * any name they point at it.
 *
 * Only the proxy itself may ask: over a connection from this machine or from POOLHOUSE_TRUSTED_PROXIES, and not with a
 * request that it passes on. Whoever connects by TLS learns the same from the certificate. It asks by whatever name it
 * finds the server under, so the Host header is not looked at.
 */
import type { HttpBindings } from "@hono/node-server";
import { type Context, Hono } from "hono";
import { servedBy } from "../domain/user-pools/domains.ts";
import { foldHostName } from "../lib/host-name.ts";
import type { Serving } from "./context.ts";
import { createHostCheck, hostName, proxyHeader } from "./hosts.ts";

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

/** Not a request of somebody else's that the proxy passes on, nor one of a web page. */
function mayAsk(serving: Serving, c: Context<Bound>): boolean {
  const isOfOthers = (name: string) =>
    proxyHeader.test(name) || name === "origin" || name.startsWith("sec-fetch-");
  return serving.isNear(c.env.incoming) && !Object.keys(c.req.header()).some(isOfOthers);
}

/** A colon that begins no port makes the name a wrong one. */
function withoutPort(given: string): string {
  return /:\d{1,5}$/.test(given) ? hostName(given) : given;
}
