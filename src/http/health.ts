/** /healthz: the process is running. /readyz: the database answers and is migrated. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { Hono } from "hono";
import type { Serving } from "./context.ts";

export function healthRoutes(ready: () => Promise<void>): Hono {
  const routes = new Hono();
  routes.get("/readyz", async (c) => {
    try {
      await ready();
      return c.json({ status: "ready" });
    } catch {
      return c.json({ status: "not ready" }, 503);
    }
  });
  return routes;
}

const up = JSON.stringify({ status: "ok" });

/**
 * Answers /healthz, before anything else and for everybody: a prober that gets no answer may kill the process, and may
 * share an attacker's address. The request counts like any other; an address beyond its share is then left unread for a
 * moment.
 * @returns false if the request was for something else
 */
export function answersHealth(
  { admission, network }: Serving,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): boolean {
  const { method, url = "", socket } = incoming;
  if (!/^\/healthz(?:\?|$)/.test(url)) return false;
  if (method !== "GET" && method !== "HEAD") return false;
  const admitted = admission.admits(network(incoming));
  outgoing.writeHead(200, { "content-type": "application/json", "content-length": up.length });
  outgoing.end(up, admitted ? undefined : () => admission.hold(socket));
  return true;
}
