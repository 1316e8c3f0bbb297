/**
 * Settings: flags, then environment, then file, then defaults, into one frozen value. An unknown key or a bad value
 * refuses to start and says which. Nothing else in the program reads the environment.
 */
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { parse as parseYaml } from "yaml";

export interface Config {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  readonly data: string;
  /** `postgres://…` or the path of an embedded database. */
  readonly database: string;
  readonly auth: "sigv4" | "open";
  readonly demo: boolean;
  /** Without a trailing slash. Issuers and links are made of it. */
  readonly publicUrl: string;
  readonly extraHosts: readonly string[];
  /** CIDR ranges whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly string[];
  readonly region: string;
  readonly accountId: string;
  readonly masterKey: string | undefined;
  readonly rootAccessKeyId: string | undefined;
  readonly rootSecretAccessKey: string | undefined;
  readonly logLevel: string;
  /** argon2id hashes at once. */
  readonly hashConcurrency: number;
}

/** A setting is refused; the message names it. */
export class ConfigError extends Error {
  override name = "ConfigError";
}

interface Setting {
  readonly flag: string;
  readonly env: string;
  readonly help: string;
  readonly fallback?: string;
  /** Secrets come from the environment or the file only: a command line is public on its machine. */
  readonly secret?: true;
  /** A flag without value. */
  readonly boolean?: true;
  /** Returns what is wrong with the value. */
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
const list = (value: string) =>
  value
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");

/** Every setting; README's table is held against it by a test. */
export const settings = {
  host: { flag: "host", env: "POOLHOUSE_HOST", fallback: "127.0.0.1", help: "Address to listen on." },
  port: {
    flag: "port",
    env: "POOLHOUSE_PORT",
    fallback: "4747",
    help: "Port to listen on; 0 picks a free one.",
    wrong: portNumber,
  },
  data: {
    flag: "data",
    env: "POOLHOUSE_DATA",
    fallback: "./poolhouse-data",
    help: "Folder of the embedded database and its secrets.",
  },
  database: {
    flag: "database",
    env: "POOLHOUSE_DATABASE",
    help: "postgres://… or a file; <data>/db/poolhouse.sqlite unless given.",
  },
  config: {
    flag: "config",
    env: "POOLHOUSE_CONFIG",
    help: "A YAML file of these settings, by the names of the flags.",
  },
  auth: {
    flag: "auth",
    env: "POOLHOUSE_AUTH",
    fallback: "sigv4",
    help: "How administrators' calls are verified: sigv4, or open (any credentials; loopback only).",
    wrong: oneOf("sigv4", "open"),
  },
  demo: {
    flag: "demo",
    env: "POOLHOUSE_DEMO",
    fallback: "false",
    boolean: true,
    help: "On an empty database make a pool, a client, a group and a user.",
    wrong: oneOf("true", "false"),
  },
  publicUrl: {
    flag: "public-url",
    env: "POOLHOUSE_PUBLIC_URL",
    help: "The URL clients reach this server by; token issuers begin with it. http://localhost:<port> unless given.",
    wrong: (value: string) => {
      const url = URL.canParse(value) ? new URL(value) : undefined;
      const plain =
        url && /^https?:$/.test(url.protocol) && url.search === "" && url.hash === "" && url.username === "";
      return plain ? undefined : "must be an http or https URL without query, fragment or user";
    },
  },
  extraHosts: {
    flag: "extra-hosts",
    env: "POOLHOUSE_EXTRA_HOSTS",
    fallback: "",
    help: "Further host names to answer to, by comma.",
  },
  trustedProxies: {
    flag: "trusted-proxies",
    env: "POOLHOUSE_TRUSTED_PROXIES",
    fallback: "",
    help: "CIDR ranges of proxies whose X-Forwarded-For is believed, by comma.",
    wrong: (value: string) => (list(value).every(isRange) ? undefined : "must be addresses or CIDR ranges"),
  },
  region: {
    flag: "region",
    env: "POOLHOUSE_REGION",
    fallback: "us-east-1",
    help: "The region in pool ids and ARNs.",
    wrong: matches(/^[a-z]{2}(?:-[a-z]+)+-\d$/, "shaped like us-east-1"),
  },
  accountId: {
    flag: "account-id",
    env: "POOLHOUSE_ACCOUNT_ID",
    fallback: "000000000000",
    help: "The account in ARNs.",
    wrong: matches(/^\d{12}$/, "12 digits"),
  },
  masterKey: {
    flag: "master-key",
    env: "POOLHOUSE_MASTER_KEY",
    secret: true,
    help: "Base64 of 32 bytes; wraps the data keys. Required with PostgreSQL; else a file under <data>/secrets.",
    wrong: (value: string) =>
      Buffer.from(value, "base64").length === 32 ? undefined : "must be base64 of exactly 32 bytes",
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
  hashConcurrency: {
    flag: "hash-concurrency",
    env: "POOLHOUSE_HASH_CONCURRENCY",
    help: "Password hashes computed at once; the number of cores unless given.",
    wrong: matches(/^[1-9]\d?$/, "a number from 1 to 99"),
  },
} as const satisfies Record<string, Setting>;

type Name = keyof typeof settings;
const names = Object.keys(settings) as Name[];
const setting = (name: Name): Setting => settings[name];

function isRange(range: string): boolean {
  const [address = "", bits, ...rest] = range.split("/");
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 6 ? 128 : 32));
}

/** Flags that the design promises and this release lacks: refused by name, not ignored. */
const laterFlags: readonly string[] = ["tls", "https-port"];

/** Reads the settings. Throws ConfigError naming what is wrong. */
export function loadConfig(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>> = process.env,
): Config {
  const flags = readFlags(argv);
  const variables = readEnvironment(env);
  const path = flags.get("config") ?? variables.get("config");
  const file = path === undefined ? new Map<Name, string>() : readFile(path);
  const value = (name: Name): string | undefined => {
    const found = [flags, variables, file].find((source) => source.has(name))?.get(name);
    if (found === undefined) return setting(name).fallback;
    const wrong = setting(name).wrong?.(found);
    if (wrong === undefined) return found;
    const shown = setting(name).secret ? "" : `, not ${JSON.stringify(found)}`;
    throw new ConfigError(
      `The setting ${setting(name).flag} (--${setting(name).flag}, ${setting(name).env}) ${wrong}${shown}.`,
    );
  };
  return assemble(value);
}

function assemble(value: (name: Name) => string | undefined): Config {
  const data = resolve(value("data")!);
  const host = value("host")!;
  const port = Number(value("port"));
  const config: Config = {
    host,
    port,
    data,
    database: value("database") ?? join(data, "db", "poolhouse.sqlite"),
    auth: value("auth") as Config["auth"],
    demo: value("demo") === "true",
    publicUrl: (value("publicUrl") ?? `http://${defaultHost(host)}:${port}`).replace(/\/+$/, ""),
    extraHosts: list(value("extraHosts")!),
    trustedProxies: list(value("trustedProxies")!),
    region: value("region")!,
    accountId: value("accountId")!,
    masterKey: value("masterKey"),
    rootAccessKeyId: value("rootAccessKeyId"),
    rootSecretAccessKey: value("rootSecretAccessKey"),
    logLevel: value("logLevel")!,
    hashConcurrency: Number(value("hashConcurrency") ?? availableParallelism()),
  };
  if (config.auth === "open" && !listensOnLoopback(config)) {
    throw new ConfigError(
      "The setting auth=open accepts any credentials and is allowed on a loopback address only.",
    );
  }
  if (config.demo && !listensOnLoopback(config)) {
    throw new ConfigError(
      "The setting demo makes a user whose password is public; it is allowed on a loopback address only.",
    );
  }
  if ((config.rootAccessKeyId === undefined) !== (config.rootSecretAccessKey === undefined)) {
    throw new ConfigError(
      "POOLHOUSE_ROOT_ACCESS_KEY_ID and POOLHOUSE_ROOT_SECRET_ACCESS_KEY go together; one is missing.",
    );
  }
  return Object.freeze(config);
}

/** Whether only this machine can reach the server. */
export function listensOnLoopback(config: Pick<Config, "host">): boolean {
  return config.host === "localhost" || config.host === "::1" || /^127(?:\.\d{1,3}){3}$/.test(config.host);
}

function defaultHost(host: string): string {
  if (listensOnLoopback({ host })) return "localhost";
  return isIP(host) === 6 ? `[${host}]` : host;
}

function readFlags(argv: readonly string[]): Map<Name, string> {
  const found = new Map<Name, string>();
  for (let at = 0; at < argv.length; at++) {
    const [, flag, given] = /^--([a-z-]+)(?:=(.*))?$/s.exec(argv[at]!) ?? [];
    if (flag !== undefined && laterFlags.includes(flag)) {
      throw new ConfigError(`--${flag} is not supported by this release of Poolhouse.`);
    }
    const name = names.find((one) => setting(one).flag === flag);
    if (name === undefined)
      throw new ConfigError(`Unknown argument ${argv[at]}. \`poolhouse help\` lists the flags.`);
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

function readEnvironment(env: Readonly<Record<string, string | undefined>>): Map<Name, string> {
  const found = new Map<Name, string>();
  for (const [variable, value] of Object.entries(env)) {
    if (!variable.startsWith("POOLHOUSE_") || value === undefined || value === "") continue;
    const name = names.find((one) => setting(one).env === variable);
    if (name === undefined) throw new ConfigError(`Unknown environment variable ${variable}.`);
    found.set(name, value);
  }
  return found;
}

function readFile(path: string): Map<Name, string> {
  let document: unknown;
  try {
    document = parseYaml(readFileSync(path, "utf8")) ?? {};
  } catch (error) {
    throw new ConfigError(`The file ${path} of --config cannot be read: ${(error as Error).message}`);
  }
  if (typeof document !== "object" || document === null || Array.isArray(document)) {
    throw new ConfigError(`The file ${path} of --config must hold settings by name.`);
  }
  const found = new Map<Name, string>();
  for (const [key, value] of Object.entries(document)) {
    const name = names.find((one) => setting(one).flag === key && one !== "config");
    if (name === undefined) throw new ConfigError(`Unknown setting ${key} in ${path}.`);
    found.set(name, Array.isArray(value) ? value.join(",") : String(value));
  }
  return found;
}
