/** /healthz: the process is up. /readyz: the database answers and is migrated. */
import { Hono } from "hono";

export function healthRoutes(ready: () => Promise<void>): Hono {
  const routes = new Hono();
  routes.get("/healthz", (c) => c.json({ status: "ok" }));
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
