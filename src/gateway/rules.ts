/** Which rule a request falls under, and what it asks for. */
import type { GatewayApplication, GatewayRoute } from "../lib/gateway-settings.ts";
import type { Asked } from "./asked.ts";
import { type Identity, provenClaim } from "./identity.ts";

/** The application that a host belongs to: the one that names it, else one for every host. */
export function applicationOf(
  applications: readonly GatewayApplication[],
  host: string,
): GatewayApplication | undefined {
  const named = applications.find(({ hosts }) => hosts.includes(host));
  if (named !== undefined) return named;
  // At another port, or with one that goes without saying, it is still that application's host to servers behind.
  const isNamed = applications.some(({ hosts }) => hosts.some((one) => nameOf(one) === nameOf(host)));
  return isNamed ? undefined : applications.find(({ hosts }) => hosts.length === 0);
}

/** A host without its port. */
const nameOf = (host: string) => host.replace(/:\d+$/, "");

/**
 * The first route that fits. A rule that asks for something fits whatever the case of letters, and with or without what
 * follows a semicolon, since some servers take these for the same path; one that is public fits only what it says.
 * Undefined if none fits: nobody is let in.
 */
export function routeOf(
  { routes }: GatewayApplication,
  { method }: Pick<Asked, "method">,
  path: string,
): GatewayRoute | undefined {
  const loose = path.replace(/;[^/]*/g, "").toLowerCase();
  return routes.find((route) => {
    const isExact = route.access === "public";
    if (isExact && path.includes(";")) return false;
    if (!fits(isExact ? route.path : route.path.toLowerCase(), isExact ? path : loose)) return false;
    return route.methods === undefined || route.methods.includes(method);
  });
}

/** `/**` at the end stands for the path before it and all below; all else is compared as it is, but for a last slash. */
function fits(pattern: string, path: string): boolean {
  if (!pattern.endsWith("/**")) return path === pattern || path === `${pattern}/`;
  const start = pattern.slice(0, -3);
  return path === start || path.startsWith(`${start}/`);
}

export type Lack = "group" | "scope" | "claim";

/** What somebody lacks who is known; undefined if nothing. */
export function lacking(route: GatewayRoute, identity: Identity): Lack | undefined {
  const { groups, scopes } = identity;
  if (route.groups.length > 0 && !route.groups.some((one) => groups.includes(one))) return "group";
  if (!route.scopes.every((one) => scopes.includes(one))) return "scope";
  const fails = Object.entries(route.claims).some(
    ([name, allowed]) => !holds(provenClaim(identity, name), allowed),
  );
  return fails ? "claim" : undefined;
}

/** Whether a claim has one of the values; a list, if one of its items has. */
function holds(value: unknown, allowed: readonly string[]): boolean {
  return [value].flat().some((one) => isClear(one) && allowed.includes(String(one)));
}

/** Whether a value is one text only: of several large integers, reading the token's JSON makes the same number. */
const isClear = (value: unknown) =>
  typeof value === "number"
    ? Number.isSafeInteger(value) || !Number.isInteger(value)
    : ["string", "boolean"].includes(typeof value);
