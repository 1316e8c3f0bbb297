/**
 * The configuration of `poolhouse gateway`: a file of its own. Every key is known and every value is checked, so that a
 * gateway that starts does what its file says.
 */
import { isIP } from "node:net";
import { dirname, resolve } from "node:path";
import type {
  GatewayIdentity,
  GatewayListen,
  GatewayPaths,
  GatewayProvider,
  GatewaySettings,
} from "../lib/gateway-settings.ts";
import { isHostName, isLoopback } from "../lib/host-name.ts";
import { gatewayKeys, keysOf } from "./gateway-keys.ts";
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

export interface GatewayFile {
  readonly settings: GatewaySettings;
  /** What is allowed, but deserves a look. */
  readonly warnings: readonly string[];
}

/** Reads the file. Throws ConfigError with file, line and key if anything is wrong. */
export function readGatewayFile(path: string, env: Environment = process.env): GatewayFile {
  const file = readYaml(path);
  const entry = readEntry(file, file.document.contents, wholeFile);
  onlyKeys(entry, keysOf(""));
  const secrets = secretsOf(path, env);
  const publicUrl = originAt(entry, "public-url") ?? entry.fail(undefined, "needs public-url");
  const listen = {
    host: listenHost(entry),
    port: numberAt(entry, "port", gatewayKeys[""].port.range),
    tls: readTls(entry, publicUrl, dirname(resolve(path))),
  };
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
    logLevel: wordAt(entry, "log-level", ["fatal", "error", "warn", "info", "debug"]) ?? "info",
  };
  return { settings, warnings: [...secrets.warnings(), ...proxyWarnings(settings)] };
}

/** Where https is served, besides http. @param folder of the file, from which the path of the certificate leads */
function readTls(entry: Entry, publicUrl: string, folder: string): GatewayListen["tls"] {
  const file = textAt(entry, "tls");
  if (file === undefined)
    return entry.value("https-port") === undefined
      ? undefined
      : entry.fail("https-port", "needs tls with it: a PEM file with a key and its certificates");
  if (!publicUrl.startsWith("https:"))
    entry.fail("public-url", "must begin with https:, since tls is set: cookies are only for https then");
  return {
    file: resolve(folder, file),
    port: numberAt(entry, "https-port", gatewayKeys[""]["https-port"].range),
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

function listenHost(entry: Entry): string {
  const host = textAt(entry, "host") ?? gatewayKeys[""].host.fallback;
  if (isIP(host) !== 0 || isHostName(host.toLowerCase())) return host;
  return entry.fail("host", "must be an address to listen on, such as 127.0.0.1 or 0.0.0.0");
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
    : requiredAt(entry, key);
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

/** Headers that applications get from browsers and proxies, which a prefix must not take away. */
const others = [
  ...[
    "accept-encoding",
    "cache-control",
    "content-type",
    "content-length",
    "if-none-match",
    "sec-fetch-mode",
  ],
  ...["transfer-encoding", "user-agent", "x-forwarded-for", "x-real-ip", "x-requested-with"],
];

function readIdentity(entry: Entry | undefined): GatewayIdentity {
  const { "header-prefix": prefixKey, "token-seconds": secondsKey } = gatewayKeys.identity;
  if (entry === undefined)
    return {
      prefix: prefixKey.fallback,
      token: { seconds: secondsKey.range.fallback },
      claims: {},
      accessToken: false,
    };
  onlyKeys(entry, keysOf("identity"));
  const prefix = textAt(entry, "header-prefix") ?? prefixKey.fallback;
  if (!/^[A-Za-z][A-Za-z0-9-]{1,40}-$/.test(prefix))
    entry.fail("header-prefix", "must begin with a letter, end with -, and be of letters, digits and -");
  const taken = others.find((one) => one.startsWith(prefix.toLowerCase()));
  if (taken !== undefined)
    entry.fail("header-prefix", `begins the name of ${taken}, which is no header of ours`);
  const hasToken = entry.value("token") === undefined || isTrue(entry, "token");
  if (!hasToken && entry.value("token-seconds") !== undefined)
    entry.fail("token-seconds", "is about a token, and token is false: leave it out");
  const seconds = numberAt(entry, "token-seconds", secondsKey.range);
  return {
    prefix,
    token: hasToken ? { seconds } : undefined,
    claims: readClaims(below(entry, "claims")),
    accessToken: isTrue(entry, "access-token"),
  };
}

/** The ends of headers' names that the gateway sets by itself. */
const ownHeaders = ["user", "issuer", "preferred-username", "email", "groups", "token"];

/** Claims for applications, by the end of the header's name. */
function readClaims(entry: Entry | undefined): GatewayIdentity["claims"] {
  const named = (entry?.keys() ?? []).map((name) => {
    if (!/^[A-Za-z][A-Za-z0-9-]{0,40}$/.test(name))
      entry?.fail(name, "must be the end of a header's name, of letters, digits and -, such as Tenant");
    if (ownHeaders.includes(name.toLowerCase())) entry?.fail(name, "is a header that is set anyway");
    return [name, requiredAt(entry!, name)] as const;
  });
  return Object.fromEntries(named);
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
