/** /healthz: the process is up. /readyz: the database answers and is migrated. */
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
 * Answers whether the process is up, before anything else and to everybody: who gets no answer may end it, and may have an
 * attacker's address. It counts like any request, and who asks for more than a share is not read for a moment.
 * @returns false: it was something else that was asked
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
