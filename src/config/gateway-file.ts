/**
 * The configuration of `poolhouse gateway`: a file of its own. Every key is known and every value is checked, so that a
 * gateway that starts does what its file says.
 */
import { dirname, resolve } from "node:path";
import type { GatewayPaths, GatewayProvider, GatewaySettings } from "../lib/gateway-settings.ts";
import { isHostName, isLoopback } from "../lib/host-name.ts";
import { readIdentity } from "./gateway-identity.ts";
import { gatewayKeys, keysOf } from "./gateway-keys.ts";
import { readListen } from "./gateway-listen.ts";
import { readApplications } from "./gateway-routes.ts";
import { type Environment, type Secrets, secretsOf } from "./gateway-secrets.ts";
import { readSessions } from "./gateway-sessions.ts";
import {
  type Entry,
  isTrue,
  numberAt,
  onlyKeys,
  readEntry,
  requiredAt,
  textAt,
  textsAt,
  wholeFile,
  wordAt,
} from "./section.ts";
import { isRange } from "./settings.ts";
import { urlAt } from "./values.ts";
import { readYaml } from "./yaml-file.ts";

export interface ReadingOptions {
  readonly env?: Environment;
  /** Is told what is allowed, but deserves a look. */
  readonly warn?: (text: string) => void;
}

/** Reads the file. Throws ConfigError with file, line and key if anything is wrong. */
export function readGatewayFile(
  path: string,
  { env = process.env, warn = () => {} }: ReadingOptions = {},
): GatewaySettings {
  const file = readYaml(path);
  const entry = readEntry(file, file.document.contents, wholeFile);
  onlyKeys(entry, keysOf(""));
  const secrets = secretsOf(path, env);
  const publicUrl = originAt(entry, "public-url") ?? entry.fail(undefined, "needs public-url");
  const listen = readListen(entry, publicUrl, dirname(resolve(path)));
  const sessions = readSessions(required(entry, "sessions"), { path, publicUrl, secrets });
  const paths = readPaths(below(entry, "paths"));
  const { cookieDomain } = sessions;
  const settings: GatewaySettings = {
    listen,
    publicUrl,
    provider: readProvider(required(entry, "provider"), secrets, publicUrl),
    paths,
    sessions,
    applications: readApplications(entry, { publicUrl, cookieDomain, paths, listen }),
    identity: readIdentity(below(entry, "identity")),
    returnHosts: (textsAt(entry, "return-hosts") ?? []).map((host) => returnHost(entry, host)),
    trustedProxies: trustedProxies(entry),
    upstreams: {
      connections: numberAt(entry, "upstream-connections", gatewayKeys[""]["upstream-connections"].range),
      waiting: numberAt(entry, "upstream-waiting", gatewayKeys[""]["upstream-waiting"].range),
    },
    logLevel: wordAt(entry, "log-level", ["fatal", "error", "warn", "info", "debug"]) ?? "info",
  };
  for (const text of [...secrets.warnings(), ...proxyWarnings(settings)]) warn(text);
  return settings;
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

function trustedProxies(entry: Entry): readonly string[] {
  const ranges = textsAt(entry, "trusted-proxies") ?? ["127.0.0.0/8", "::1"];
  const wrong = ranges.find((one) => !isRange(one));
  return wrong === undefined
    ? ranges
    : entry.fail("trusted-proxies", `must be addresses or CIDR ranges, such as 10.0.0.0/8, not ${wrong}`);
}

/** Ranges of everybody: whoever reaches the gateway says which host a request is for, and from where. */
function proxyWarnings({ trustedProxies: ranges }: GatewaySettings): string[] {
  const all = ranges.filter((one) => one.endsWith("/0"));
  return all.map((one) => `trusted-proxies has ${one}: whoever reaches the gateway is taken for a proxy`);
}

function readProvider(entry: Entry, secrets: Secrets, publicUrl: string): GatewayProvider {
  onlyKeys(entry, keysOf("provider"));
  const keys = gatewayKeys.provider;
  const issuer = urlAt(entry, "issuer", { query: false, why: "keys and secrets are exchanged there" });
  if (issuer !== undefined && new URL(issuer).origin === publicUrl)
    entry.fail("issuer", "has the origin of public-url: it must be the provider's, not the gateway's");
  const parameters = below(entry, "parameters");
  const scopes = textsAt(entry, "scopes") ?? ["openid", "email", "profile"];
  const spaced = scopes.find((one) => /[^\x21\x23-\x5b\x5d-\x7e]/.test(one));
  if (spaced !== undefined)
    entry.fail("scopes", `must be a list of scopes, such as [openid, email], not ${JSON.stringify(spaced)}`);
  if (!scopes.includes("openid")) entry.fail("scopes", "must contain openid");
  return {
    issuer: issuer ?? entry.fail(undefined, "needs issuer"),
    clientId: requiredAt(entry, "client-id"),
    clientSecret: secrets.read(entry, "client-secret", { env: keys["client-secret"].env })?.text,
    scopes,
    parameters: Object.fromEntries(
      (parameters?.keys() ?? []).map((key) => [key, ownParameter(parameters!, key)] as const),
    ),
    groupsClaim: textAt(entry, "groups-claim") ?? keys["groups-claim"].fallback,
    signOut: entry.value("sign-out") === undefined || isTrue(entry, "sign-out"),
    globalSignOut: globalSignOutAt(entry, scopes),
    apiClients: textsAt(entry, "api-clients") ?? [],
    revocation: wordAt(entry, "revocation", ["none", "userinfo"]) ?? keys.revocation.fallback,
    audiences: textsAt(entry, "audiences") ?? [],
  };
}

/** The scope that access tokens need for GlobalSignOut. */
const userScope = "aws.cognito.signin.user.admin";

function globalSignOutAt(entry: Entry, scopes: readonly string[]): string | undefined {
  const url = urlAt(entry, "global-sign-out", { query: false, why: "access tokens are sent there" });
  if (url !== undefined && !scopes.includes(userScope))
    entry.fail("global-sign-out", `needs the scope ${userScope} in scopes, which the client must allow`);
  return url;
}

/** Parameters of the authorization request that the gateway sets itself, or that would lead its answer elsewhere. */
const fixed = [
  ...["response_type", "response_mode", "client_id", "redirect_uri", "scope", "state", "nonce"],
  ...["code_challenge", "code_challenge_method", "request", "request_uri"],
];

function ownParameter(entry: Entry, key: string): string {
  return fixed.includes(key)
    ? entry.fail(key, "cannot be set: the gateway does that itself")
    : checkedParameter(entry, key);
}

/** `max_age` is also checked in the ID token (OpenID Connect Core 1.0 section 3.1.3.7). */
function checkedParameter(entry: Entry, key: string): string {
  const text = requiredAt(entry, key);
  const isFine = key !== "max_age" || /^\d{1,9}$/.test(text);
  return isFine ? text : entry.fail(key, `must be a whole number of seconds, not ${JSON.stringify(text)}`);
}

/** The key of each endpoint. */
const endpoints = {
  signIn: "sign-in",
  callback: "callback",
  signOut: "sign-out",
  session: "session",
  validate: "validate",
  check: "check",
  backchannelLogout: "backchannel-logout",
  keys: "keys",
  health: "health",
} as const satisfies Record<keyof GatewayPaths, keyof typeof gatewayKeys.paths>;

function readPaths(entry: Entry | undefined): GatewayPaths {
  if (entry !== undefined) onlyKeys(entry, keysOf("paths"));
  const used = new Map<string, string>();
  const read = Object.entries(endpoints).map(([name, key]) => {
    const path = (entry && textAt(entry, key)) ?? gatewayKeys.paths[key].fallback;
    if (!/^\/[\w.~/-]*[\w~-]$/.test(path) || /\/\.{0,2}\//.test(path))
      entry?.fail(
        key,
        "must be a path, such as /auth/x: letters, digits, -, _, . and ~, no empty, . or .. segment, no / at its end",
      );
    const other = used.get(path);
    if (other !== undefined)
      entry?.fail(
        entry.value(key) === undefined ? other : key,
        `is ${path}, as is ${entry.value(key) === undefined ? key : other}`,
      );
    used.set(path, key);
    return [name, path] as const;
  });
  const found = Object.fromEntries(read) as unknown as GatewayPaths;
  const [, inCheck] = [...used].find(([path]) => path.startsWith(`${found.check}/`)) ?? [];
  if (inCheck !== undefined && entry?.value(inCheck) !== undefined)
    entry.fail(inCheck, `is below check, ${found.check}, to which everything below belongs`);
  if (inCheck !== undefined)
    entry?.fail("check", `is ${found.check}, and ${inCheck} is below it: everything below belongs to check`);
  return found;
}

function returnHost(entry: Entry, text: string): string {
  const host = text.toLowerCase();
  const bare = host.replace(/^\*\./, "");
  const [, name = "", port = "0"] = /^([^*:]+)(?::(\d{1,5}))?$/.exec(bare) ?? [];
  if (!(isHostName(name) || isLoopback(name)) || Number(port) > 65_535)
    return entry.fail("return-hosts", `must be hosts, such as cms.example.com or *.example.com, not ${text}`);
  if (bare !== host && !name.includes("."))
    return entry.fail("return-hosts", `has ${text}, which belongs to everybody: name a domain below it`);
  return host;
}
