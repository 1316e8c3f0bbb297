/** What an application behind the middleware learns about a request. */
import type { Identity } from "./identity.ts";

export interface Known {
  /** Undefined for somebody unknown on a public route. */
  readonly identity: Identity | undefined;
  readonly accessToken: string | undefined;
}

/** A request on which the middleware puts it. */
export interface WithKnown {
  gateway?: Known | null;
}

/**
 * Who asks, as the gateway's middleware has found: `knownOf(request).identity`. Throws an Error if the middleware does not
 * stand in front of the route, so that nobody is taken for unknown by mistake.
 */
export function knownOf(request: object): Known {
  const { gateway } = request as WithKnown;
  if (gateway === undefined || gateway === null)
    throw new Error("The middleware of the gateway does not stand in front of this route.");
  return gateway;
}
