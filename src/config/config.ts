/**
 * Loads the settings: flags, then environment, then file, then defaults, into one frozen value. An unknown key or a bad
 * value prevents the start, with an error that names it. Nothing else in a server reads the environment, besides
 * main.ts, which sets the size of the thread pool; of a gateway, gateway-file.ts does.
 */
import { isIP } from "node:net";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { suggestion } from "../lib/closest.ts";
import { fileProblem } from "../lib/file-problem.ts";
import type { FunctionSettings } from "../lib/function-settings.ts";
import { hostKey, isHostName, isLoopback } from "../lib/host-name.ts";
import type { MessageSettings } from "../lib/sender-settings.ts";
import type { SmtpConfig } from "../lib/smtp-url.ts";
import { parseSystemUser, type SystemUser } from "../lib/system-user.ts";
import { type FunctionsServer, readFunctionsServer } from "./functions-server.ts";
import { type Limits, parseLimits } from "./limits.ts";
import { parseEndpoints } from "./login-endpoints.ts";
import { readKey } from "./master-key.ts";
import { introduced } from "./messages.ts";
import { ConfigError } from "./section.ts";
import { list } from "./settings.ts";
import {
  noFile,
  readFile,
  type SettingName,
  setting,
  settingNames,
  withoutPasswords,
} from "./settings-file.ts";
import { smtpConfig } from "./smtp.ts";
import { type StsConfig, stsConfig } from "./sts.ts";
import { onlyProcess, type WorkerPlace, workersOf } from "./workers.ts";

export interface Config {
  readonly host: string;
  /** The port to listen on; 0 picks a free one. */
  readonly port: number;
  /** `dev`, or the path of a PEM file; undefined turns https off. */
  readonly tls: string | undefined;
  /** The port for https; 0 picks a free one. */
  readonly httpsPort: number;
  readonly data: string;
  /** `postgres://…` or the path of an embedded database. */
  readonly database: string;
  /** Whether PostgreSQL plans statements once per connection. */
  readonly namedStatements: "auto" | "on" | "off";
  readonly auth: "sigv4" | "open";
  readonly demo: boolean;
  /** Without a trailing slash. Issuers and links begin with it. */
  readonly publicUrl: string;
  /** Whether the public URL was configured; otherwise it is derived from host and port. */
  readonly publicUrlConfigured: boolean;
  /**
   * Prefix domains are `<prefix>.<authDomain>`; undefined if the public URL has an address, below which there are no
   * names.
   */
  readonly authDomain: string | undefined;
  readonly extraHosts: readonly string[];
  /** CIDR ranges of proxies whose X-Forwarded-For is trusted. */
  readonly trustedProxies: readonly string[];
  /** CIDR ranges of private addresses where identity providers may be; `any` for all private ones. */
  readonly privateProviders: readonly string[];
  readonly region: string;
  readonly accountId: string;
  readonly masterKey: string | undefined;
  /** The former master key, while it is being replaced: unwraps what `masterKey` cannot yet. */
  readonly previousMasterKey: string | undefined;
  readonly rootAccessKeyId: string | undefined;
  readonly rootSecretAccessKey: string | undefined;
  readonly logLevel: string;
  /** How many processes serve together; 1: the one that was started. */
  readonly workers: number;
  /** Which of them this process is. */
  readonly worker: WorkerPlace;
  /** How much guessing, signing up and sending is allowed. */
  readonly limits: Limits;
  /** ISO codes of the countries whose numbers get text messages; empty for all. */
  readonly smsCountries: readonly string[];
  /** How many argon2id hashes are computed at once. */
  readonly hashConcurrency: number;
  /** Whether the audit log includes administrators' calls that change nothing. */
  readonly auditReads: boolean;
  /** How long audit events are kept, in days. */
  readonly auditRetentionDays: number;
  /** How long sign-in events are kept, in days; 0 records none. */
  readonly authEventRetentionDays: number;
  readonly guestDays: number;
  /** Where providers of logins are, if not at their usual places. */
  readonly loginEndpoints: ReadonlyMap<string, string>;
  /** The STS of somebody else for roles that are not defined here; undefined if there is none. */
  readonly sts: StsConfig | undefined;
  /** What sends messages; empty if nothing is configured. */
  readonly messages: MessageSettings;
  /** The bearer token for /metrics; without one, /metrics answers only on servers that listen on loopback. */
  readonly metricsToken: string | undefined;
  /** Whom functions in processes of their own run as, unless they say it; undefined: the server's user. */
  readonly functionsUser: SystemUser | undefined;
  /** The functions that triggers name. */
  readonly functions: readonly FunctionSettings[];
  /** Where programs are looked for, as in PATH. */
  readonly programPath: string;
}

/** What `poolhouse functions serve` runs, and where. */
export interface FunctionsServerConfig extends Omit<FunctionsServer, "user">, Pick<Config, "functionsUser"> {
  /** Where programs are looked for, as in PATH. */
  readonly programPath: string;
}

export { ConfigError };

type Name = SettingName;

type Environment = Readonly<Record<string, string | undefined>>;

/** Where programs are looked for, as in PATH. */
const programPath = (env: Environment) => env["PATH"] || "/usr/local/bin:/usr/bin:/bin";

/** The configuration of `poolhouse functions serve` in a file. Throws ConfigError, which says what is wrong. */
export function loadFunctionsServer(path: string, env: Environment = process.env): FunctionsServerConfig {
  const { user, ...server } = readFunctionsServer(path, env);
  return { ...server, functionsUser: functionsUser(user), programPath: programPath(env) };
}

/** Loads the settings. Throws ConfigError, which says what is wrong. */
export function loadConfig(argv: readonly string[], env: Environment = process.env): Config {
  const flags = readFlags(argv);
  const variables = readEnvironment(env);
  const path = flags.get("config") ?? variables.get("config");
  const { values: file, functions, messages } = path === undefined ? noFile : readFile(path);
  const value = (name: Name): string | undefined => {
    const found = [flags, variables, file].find((source) => source.has(name))?.get(name);
    if (found === undefined) return setting(name).fallback;
    const wrong = setting(name).wrong?.(found);
    if (wrong === undefined) return found;
    const { secret, unquoted } = setting(name);
    const shown = secret || unquoted ? "" : `, not ${JSON.stringify(withoutPasswords(found))}`;
    throw new ConfigError(
      `The setting ${setting(name).flag} (--${setting(name).flag}, ${setting(name).env}) ${wrong}${shown}.`,
    );
  };
  // Every setting that was given is checked, whether or not it is used along with the others.
  for (const name of settingNames) value(name);
  const sources = { value, credentials: env["CREDENTIALS_DIRECTORY"] || undefined };
  return assemble(value, {
    functions,
    messages: introduced(messages(readSmtp(value)), value("publicUrl")),
    programPath: programPath(env),
    masterKey: readKey("masterKey", sources),
    previousMasterKey: readKey("previousMasterKey", sources),
  });
}

function assemble(
  value: (name: Name) => string | undefined,
  rest: Pick<Config, "functions" | "messages" | "programPath" | "masterKey" | "previousMasterKey">,
): Config {
  const data = resolve(value("data")!);
  const host = value("host")!;
  const port = Number(value("port"));
  const publicUrl = (value("publicUrl") ?? defaultUrl(value)).replace(/\/+$/, "");
  const database = value("database") ?? join(data, "db", "poolhouse.sqlite");
  const limits = parseLimits(list(value("limits")!));
  const config: Config = {
    host,
    port,
    data,
    database,
    workers: workersOf(value("workers")!, database),
    worker: onlyProcess,
    namedStatements: value("namedStatements") as Config["namedStatements"],
    auth: value("auth") as Config["auth"],
    demo: value("demo") === "true",
    tls: value("tls"),
    httpsPort: Number(value("httpsPort")),
    publicUrl,
    publicUrlConfigured: value("publicUrl") !== undefined,
    authDomain: value("authDomain") ?? defaultAuthDomain(publicUrl),
    extraHosts: list(value("extraHosts")!),
    trustedProxies: list(value("trustedProxies")!),
    privateProviders: list(value("privateProviders")!),
    region: value("region")!,
    accountId: value("accountId")!,
    rootAccessKeyId: value("rootAccessKeyId"),
    rootSecretAccessKey: value("rootSecretAccessKey"),
    logLevel: value("logLevel")!,
    limits,
    smsCountries: list(value("smsCountries")!),
    hashConcurrency: Number(value("hashConcurrency") ?? availableParallelism()),
    auditReads: value("auditReads") === "true",
    auditRetentionDays: Number(value("auditRetentionDays")),
    authEventRetentionDays: Number(value("authEventRetentionDays")),
    loginEndpoints: parseEndpoints(list(value("loginEndpoints")!)),
    guestDays: Number(value("guestDays")),
    sts: stsConfig(value),
    metricsToken: value("metricsToken"),
    functionsUser: functionsUser(value("functionsUser")!),
    ...rest,
  };
  refuseTogether(config);
  return Object.freeze(config);
}

/** Throws ConfigError if settings that are fine one by one must not stand together. */
function refuseTogether(config: Config): void {
  if (config.auth === "open" && !listensOnLoopback(config)) {
    throw new ConfigError(
      "The setting auth=open accepts any credentials and is allowed on a loopback address only.",
    );
  }
  if (config.demo && !servesThisMachine(config)) {
    throw new ConfigError(
      "The setting demo makes a user whose password is public; it is allowed on a loopback address only, " +
        "without another public URL or further host names.",
    );
  }
  if ((config.rootAccessKeyId === undefined) !== (config.rootSecretAccessKey === undefined)) {
    throw new ConfigError(
      "POOLHOUSE_ROOT_ACCESS_KEY_ID and POOLHOUSE_ROOT_SECRET_ACCESS_KEY go together; one is missing.",
    );
  }
}

/** Puts the ports actually bound in place of 0, also in a public URL that was derived from them. */
export function withPorts(
  config: Config,
  { port, httpsPort }: { readonly port: number; readonly httpsPort: number | undefined },
): Config {
  const publicUrl = config.publicUrl.replace(/:0$/, `:${httpsPort ?? port}`);
  return Object.freeze({ ...config, port, ...(httpsPort !== undefined && { httpsPort }), publicUrl });
}

/** The default public URL: https where it is served. */
function defaultUrl(value: (name: Name) => string | undefined): string {
  const host = defaultHost(value("host")!);
  return value("tls") === undefined
    ? `http://${host}:${value("port")}`
    : `https://${host}:${value("httpsPort")}`;
}

/** Root gives its rights to no function by itself. */
function functionsUser(text: string): SystemUser | undefined {
  return process.getuid?.() === 0 ? parseSystemUser(text) : undefined;
}

function readSmtp(value: (name: Name) => string | undefined): SmtpConfig | undefined {
  if ((value("smtpUrl") === undefined) !== (value("smtpFrom") === undefined)) {
    throw new ConfigError("POOLHOUSE_SMTP_URL and the setting smtp-from go together; one is missing.");
  }
  try {
    return smtpConfig(value);
  } catch (error) {
    const path = value("smtpCa");
    throw new ConfigError(`The file ${path} of the setting smtp-ca cannot be read: ${fileProblem(error)}`);
  }
}

/** Whether only this machine can reach the server. */
export function listensOnLoopback(config: Pick<Config, "host">): boolean {
  return isLoopback(config.host);
}

/** Whether a URL's host is this machine for whoever opens it. */
export function isLoopbackHost(hostname: string): boolean {
  return listensOnLoopback({ host: hostname.replace(/^\[|\]$/g, "") }) || hostname.endsWith(".localhost");
}

/**
 * Whether only this machine uses the server: it listens on loopback and answers to no other name. If it answers to
 * another, a proxy on this machine may bring in anybody, and nothing meant for development may be reachable.
 */
export function servesThisMachine(config: Pick<Config, "host" | "publicUrl" | "extraHosts">): boolean {
  const host = new URL(config.publicUrl).hostname.replace(/^\[|\]$/g, "");
  return listensOnLoopback(config) && listensOnLoopback({ host }) && config.extraHosts.length === 0;
}

/** Browsers resolve every name below `localhost` themselves; an IP address has no names below it. */
function defaultAuthDomain(publicUrl: string): string | undefined {
  const { hostname } = new URL(publicUrl);
  if (isHostName(hostname)) return `auth.${hostname}`;
  return listensOnLoopback({ host: hostname.replace(/^\[|\]$/g, "") }) ? "auth.localhost" : undefined;
}

/** The server's own host names, which no pool can have, in the form of `hostKey`. */
export function mainHosts(config: Pick<Config, "host" | "publicUrl" | "extraHosts">): ReadonlySet<string> {
  const hosts = new Set([new URL(config.publicUrl).hostname, ...config.extraHosts].map(hostKey));
  if (listensOnLoopback(config)) for (const name of ["localhost", "127.0.0.1", "::1"]) hosts.add(name);
  return hosts;
}

/** The URLs at which the server listens: by http, and by https if TLS is on. */
export function listeningUrls(config: Pick<Config, "host" | "port" | "tls" | "httpsPort">): string[] {
  const host = defaultHost(config.host);
  const http = `http://${host}:${config.port}`;
  return config.tls === undefined ? [http] : [http, `https://${host}:${config.httpsPort}`];
}

/**
 * The URL of this server's API for the handlers that it runs: the public URL. With `--tls dev` it is plain http on
 * loopback if the server answers there, since no handler trusts the authority of this installation.
 */
export function urlForHandlers(config: Config): string {
  const { host, port, tls, publicUrl } = config;
  const onLoopback = listensOnLoopback(config) || host === "0.0.0.0" || host === "::";
  const untrusted = tls === "dev" && publicUrl.startsWith("https:");
  return untrusted && onLoopback && mainHosts(config).has("localhost")
    ? `http://localhost:${port}`
    : publicUrl;
}

function defaultHost(host: string): string {
  if (listensOnLoopback({ host })) return "localhost";
  return isIP(host) === 6 ? `[${host}]` : host;
}

function readFlags(argv: readonly string[]): Map<Name, string> {
  const found = new Map<Name, string>();
  for (let at = 0; at < argv.length; at++) {
    const [, flag, given] = /^--([a-z-]+)(?:=(.*))?$/s.exec(argv[at]!) ?? [];
    const name = settingNames.find((one) => setting(one).flag === flag);
    if (name === undefined)
      throw new ConfigError(
        `Unknown argument ${withoutPasswords(argv[at]!)}.${flagLike(flag)} \`poolhouse help\` lists the flags.`,
      );
    if (setting(name).secret) {
      throw new ConfigError(
        `--${flag} is a secret: give it as ${setting(name).env}, or in the file of --config.`,
      );
    }
    if (setting(name).boolean) found.set(name, given ?? "true");
    else {
      const value = given ?? argv[++at];
      if (value === undefined) throw new ConfigError(`--${flag} needs a value.`);
      found.set(name, value);
    }
  }
  return found;
}

const publicFlags = settingNames.filter((one) => !setting(one).secret).map((one) => setting(one).flag);
const flagLike = (given: string | undefined) => suggestion(given ?? "", publicFlags, "--");
const variableLike = (given: string) =>
  suggestion(
    given,
    settingNames.map((one) => setting(one).env),
  );

function readEnvironment(env: Environment): Map<Name, string> {
  const found = new Map<Name, string>();
  for (const [variable, value] of Object.entries(env)) {
    if (!variable.startsWith("POOLHOUSE_") || value === undefined || value === "") continue;
    // Of this repository's tests, inherited by the servers that they start.
    if (variable.startsWith("POOLHOUSE_TEST_")) continue;
    const name = settingNames.find((one) => setting(one).env === variable);
    if (name === undefined)
      throw new ConfigError(`Unknown environment variable ${variable}.${variableLike(variable)}`);
    found.set(name, value);
  }
  return found;
}
