/**
 * The configuration of `poolhouse gateway`: a file of its own. Every key is known and every value is checked, so that a
 * gateway that starts does what its file says.
 */
import { dirname, resolve } from "node:path";
import { wrongDatabase } from "../lib/database-url.ts";
import type {
  GatewayIdentity,
  GatewayPaths,
  GatewayProvider,
  GatewaySessions,
  GatewaySettings,
} from "../lib/gateway-settings.ts";
import { isHostName, isLoopback } from "../lib/host-name.ts";
import { readApplications } from "./gateway-routes.ts";
import {
  type Entry,
  isTrue,
  numberAt,
  onlyKeys,
  readEntry,
  requiredAt,
  textAt,
  textsAt,
  wordAt,
} from "./section.ts";
import { secretIn, urlAt } from "./values.ts";
import { readYaml } from "./yaml-file.ts";

const topKeys = [
  "host",
  "port",
  "public-url",
  "log-level",
  "allow-plaintext",
  "trusted-proxies",
  "return-hosts",
];
const sections = ["provider", "paths", "sessions", "identity", "applications"];

/** Reads the file. Throws ConfigError with file, line and key if anything is wrong. */
export function readGatewayFile(path: string): GatewaySettings {
  const file = readYaml(path);
  const entry = readEntry(file, file.document.contents, "the file");
  onlyKeys(entry, [...topKeys, ...sections]);
  const secret = secretIn(dirname(resolve(path)));
  const publicUrl = originAt(entry, "public-url") ?? entry.fail(undefined, "needs public-url");
  const sessions = readSessions(required(entry, "sessions"), publicUrl, secret);
  return {
    listen: {
      host: textAt(entry, "host") ?? "127.0.0.1",
      port: numberAt(entry, "port", { from: 0, to: 65_535, fallback: 4180 }),
    },
    publicUrl,
    provider: readProvider(required(entry, "provider"), secret),
    paths: readPaths(below(entry, "paths")),
    sessions,
    applications: readApplications(entry, publicUrl, sessions.cookieDomain),
    identity: readIdentity(below(entry, "identity")),
    returnHosts: (textsAt(entry, "return-hosts") ?? []).map((host) => returnHost(entry, host)),
    trustedProxies: textsAt(entry, "trusted-proxies") ?? ["127.0.0.0/8", "::1"],
    logLevel: wordAt(entry, "log-level", ["fatal", "error", "warn", "info", "debug"]) ?? "info",
  };
}

/** The entry below a key; undefined if the key is absent. */
const below = (entry: Entry, key: string) => (entry.value(key) === undefined ? undefined : entry.below(key));

const required = (entry: Entry, key: string) => below(entry, key) ?? entry.fail(undefined, `needs ${key}`);

/** The origin of a URL that has nothing but one; https unless the host is this machine. */
function originAt(entry: Entry, key: string): string | undefined {
  const text = urlAt(entry, key, { query: false, why: "cookies and codes are sent there" });
  if (text === undefined) return undefined;
  const { origin, pathname } = new URL(text);
  return pathname === "/" ? origin : entry.fail(key, `must be an origin without a path, such as ${origin}`);
}

function readProvider(entry: Entry, secret: typeof textAt): GatewayProvider {
  onlyKeys(entry, [
    ...["issuer", "client-id", "client-secret", "client-secret-file", "scopes", "parameters", "groups-claim"],
    ...["sign-out", "api-clients", "audiences", "allow-plaintext"],
  ]);
  const issuer = urlAt(entry, "issuer", { query: false, why: "keys and secrets are exchanged there" });
  const parameters = below(entry, "parameters");
  const scopes = textsAt(entry, "scopes") ?? ["openid", "email", "profile"];
  if (!scopes.includes("openid")) entry.fail("scopes", "must contain openid");
  return {
    issuer: issuer ?? entry.fail(undefined, "needs issuer"),
    clientId: requiredAt(entry, "client-id"),
    clientSecret: secret(entry, "client-secret"),
    scopes,
    parameters: Object.fromEntries(
      (parameters?.keys() ?? []).map((key) => [key, ownParameter(parameters!, key)] as const),
    ),
    groupsClaim: textAt(entry, "groups-claim") ?? "cognito:groups",
    signOut: entry.value("sign-out") === undefined || isTrue(entry, "sign-out"),
    apiClients: textsAt(entry, "api-clients") ?? [],
    audiences: textsAt(entry, "audiences") ?? [],
  };
}

/** Parameters that the gateway sets itself. */
const fixed = [
  "response_type",
  "client_id",
  "redirect_uri",
  "scope",
  "state",
  "nonce",
  "code_challenge",
  "code_challenge_method",
];

function ownParameter(entry: Entry, key: string): string {
  return fixed.includes(key) ? entry.fail(key, "is set by the gateway") : requiredAt(entry, key);
}

/** Each endpoint's key, and its path unless the file has another. */
const paths = {
  signIn: ["sign-in", "/auth/signin"],
  callback: ["callback", "/auth/signin/callback"],
  signOut: ["sign-out", "/auth/signout"],
  session: ["session", "/auth/session"],
  validate: ["validate", "/auth/validate"],
  check: ["check", "/auth/check"],
  backchannelLogout: ["backchannel-logout", "/auth/backchannel-logout"],
  keys: ["keys", "/auth/keys"],
  health: ["health", "/auth/health"],
} as const satisfies Record<keyof GatewayPaths, readonly [key: string, fallback: string]>;

function readPaths(entry: Entry | undefined): GatewayPaths {
  if (entry !== undefined)
    onlyKeys(
      entry,
      Object.values(paths).map(([key]) => key),
    );
  const used = new Map<string, string>();
  const read = Object.entries(paths).map(([name, [key, fallback]]) => {
    const path = (entry && textAt(entry, key)) ?? fallback;
    if (!/^\/[\w.~/-]*[\w~-]$/.test(path) || /\/\.{0,2}\//.test(path))
      entry?.fail(
        key,
        "must be a path of letters, digits, - and _ that begins with / and does not end with it",
      );
    if (used.has(path)) entry?.fail(key, `is ${path}, as is ${used.get(path)}`);
    used.set(path, key);
    return [name, path] as const;
  });
  return Object.fromEntries(read) as unknown as GatewayPaths;
}

const hour = 3600;

function readSessions(entry: Entry, publicUrl: string, secret: typeof textAt): GatewaySessions {
  onlyKeys(entry, [
    ...[
      "store",
      "cookie-name",
      "cookie-domain",
      "idle",
      "lifetime",
      "recheck",
      "outage",
      "keys",
      "keys-file",
    ],
    "tokens-in-cookies",
  ]);
  const store = textAt(entry, "store") ?? "cookies";
  const wrong = store === "cookies" ? undefined : wrongDatabase(store);
  if (wrong !== undefined) entry.fail("store", wrong);
  const range = (from: number, to: number, fallback: number) => ({ from, to, fallback });
  const cookieName = textAt(entry, "cookie-name") ?? "poolhouse-session";
  if (!/^[\w-]{1,40}$/.test(cookieName)) entry.fail("cookie-name", "must be of letters, digits, - and _");
  return {
    database: store === "cookies" ? undefined : store,
    cookieName,
    cookieDomain: cookieDomainAt(entry, publicUrl),
    idle: numberAt(entry, "idle", range(60, 30 * 24 * hour, 8 * hour)),
    lifetime: numberAt(entry, "lifetime", range(60, 365 * 24 * hour, 7 * 24 * hour)),
    recheck: numberAt(entry, "recheck", range(0, 300, 5)),
    outage: numberAt(entry, "outage", range(0, 7 * 24 * hour, hour)),
    keys: keysAt(entry, secret),
    tokensInCookies: isTrue(entry, "tokens-in-cookies"),
  };
}

/** Keys of the file itself, or of another: one a line, the newest first. */
function keysAt(entry: Entry, secret: typeof textAt): readonly string[] {
  const listed =
    entry.value("keys-file") === undefined ? textsAt(entry, "keys") : secret(entry, "keys")?.split(/\s+/);
  const at = entry.value("keys-file") === undefined ? "keys" : "keys-file";
  if (listed === undefined || listed.length === 0)
    return entry.fail(undefined, "needs keys or keys-file: `poolhouse gateway new-key` prints one");
  const fits = listed.every((one) => Buffer.from(one, "base64").length === 32);
  return fits
    ? listed
    : entry.fail(at, "must be base64 of 32 bytes each: `poolhouse gateway new-key` prints one");
}

/** The public URL's host must be in the domain, or it could not set the cookie. */
function cookieDomainAt(entry: Entry, publicUrl: string): string | undefined {
  const domain = textAt(entry, "cookie-domain")?.replace(/^\./, "").toLowerCase();
  if (domain === undefined) return undefined;
  const { hostname } = new URL(publicUrl);
  if (!isHostName(domain) || !domain.includes("."))
    entry.fail("cookie-domain", "must be a domain, such as example.com");
  if (hostname !== domain && !hostname.endsWith(`.${domain}`))
    entry.fail("cookie-domain", `must be a domain that the host of public-url, ${hostname}, belongs to`);
  return domain;
}

function readIdentity(entry: Entry | undefined): GatewayIdentity {
  if (entry !== undefined) onlyKeys(entry, ["header-prefix", "token", "token-seconds", "access-token"]);
  const prefix = (entry && textAt(entry, "header-prefix")) ?? "X-Auth-Request-";
  if (!/^[A-Za-z][A-Za-z0-9-]{1,40}-$/.test(prefix))
    entry?.fail("header-prefix", "must begin with a letter and end with -");
  const hasToken = entry === undefined || entry.value("token") === undefined || isTrue(entry, "token");
  const seconds =
    entry === undefined ? 60 : numberAt(entry, "token-seconds", { from: 10, to: 3600, fallback: 60 });
  return {
    prefix,
    token: hasToken ? { seconds } : undefined,
    accessToken: entry !== undefined && isTrue(entry, "access-token"),
  };
}

function returnHost(entry: Entry, text: string): string {
  const host = text.toLowerCase();
  const [name = ""] = host.replace(/^\*\./, "").split(":");
  const isFine = (isHostName(name) || isLoopback(name)) && /^(?:\*\.)?[^*:]+(?::\d{1,5})?$/.test(host);
  return isFine
    ? host
    : entry.fail("return-hosts", `must be hosts, such as cms.example.com or *.example.com, not ${text}`);
}
