/** Headers of every answer of the pools' endpoints, whatever it is: a page, a redirect, JSON, a file, a refusal. */
import type { MiddlewareHandler } from "hono";

/** Where the answer does not say otherwise: nobody frames it, guesses at its type, or keeps it. */
const guards = {
  "x-frame-options": "DENY",
  "x-content-type-options": "nosniff",
  "cache-control": "no-store",
} as const;

export const guarded: MiddlewareHandler = async (c, next) => {
  await next();
  for (const [name, value] of Object.entries(guards)) if (!c.res.headers.has(name)) c.header(name, value);
};
