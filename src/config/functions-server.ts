/**
 * The configuration of `poolhouse functions serve`: a file of its own, with functions, where to listen, and the key with
 * which the server signs its calls. Nothing of the server's is in it.
 */
import type { FunctionKey, FunctionSettings } from "../lib/function-settings.ts";
import { isLoopback } from "../lib/host-name.ts";
import { readFunctions } from "./functions.ts";
import {
  ConfigError,
  type Entry,
  isTrue,
  onlyKeys,
  readEntry,
  requiredAt,
  textAt,
  wholeFile,
} from "./section.ts";
import { type Setting, settings } from "./settings.ts";
import { keyIdAt } from "./values.ts";
import { readYaml } from "./yaml-file.ts";

export interface FunctionsServer {
  readonly host: string;
  /** The port to listen on; 0 picks a free one. */
  readonly port: number;
  /** The region of the signatures, of handlers and of ARNs. */
  readonly region: string;
  readonly accountId: string;
  /** The server's public URL, where the handlers' own calls go. */
  readonly publicUrl: string;
  readonly logLevel: string;
  /** Whom processes of functions run as if this one is root. */
  readonly user: string;
  /** Signs the server's calls. */
  readonly key: FunctionKey;
  readonly functions: readonly FunctionSettings[];
}

/** Keys that mean what they mean for a server. */
const shared = {
  host: "127.0.0.1",
  port: "4750",
  region: settings.region.fallback,
  "account-id": settings.accountId.fallback,
  "public-url": "http://localhost:4747",
  "log-level": settings.logLevel.fallback,
  "functions-user": settings.functionsUser.fallback,
} as const;
const own = ["access-key-id", "secret-access-key", "allow-plaintext", "functions"];

/** Settings of a server that must not be where functions run. */
const serversOwn = Object.values(settings).filter(
  (one: Setting) => one.secret || one.unquoted || /master-key/.test(one.flag),
);

/** Reads the file. Throws ConfigError with file, line and key if anything is wrong. */
export function readFunctionsServer(
  path: string,
  env: Readonly<Record<string, string | undefined>>,
): FunctionsServer {
  const leaked = serversOwn.find((one) => env[one.env]);
  if (leaked !== undefined)
    throw new ConfigError(
      `${leaked.env} is in the environment, where functions could read it: \`functions serve\` must run without it.`,
    );
  const file = readYaml(path);
  const entry = readEntry(file, file.document.contents, wholeFile);
  onlyKeys(entry, [...Object.keys(shared), ...own]);
  const text = (name: keyof typeof shared): string => {
    const given = textAt(entry, name) ?? shared[name];
    const setting: Setting | undefined = Object.values(settings).find((one) => one.flag === name);
    const wrong = setting?.wrong?.(given);
    return wrong === undefined ? given : entry.fail(name, `${wrong}, not ${JSON.stringify(given)}`);
  };
  return {
    host: hostOf(entry, text("host")),
    port: Number(text("port")),
    region: text("region"),
    accountId: text("account-id"),
    publicUrl: text("public-url").replace(/\/+$/, ""),
    logLevel: text("log-level"),
    user: text("functions-user"),
    key: keyOf(entry),
    functions: readFunctions(file),
  };
}

function keyOf(entry: Entry): FunctionKey {
  const secretAccessKey = requiredAt(entry, "secret-access-key");
  const wrong = settings.rootSecretAccessKey.wrong(secretAccessKey);
  if (wrong !== undefined) entry.fail("secret-access-key", wrong);
  const accessKeyId = keyIdAt(entry, "access-key-id") ?? requiredAt(entry, "access-key-id");
  return { accessKeyId, secretAccessKey };
}

/** Events have passwords and codes in them, and calls come by http. */
function hostOf(entry: Entry, host: string): string {
  const allowed = isTrue(entry, "allow-plaintext");
  if (isLoopback(host) || allowed) return host;
  return entry.fail(
    "host",
    "must be of this machine: events contain passwords. allow-plaintext: true permits http in a network that is trusted",
  );
}
