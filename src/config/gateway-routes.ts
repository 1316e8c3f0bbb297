/** The applications of a gateway's file: their hosts, where they are, and who may do what. */
import type { GatewayApplication, GatewayRoute } from "../lib/gateway-settings.ts";
import { isHostName, isLoopback } from "../lib/host-name.ts";
import { type Entry, onlyKeys, requiredAt, textAt, textsAt, wordAt } from "./section.ts";

/** @param cookieDomain the domain that gets the session's cookie; undefined for the public URL's host alone */
export function readApplications(
  entry: Entry,
  publicUrl: string,
  cookieDomain: string | undefined,
): readonly GatewayApplication[] {
  const items = entry.items("applications");
  if (items.length === 0) return entry.fail("applications", "must list at least one application");
  const taken = new Set<string>();
  return items.map((item) => {
    onlyKeys(item, ["hosts", "upstream", "routes"]);
    const hosts = (textsAt(item, "hosts") ?? []).map((host) => hostOf(item, host, publicUrl, cookieDomain));
    for (const host of hosts.length === 0 ? ["every host"] : hosts) {
      if (taken.has(host)) item.fail("hosts", `names ${host}, as another application does`);
      taken.add(host);
    }
    return { hosts, upstream: upstreamOf(item), routes: readRoutes(item) };
  });
}

function hostOf(item: Entry, text: string, publicUrl: string, cookieDomain: string | undefined): string {
  const host = text.toLowerCase();
  const [name = ""] = host.split(":");
  if (!(isHostName(name) || isLoopback(name)) || !/^[^:]+(?::\d{1,5})?$/.test(host))
    return item.fail("hosts", `must be hosts, such as cms.example.com, not ${text}`);
  const own = new URL(publicUrl);
  const gets =
    cookieDomain === undefined
      ? name === own.hostname
      : name === cookieDomain || name.endsWith(`.${cookieDomain}`);
  if (gets) return host;
  return item.fail(
    "hosts",
    cookieDomain === undefined
      ? `names ${name}, which does not get the session of ${own.hostname}: set sessions.cookie-domain to a domain of both`
      : `names ${name}, which does not belong to sessions.cookie-domain, ${cookieDomain}`,
  );
}

function upstreamOf(item: Entry): string | undefined {
  const text = textAt(item, "upstream");
  if (text === undefined) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isOrigin =
    url !== undefined && /^https?:$/.test(url.protocol) && url.pathname === "/" && url.search === "";
  if (!isOrigin || url.username !== "")
    return item.fail("upstream", "must be an origin, such as http://127.0.0.1:8080");
  return url.origin;
}

const routeKeys = ["path", "methods", "access", "groups", "scopes", "claims", "by"];

function readRoutes(item: Entry): readonly GatewayRoute[] {
  const routes = item.items("routes").map(readRoute);
  if (routes.length === 0)
    return item.fail(
      "routes",
      "must list at least one route: `- path: /**` stands for everybody who is signed in",
    );
  return routes;
}

function readRoute(entry: Entry): GatewayRoute {
  onlyKeys(entry, routeKeys);
  const path = requiredAt(entry, "path");
  if (
    !/^(?:\/\*\*|\/(?:[^*?#%\\;\s]*[^*?#%\\;\s/])?(?:\/\*\*|\/)?)$/.test(path) ||
    /\/\/|\/\.{1,2}(?:\/|$)/.test(path)
  )
    entry.fail("path", "must be a path as it is after percent-decoding, such as /admin or /admin/**");
  const access = wordAt(entry, "access", ["public", "signed-in"]) ?? "signed-in";
  const route: GatewayRoute = {
    path: path === "/**" ? "/**" : path.replace(/(?<=.)\/$/, ""),
    methods: textsAt(entry, "methods")?.map((method) => methodOf(entry, method)),
    access,
    groups: textsAt(entry, "groups") ?? [],
    scopes: textsAt(entry, "scopes") ?? [],
    claims: claimsOf(entry),
    by: wordAt(entry, "by", ["session", "bearer", "either"]) ?? "session",
  };
  const asks = ["groups", "scopes", "claims"].find((key) => entry.value(key) !== undefined);
  if (access === "public" && asks !== undefined)
    entry.fail(asks, "cannot be asked for where access is public");
  for (const key of ["groups", "scopes", "methods"])
    if (textsAt(entry, key)?.length === 0) entry.fail(key, "is empty, which nobody could meet: leave it out");
  return route;
}

function methodOf(entry: Entry, text: string): string {
  const method = text.toUpperCase();
  return /^[A-Z]{1,20}$/.test(method)
    ? method
    : entry.fail("methods", `must be methods of HTTP, not ${text}`);
}

function claimsOf(entry: Entry): Readonly<Record<string, readonly string[]>> {
  if (entry.value("claims") === undefined) return {};
  const claims = entry.below("claims");
  return Object.fromEntries(
    claims.keys().map((name) => [name, textsAt(claims, name) ?? claims.fail(name, "has no value")] as const),
  );
}
