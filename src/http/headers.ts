/** Headers of every answer of the pools' endpoints, whatever it is: a page, a redirect, JSON, a file, a refusal. */
import type { MiddlewareHandler } from "hono";
import type { Bindings } from "./place.ts";

/** Where the answer does not say otherwise: nobody frames it, guesses at its type, or keeps it. */
const guards = Object.entries({
  "x-frame-options": "DENY",
  "x-content-type-options": "nosniff",
  "cache-control": "no-store",
});

export const guarded: MiddlewareHandler<Bindings> = (c, next) => {
  // On Node's answer: to change Hono's once it is there means to make it anew.
  for (const [name, value] of guards) c.env.outgoing.setHeader(name, value);
  return next();
};
