/** Default headers of every answer of the pools' endpoints: pages, redirects, JSON, files and refusals. */
import type { MiddlewareHandler } from "hono";
import type { Bindings } from "./place.ts";

/** Defaults unless the answer sets its own: no framing, no content sniffing, no caching. */
const guards = Object.entries({
  "x-frame-options": "DENY",
  "x-content-type-options": "nosniff",
  "cache-control": "no-store",
});

export const guarded: MiddlewareHandler<Bindings> = (c, next) => {
  // Set on Node's response: changing Hono's once it exists would create it anew.
  for (const [name, value] of guards) c.env.outgoing.setHeader(name, value);
  return next();
};
