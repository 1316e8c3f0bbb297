/** Admission for whatever is not a call of the API, which answers in its own way: pages, OAuth, discovery, everything. */
import type { HttpBindings } from "@hono/node-server";
import type { Context, MiddlewareHandler } from "hono";
import type { Serving } from "./context.ts";

type Bound = { Bindings: HttpBindings };

export interface CrowdOptions {
  /** Whether a request is answered by a room that asks for admission itself, or may never be refused. */
  readonly isExcepted: (c: Context<Bound>) => boolean;
  /** What people are shown who ask for more than their share. */
  readonly page: (c: Context<Bound>) => Response;
}

/** RFC 6749 has no better word for it, and others look at the status. */
const told = {
  error: "temporarily_unavailable",
  error_description: "Rate exceeded",
  message: "Rate exceeded",
};

/** Refuses, while the thread that answers is late, what goes beyond the share of an address. */
export function crowdGuard(serving: Serving, { isExcepted, page }: CrowdOptions): MiddlewareHandler<Bound> {
  return (c, next) => {
    const { incoming, outgoing } = c.env;
    if (isExcepted(c) || serving.admission.admits(serving.network(incoming))) return next();
    outgoing.once("finish", () => serving.admission.hold(incoming.socket));
    const isPerson = (c.req.header("accept") ?? "").includes("text/html");
    const answer = isPerson
      ? page(c)
      : c.json(told, 429, {
          "access-control-allow-origin": "*",
          "cache-control": "no-store",
          "retry-after": "1",
        });
    return Promise.resolve(answer);
  };
}
