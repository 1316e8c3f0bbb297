/** The applications of a gateway's file: their hosts, where they are, and who may do what. */
import type { GatewayApplication, GatewayRoute, GatewaySettings } from "../lib/gateway-settings.ts";
import { isHostName, isLoopback } from "../lib/host-name.ts";
import { keysOf } from "./gateway-keys.ts";
import { type Entry, onlyKeys, requiredAt, textAt, textsAt, wordAt } from "./section.ts";

/** What the applications must fit. */
export interface Around extends Pick<GatewaySettings, "publicUrl" | "paths" | "listen"> {
  /** The domain that gets the session's cookie; undefined for the public URL's host alone. */
  readonly cookieDomain: string | undefined;
}

/** Throws ConfigError with file, line and key if anything is wrong. @param entry the whole file */
export function readApplications(entry: Entry, around: Around): readonly GatewayApplication[] {
  const items = listed(entry, "applications", "must list at least one application");
  const taken = new Map<string, string>();
  return items.map((item) => {
    onlyKeys(item, keysOf("application"));
    const hosts = hostsOf(item, around);
    for (const [index, host] of (hosts.length === 0 ? ["every host"] : hosts).entries()) {
      const other = taken.get(host);
      if (hosts.indexOf(host) < index && hosts.length > 0) item.fail("hosts", `has ${host} twice`);
      if (other !== undefined)
        item.fail(
          hosts.length === 0 ? undefined : "hosts",
          `is for ${host}, as is the application of ${other}`,
        );
      taken.set(host, item.where);
    }
    return { hosts, upstream: upstreamOf(item, around), routes: readRoutes(item, around) };
  });
}

/** The entries of a list that must have some. */
function listed(entry: Entry, key: string, wrong: string): readonly Entry[] {
  if (entry.value(key) === undefined) return entry.fail(undefined, `needs ${key}`);
  const items = entry.items(key);
  return items.length > 0 ? items : entry.fail(key, wrong);
}

function hostsOf(item: Entry, around: Around): readonly string[] {
  const hosts = textsAt(item, "hosts");
  if (hosts?.length === 0)
    return item.fail("hosts", "is empty: leave it out if the application is for every host");
  return (hosts ?? []).map((host) => hostOf(item, host, around));
}

function hostOf(item: Entry, text: string, { publicUrl, cookieDomain }: Around): string {
  const host = text.toLowerCase();
  const [, name = "", port = "0"] = /^([^:]+)(?::(\d{1,5}))?$/.exec(host) ?? [];
  if (!(isHostName(name) || isLoopback(name)) || Number(port) > 65_535)
    return item.fail("hosts", `must be hosts, such as cms.example.com, not ${text}`);
  const own = new URL(publicUrl);
  if (port === (own.protocol === "https:" ? "443" : "80"))
    item.fail("hosts", `names ${text}: leave :${port} out, which browsers do, too`);
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

function upstreamOf(item: Entry, { publicUrl, listen }: Around): string | undefined {
  const text = textAt(item, "upstream");
  if (text === undefined) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isOrigin =
    url !== undefined &&
    /^https?:$/.test(url.protocol) &&
    url.pathname === "/" &&
    url.search === "" &&
    url.hash === "";
  if (!isOrigin || url.username !== "")
    return item.fail("upstream", "must be an origin, such as http://127.0.0.1:8080");
  const isHere = isLoopback(url.hostname.replace(/^\[|\]$/g, "")) || url.hostname === listen.host;
  if (url.origin === publicUrl || (isHere && Number(url.port) === listen.port))
    return item.fail("upstream", "is the gateway itself: it must be where the application listens");
  return url.origin;
}

function readRoutes(item: Entry, { paths }: Around): readonly GatewayRoute[] {
  const entries = listed(
    item,
    "routes",
    "must list at least one route: `- path: /**` is for all who are signed in",
  );
  const routes = entries.map(readRoute);
  for (const [index, route] of routes.entries()) {
    const entry = entries[index]!;
    if (Object.values(paths).includes(route.path))
      entry.fail("path", `is ${route.path}, which the gateway answers itself (paths)`);
    const before = routes.slice(0, index).findIndex((_, at) => covers(routes.slice(0, at + 1), route));
    if (before !== -1)
      entry.fail(
        "path",
        `is never reached: the route of ${entries[before]!.where}, ${routes[before]!.path}, takes the same requests first. Put this one before it`,
      );
  }
  return routes;
}

/** Whether every request that fits a route fits one of others. */
function covers(others: readonly GatewayRoute[], route: GatewayRoute): boolean {
  const fitting = others.filter((one) => takesPaths(one, route));
  if (fitting.some(({ methods }) => methods === undefined)) return true;
  const methods = fitting.flatMap((one) => one.methods ?? []);
  return route.methods?.every((one) => methods.includes(one)) ?? false;
}

/**
 * Whether a route takes all paths of another, as rules.ts compares them: one that asks for something whatever the case of
 * letters. The paths with semicolons that a public one leaves over do not make the other reachable for what it names.
 */
function takesPaths(one: GatewayRoute, other: GatewayRoute): boolean {
  const folded = (path: string) => (one.access === "public" ? path : path.toLowerCase());
  const [mine, its] = [folded(one.path), folded(other.path)];
  if (!mine.endsWith("/**")) return mine === its;
  const [start, below] = [mine.slice(0, -3), its.replace(/\/\*\*$/, "")];
  return below === start || below.startsWith(`${start}/`);
}

function readRoute(entry: Entry): GatewayRoute {
  onlyKeys(entry, keysOf("route"));
  const path = requiredAt(entry, "path");
  if (
    !/^(?=\/)(?:\/[^*?#%\\;\s]*[^*?#%\\;\s/])?(?:\/\*\*|\/)?$/.test(path) ||
    /\/\/|\/\.{1,2}(?:\/|$)/.test(path)
  )
    entry.fail("path", "must be a path as it is after percent-decoding, such as /admin or /admin/**");
  const access = wordAt(entry, "access", ["public", "signed-in"]) ?? "signed-in";
  for (const key of ["groups", "scopes", "methods"])
    if (textsAt(entry, key)?.length === 0) entry.fail(key, "is empty, which nobody could meet: leave it out");
  const asks = ["groups", "scopes", "claims", "by"].find((key) => entry.value(key) !== undefined);
  if (access === "public" && asks !== undefined)
    entry.fail(asks, "cannot be asked for where access is public");
  return {
    path: path === "/**" ? "/**" : path.replace(/(?<=.)\/$/, ""),
    methods: textsAt(entry, "methods")?.map((method) => methodOf(entry, method)),
    access,
    groups: textsAt(entry, "groups") ?? [],
    scopes: textsAt(entry, "scopes") ?? [],
    claims: claimsOf(entry),
    by: wordAt(entry, "by", ["session", "bearer", "either"]) ?? "session",
  };
}

function methodOf(entry: Entry, text: string): string {
  const method = text.toUpperCase();
  return /^[A-Z]{1,20}$/.test(method)
    ? method
    : entry.fail("methods", `must be a list of methods, such as [GET, POST], not ${text}`);
}

function claimsOf(entry: Entry): Readonly<Record<string, readonly string[]>> {
  if (entry.value("claims") === undefined) return {};
  const claims = entry.below("claims");
  if (claims.keys().length === 0) return entry.fail("claims", "is empty: leave it out");
  return Object.fromEntries(
    claims.keys().map((name) => {
      const values = textsAt(claims, name) ?? claims.fail(name, "has no value");
      return [
        name,
        values.length > 0 ? values : claims.fail(name, "is empty, which nobody could meet: leave it out"),
      ] as const;
    }),
  );
}
