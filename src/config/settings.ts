/** The table of settings: the flag, environment variable, default and validation of each. Does no I/O. */
import { isIP } from "node:net";
import { looksLikeUrl, wrongDatabase } from "../lib/database-url.ts";
import { isHostName } from "../lib/host-name.ts";
import { parseMailAddress } from "../lib/mail-address.ts";
import { parseSmtpUrl } from "../lib/smtp-url.ts";
import { parseSystemUser, systemUserForm } from "../lib/system-user.ts";
import { wrongLimit } from "./limits.ts";
import { wrongEndpoint } from "./login-endpoints.ts";

export interface Setting {
  readonly flag: string;
  readonly env: string;
  readonly help: string;
  readonly fallback?: string;
  /** Read from the environment or the file only: a command line is visible to everybody on the machine. */
  readonly secret?: true;
  /** A refused value may contain a password and is not quoted in the message; the same holds for secrets. */
  readonly unquoted?: true;
  /** A flag that takes no value. */
  readonly boolean?: true;
  /** What is wrong with the value, to follow the setting's name; undefined if it is fine. */
  readonly wrong?: (value: string) => string | undefined;
}

const oneOf =
  (...values: string[]) =>
  (value: string) =>
    values.includes(value) ? undefined : `must be one of ${values.join(", ")}`;
const matches = (pattern: RegExp, what: string) => (value: string) =>
  pattern.test(value) ? undefined : `must be ${what}`;
const portNumber = (value: string) =>
  /^\d{1,5}$/.test(value) && Number(value) <= 65535 ? undefined : "must be a port number from 0 to 65535";
export const list = (value: string) =>
  value
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");

/** Whether a code of two letters is a country's (ISO 3166-1). What knows them takes 7 MB, so that few programs ask. */
const isCountry = (code: string) =>
  new Intl.DisplayNames(["en"], { type: "region", fallback: "none" }).of(code) !== undefined;

const wrongKey = (value: string) =>
  Buffer.from(value, "base64").length === 32 ? undefined : "must be base64 of exactly 32 bytes";

/** Every setting; docs/settings.md is generated from this table. */
export const settings = {
  host: { flag: "host", env: "POOLHOUSE_HOST", fallback: "127.0.0.1", help: "Address to listen on." },
  port: {
    flag: "port",
    env: "POOLHOUSE_PORT",
    fallback: "4747",
    help: "Port to listen on; 0 picks a free one.",
    wrong: portNumber,
  },
  tls: {
    flag: "tls",
    env: "POOLHOUSE_TLS",
    help: "Also serve https: dev (a certificate from Poolhouse's own authority), or a PEM file with a key and its certificates.",
  },
  httpsPort: {
    flag: "https-port",
    env: "POOLHOUSE_HTTPS_PORT",
    fallback: "4748",
    help: "Port for https, if TLS is on; 0 picks a free one.",
    wrong: portNumber,
  },
  data: {
    flag: "data",
    env: "POOLHOUSE_DATA",
    fallback: "./poolhouse-data",
    help: "Folder for the embedded database and its secrets.",
    wrong: (value: string) =>
      looksLikeUrl(value) ? "is a folder, not a URL: did you mean --database?" : undefined,
  },
  database: {
    flag: "database",
    env: "POOLHOUSE_DATABASE",
    help: "postgres://… or a file; by default <data>/db/poolhouse.sqlite.",
    unquoted: true,
    wrong: wrongDatabase,
  },
  namedStatements: {
    flag: "named-statements",
    env: "POOLHOUSE_NAMED_STATEMENTS",
    fallback: "auto",
    help: "Whether PostgreSQL plans statements once per connection: on, off, or auto (unless a connection pooler is in front of it).",
    wrong: oneOf("auto", "on", "off"),
  },
  config: {
    flag: "config",
    env: "POOLHOUSE_CONFIG",
    help: "A YAML file with these settings; keys are the names of the flags. Its section `functions` has the functions of triggers (docs/functions.md).",
  },
  auth: {
    flag: "auth",
    env: "POOLHOUSE_AUTH",
    fallback: "sigv4",
    help: "How administrators' calls are verified: sigv4, or open (any credentials; loopback only).",
    wrong: oneOf("sigv4", "open"),
  },
  workers: {
    flag: "workers",
    env: "POOLHOUSE_WORKERS",
    fallback: "1",
    help: "Processes that serve together on one port, with PostgreSQL only: a number from 1 to 64, or auto for as many as there are processors (one with SQLite).",
    wrong: matches(/^(?:auto|[1-9]|[1-5]\d|6[0-4])$/, "a number from 1 to 64, or auto"),
  },
  demo: {
    flag: "demo",
    env: "POOLHOUSE_DEMO",
    fallback: "false",
    boolean: true,
    help: "On an empty database, create a pool, a client, a group and a user.",
    wrong: oneOf("true", "false"),
  },
  publicUrl: {
    flag: "public-url",
    env: "POOLHOUSE_PUBLIC_URL",
    help: "The URL at which clients reach this server; token issuers begin with it. By default http://localhost:<port>; with PostgreSQL it must be the same for every server.",
    wrong: (value: string) => {
      const url = URL.canParse(value) ? new URL(value) : undefined;
      const plain =
        url && /^https?:$/.test(url.protocol) && url.search === "" && url.hash === "" && url.username === "";
      return plain ? undefined : "must be an http or https URL without query, fragment or user";
    },
  },
  authDomain: {
    flag: "auth-domain",
    env: "POOLHOUSE_AUTH_DOMAIN",
    help: "Parent domain of prefix domains: <prefix>.<this>. By default auth.<host of the public URL>.",
    wrong: (value: string) => (isHostName(value) ? undefined : "must be a host name in lower case"),
  },
  extraHosts: {
    flag: "extra-hosts",
    env: "POOLHOUSE_EXTRA_HOSTS",
    fallback: "",
    help: "Further host names to answer to, separated by commas.",
  },
  trustedProxies: {
    flag: "trusted-proxies",
    env: "POOLHOUSE_TRUSTED_PROXIES",
    fallback: "",
    help: "CIDR ranges of proxies whose X-Forwarded-For is trusted, separated by commas.",
    wrong: (value: string) => (list(value).every(isRange) ? undefined : "must be addresses or CIDR ranges"),
  },
  privateProviders: {
    flag: "private-providers",
    env: "POOLHOUSE_PRIVATE_PROVIDERS",
    fallback: "",
    help: "CIDR ranges of private addresses at which identity providers may be reached, also by plain http, separated by commas; any stands for all private networks and this machine. By default none, and this machine if nobody else uses the server.",
    wrong: (value: string) =>
      list(value).every((range) => range === "any" || isRange(range))
        ? undefined
        : "must be any, or addresses or CIDR ranges",
  },
  region: {
    flag: "region",
    env: "POOLHOUSE_REGION",
    fallback: "us-east-1",
    help: "The region in pool ids, ARNs and the credential scope of signed calls.",
    wrong: matches(/^[a-z]{2}(?:-[a-z]+)+-\d$/, "shaped like us-east-1"),
  },
  accountId: {
    flag: "account-id",
    env: "POOLHOUSE_ACCOUNT_ID",
    fallback: "000000000000",
    help: "The account id in ARNs.",
    wrong: matches(/^\d{12}$/, "12 digits"),
  },
  masterKey: {
    flag: "master-key",
    env: "POOLHOUSE_MASTER_KEY",
    secret: true,
    help: "Base64 of 32 bytes; wraps the data keys. Required with PostgreSQL, in one of these ways; otherwise a file under <data>/secrets.",
    wrong: wrongKey,
  },
  masterKeyFile: {
    flag: "master-key-file",
    env: "POOLHOUSE_MASTER_KEY_FILE",
    help: "A file that holds the master key, readable by its owner (and a group) alone. Without either, systemd's credential `master-key` is used if the unit has one.",
  },
  previousMasterKey: {
    flag: "previous-master-key",
    env: "POOLHOUSE_PREVIOUS_MASTER_KEY",
    secret: true,
    help: "The former master key, while the master key is being replaced (docs/operating.md).",
    wrong: wrongKey,
  },
  previousMasterKeyFile: {
    flag: "previous-master-key-file",
    env: "POOLHOUSE_PREVIOUS_MASTER_KEY_FILE",
    help: "A file that holds the former master key; or systemd's credential `previous-master-key`.",
  },
  rootAccessKeyId: {
    flag: "root-access-key-id",
    env: "POOLHOUSE_ROOT_ACCESS_KEY_ID",
    secret: true,
    help: "Presets the root access key, together with its secret.",
    wrong: matches(/^\w{4,128}$/, "4 to 128 letters, digits or _"),
  },
  rootSecretAccessKey: {
    flag: "root-secret-access-key",
    env: "POOLHOUSE_ROOT_SECRET_ACCESS_KEY",
    secret: true,
    help: "The secret of the preset root access key.",
    wrong: (value: string) => (value.length >= 16 ? undefined : "must have at least 16 characters"),
  },
  logLevel: {
    flag: "log-level",
    env: "POOLHOUSE_LOG_LEVEL",
    fallback: "info",
    help: "trace, debug, info, warn, error, fatal or silent.",
    wrong: oneOf("trace", "debug", "info", "warn", "error", "fatal", "silent"),
  },
  limits: {
    flag: "limits",
    env: "POOLHOUSE_LIMITS",
    fallback: "",
    help: "Limits that differ from the defaults, as name=number separated by commas; docs/security-model.md lists them.",
    wrong: (value: string) => list(value).map(wrongLimit).find(Boolean),
  },
  smsCountries: {
    flag: "sms-countries",
    env: "POOLHOUSE_SMS_COUNTRIES",
    fallback: "",
    help: "Countries whose phone numbers get text messages, as ISO codes separated by commas (DE,AT,CH). By default all.",
    wrong: (value: string) =>
      list(value).every((code) => /^[A-Z]{2}$/.test(code) && isCountry(code))
        ? undefined
        : "must list ISO 3166 codes of countries, such as DE,AT,CH",
  },
  functionsUser: {
    flag: "functions-user",
    env: "POOLHOUSE_FUNCTIONS_USER",
    fallback: "65534",
    help: "The user that functions in processes of their own run as if the server is root: a number, or user:group. By default nobody.",
    wrong: (value: string) => (parseSystemUser(value) ? undefined : systemUserForm),
  },
  hashConcurrency: {
    flag: "hash-concurrency",
    env: "POOLHOUSE_HASH_CONCURRENCY",
    help: "Password hashes computed at once; by default the number of cores.",
    wrong: matches(/^[1-9]\d?$/, "a number from 1 to 99"),
  },
  auditReads: {
    flag: "audit-reads",
    env: "POOLHOUSE_AUDIT_READS",
    fallback: "true",
    boolean: true,
    help: "Also record administrators' calls that change nothing in the audit log; --audit-reads=false turns this off.",
    wrong: oneOf("true", "false"),
  },
  auditRetentionDays: {
    flag: "audit-retention-days",
    env: "POOLHOUSE_AUDIT_RETENTION_DAYS",
    fallback: "90",
    help: "Days for which audit events are kept.",
    wrong: matches(/^[1-9]\d{0,4}$/, "a number from 1 to 99999"),
  },
  stsUrl: {
    flag: "sts-url",
    env: "POOLHOUSE_STS_URL",
    help:
      "URL of an STS (AWS's, or that of a store for S3) that issues the credentials of roles that are not defined here to " +
      "identity pools; without one these credentials may do nothing.",
    wrong: (text) => (isHttpUrl(text) ? undefined : "must be an http or https URL"),
  },
  stsCa: {
    flag: "sts-ca",
    env: "POOLHOUSE_STS_CA",
    help: "PEM file of the authorities to trust for the certificate of sts-url; by default the usual ones.",
  },
  loginEndpoints: {
    flag: "login-endpoints",
    env: "POOLHOUSE_LOGIN_ENDPOINTS",
    fallback: "",
    help:
      "Where the providers of identity pools' logins are if not at their usual places, as name=URL separated by commas: the " +
      "issuer of accounts.google.com, appleid.apple.com, or of a user pool elsewhere; the API of graph.facebook.com or www.amazon.com.",
    wrong: (value: string) => list(value).map(wrongEndpoint).find(Boolean),
  },
  guestDays: {
    flag: "guest-days",
    env: "POOLHOUSE_GUEST_DAYS",
    fallback: "365",
    help: "Days without use after which an identity pool forgets an identity that never had a login.",
    wrong: matches(/^[1-9]\d{0,4}$/, "a number from 1 to 99999"),
  },
  authEventRetentionDays: {
    flag: "auth-event-retention-days",
    env: "POOLHOUSE_AUTH_EVENT_RETENTION_DAYS",
    fallback: "30",
    help: "Days for which users' sign-in events (AdminListUserAuthEvents) are kept; 0 records none.",
    wrong: matches(/^(?:0|[1-9]\d{0,4})$/, "a number from 0 to 99999"),
  },
  smtpUrl: {
    flag: "smtp-url",
    env: "POOLHOUSE_SMTP_URL",
    secret: true,
    help: "The mail server: smtp[s]://[user:password@]host[:port]; smtps is TLS from the start, smtp STARTTLS.",
    wrong: (value: string) =>
      parseSmtpUrl(value) ? undefined : "must be smtp[s]://[user:password@]host[:port]",
  },
  smtpFrom: {
    flag: "smtp-from",
    env: "POOLHOUSE_SMTP_FROM",
    help: "Sender of mail for pools without their own: an address, or Name <address>. Required with a mail server.",
    wrong: (value: string) =>
      parseMailAddress(value) ? undefined : "must be an address, or a name with an address in angle brackets",
  },
  smtpAllowPlaintext: {
    flag: "smtp-allow-plaintext",
    env: "POOLHOUSE_SMTP_ALLOW_PLAINTEXT",
    fallback: "false",
    boolean: true,
    help: "Send mail even if the server offers no TLS or no valid certificate; always allowed on loopback.",
    wrong: oneOf("true", "false"),
  },
  smtpCa: {
    flag: "smtp-ca",
    env: "POOLHOUSE_SMTP_CA",
    help: "PEM file of the authorities to trust for the mail server's certificate; by default the usual ones.",
  },
  metricsToken: {
    flag: "metrics-token",
    env: "POOLHOUSE_METRICS_TOKEN",
    secret: true,
    help: "Bearer token for /metrics; without one, /metrics only answers direct requests on loopback.",
    wrong: matches(/^[\x21-\x7e]{16,}$/, "at least 16 visible ASCII characters without spaces"),
  },
} as const satisfies Record<string, Setting>;

/** The settings by subject, for help and documents; a test makes sure that each has its place. */
export const settingGroups: readonly (readonly [title: string, names: readonly (keyof typeof settings)[]])[] =
  [
    ["Listening", ["host", "port", "tls", "httpsPort"]],
    ["Public addresses", ["publicUrl", "authDomain", "extraHosts", "trustedProxies"]],
    ["Identity providers", ["privateProviders"]],
    ["Identity pools", ["guestDays", "loginEndpoints", "stsUrl", "stsCa"]],
    [
      "Data and keys",
      [
        ...(["data", "database", "namedStatements", "masterKey", "masterKeyFile"] as const),
        ...(["previousMasterKey", "previousMasterKeyFile"] as const),
      ],
    ],
    ["Administrators", ["auth", "rootAccessKeyId", "rootSecretAccessKey", "region", "accountId"]],
    ["Mail", ["smtpUrl", "smtpFrom", "smtpAllowPlaintext", "smtpCa"]],
    ["Limits", ["limits", "smsCountries", "hashConcurrency"]],
    ["Functions", ["functionsUser"]],
    [
      "Log, audit and metrics",
      ["logLevel", "auditReads", "auditRetentionDays", "authEventRetentionDays", "metricsToken"],
    ],
    ["Starting", ["config", "workers", "demo"]],
  ];

/** Whether the text is a URL that a request can be made to; what it must not contain stands in no log then. */
function isHttpUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return /^https?:$/.test(protocol) && username === "" && password === "";
}

/** Whether the text is an address or a CIDR range. */
export function isRange(range: string): boolean {
  const [address = "", bits, ...rest] = range.split("/");
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 6 ? 128 : 32));
}
