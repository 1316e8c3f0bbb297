/** The section `functions` of the configuration file: the functions that triggers name (docs/functions.md). */
import { accessSync, constants, statSync } from "node:fs";
import { basename, dirname, extname, resolve } from "node:path";
import type {
  ChildFunction,
  CommonSettings,
  FunctionSettings,
  InvokeFunction,
  ModuleFunction,
  WebhookFunction,
} from "../lib/function-settings.ts";
import { parseWebhookSecret } from "../lib/standard-webhooks.ts";
import { parseSystemUser, type SystemUser, systemUserForm } from "../lib/system-user.ts";
import {
  type ConfigFile,
  type Entry,
  isTrue,
  numberAt,
  onlyKeys,
  readEntry,
  requiredAt,
  textAt,
  wordAt,
} from "./section.ts";
import { accessKeyAt, keyIdAt, ofKey, secretForm, urlAt } from "./values.ts";

const common = ["run", "timeout", "attempts", "concurrency", "queue", "plain-text-codes"];
const remote = ["url", "own-access-key-id", "allow-plaintext"];
const local = ["file", "handler", "environment", "memory", ...ofKey];

/** The keys of a function, by the way it runs. */
const keys: Readonly<Record<FunctionSettings["run"], readonly string[]>> = {
  worker: [...common, ...local],
  child: [...common, ...local, "runtime", "command", "user"],
  invoke: [...common, ...remote, ...ofKey, "function", "region"],
  webhook: [...common, ...remote, "secret"],
};

/** The runtimes, and the endings of their files. */
const endings: Readonly<Record<ChildFunction["runtime"], readonly string[]>> = {
  nodejs: [".js", ".mjs", ".cjs", ".ts", ".mts", ".cts"],
  python: [".py"],
};

/** Reads the section. Throws ConfigError with file, line and key if anything is wrong. */
export function readFunctions(file: ConfigFile): FunctionSettings[] {
  const section = file.document.get("functions", true);
  if (section === undefined) return [];
  const functions = readEntry(file, section, "functions");
  return functions.keys().map((name) => {
    if (!isName(name)) functions.fail(name, "must be the name of a function, or its ARN");
    const entry = functions.below(name);
    const run = wordAt(entry, "run", Object.keys(keys) as FunctionSettings["run"][]);
    if (run === undefined) return entry.fail(undefined, `needs run: one of ${Object.keys(keys).join(", ")}`);
    onlyKeys(entry, keys[run]);
    return {
      ...commonOf(name, entry),
      ...readers[run](entry, { name, folder: dirname(resolve(file.path)) }),
    };
  });
}

interface Given {
  readonly name: string;
  /** The folder of the configuration file, from which paths lead. */
  readonly folder: string;
}

type Way = ModuleFunction | ChildFunction | InvokeFunction | WebhookFunction;
const readers: Readonly<Record<FunctionSettings["run"], (entry: Entry, given: Given) => Way>> = {
  worker: (entry, given) => {
    const { runtime, ...rest } = localOf(entry, given, "nodejs");
    return { run: "worker", ...rest };
  },
  child: (entry, given) => {
    const runtime = wordAt(entry, "runtime", Object.keys(endings) as ChildFunction["runtime"][]);
    return {
      run: "child",
      ...localOf(entry, given, runtime),
      command: commandOf(entry),
      user: userOf(entry),
    };
  },
  invoke: (entry, { name }) => ({
    run: "invoke",
    url: urlOf(entry, { query: false }).replace(/\/+$/, ""),
    function: functionNameOf(entry) ?? name,
    region: textAt(entry, "region"),
    key: accessKeyAt(entry, textAt),
    ownKeyId: keyIdAt(entry, "own-access-key-id"),
  }),
  webhook: (entry) => ({
    run: "webhook",
    url: urlOf(entry, { query: true }),
    secret: secretOf(entry),
    ownKeyId: keyIdAt(entry, "own-access-key-id"),
  }),
};

/** What Lambda accepts as a function's name, or an ARN as pools have it. */
function isName(name: string): boolean {
  return (
    /^[\w-]{1,64}$/.test(name) ||
    /^arn:[\w-]+:lambda:[\w-]+:\d{12}:function:[\w-]{1,64}(?::[\w$-]+)?$/.test(name)
  );
}

function commonOf(name: string, entry: Entry): CommonSettings {
  return {
    name,
    where: entry.where,
    timeoutMs: 1000 * numberAt(entry, "timeout", { from: 0.001, to: 900, fallback: 5, fractions: true }),
    attempts: numberAt(entry, "attempts", { from: 1, to: 10, fallback: 3 }),
    concurrency: numberAt(entry, "concurrency", { from: 1, to: 1000, fallback: 10 }),
    queue: numberAt(entry, "queue", { from: 0, to: 10_000, fallback: 100 }),
    plainTextCodes: isTrue(entry, "plain-text-codes"),
  };
}

/** @param asked the runtime, if it is known; otherwise the file's name tells it */
function localOf(entry: Entry, { folder }: Given, asked: ChildFunction["runtime"] | undefined) {
  const file = resolve(folder, requiredAt(entry, "file"));
  try {
    accessSync(file, constants.R_OK);
  } catch (error) {
    return entry.fail("file", `cannot be read: ${(error as Error).message}`);
  }
  if (!statSync(file).isFile()) return entry.fail("file", `is not a file: ${file}`);
  const ending = extname(file);
  const byName = Object.entries(endings).find(([, known]) => known.includes(ending))?.[0];
  const runtime = asked ?? (byName as ChildFunction["runtime"] | undefined);
  if (runtime === undefined)
    return entry.fail("file", "does not tell the runtime by its name: runtime is needed");
  const known = endings[runtime];
  if (!known.includes(ending)) return entry.fail("file", `must end in ${known.join(", ")} for ${runtime}`);
  return {
    runtime,
    file,
    handler: handlerOf(entry, basename(file, ending), runtime),
    environment: environmentOf(entry),
    memoryMb: numberAt(entry, "memory", { from: 16, to: 10_240, fallback: 128 }),
    key: accessKeyAt(entry, textAt),
  };
}

/** The name of the export. Lambda's form, with the file's name in front, is accepted, too. */
function handlerOf(entry: Entry, stem: string, runtime: ChildFunction["runtime"]): string {
  const given = textAt(entry, "handler") ?? (runtime === "python" ? "lambda_handler" : "handler");
  const parts = given.split(".");
  const name = parts.length > 1 && parts[0] === stem ? parts.slice(1) : parts;
  if (name.every((part) => /^[A-Za-z_$][\w$]*$/.test(part))) return name.join(".");
  return entry.fail(
    "handler",
    `must be the name of an exported function, such as handler, not ${JSON.stringify(given)}`,
  );
}

function environmentOf(entry: Entry): Record<string, string> {
  if (entry.value("environment") === undefined) return {};
  const variables = entry.below("environment");
  return Object.fromEntries(
    variables.keys().map((name) => {
      if (!/^[A-Za-z_]\w*$/.test(name)) variables.fail(name, "must be the name of a variable");
      const value = variables.value(name);
      if (value === null || typeof value === "object") variables.fail(name, "must be a text");
      return [name, variables.digits(name) ?? String(value)];
    }),
  );
}

function commandOf(entry: Entry): readonly string[] | undefined {
  const value = entry.value("command");
  if (value === undefined) return undefined;
  const words = Array.isArray(value) ? value : [];
  if (words.length > 0 && words.every((word) => typeof word === "string" && word !== "")) return words;
  return entry.fail("command", "must be a list: a program and its arguments");
}

function userOf(entry: Entry): SystemUser | undefined {
  const text = textAt(entry, "user");
  if (text === undefined) return undefined;
  const user = parseSystemUser(text);
  if (user === undefined) return entry.fail("user", systemUserForm);
  return process.getuid?.() === 0 ? user : entry.fail("user", "needs a server that runs as root");
}

/** The URL. Events have passwords and codes in them: unless this machine answers, the connection must be encrypted. */
const urlOf = (entry: Entry, { query }: { readonly query: boolean }) =>
  urlAt(entry, "url", { query, why: "events contain passwords" }) ?? entry.fail(undefined, "needs url");

function functionNameOf(entry: Entry): string | undefined {
  const name = textAt(entry, "function");
  if (name === undefined || /^[\w:$-]{1,170}$/.test(name)) return name;
  return entry.fail("function", "must be the name or the ARN of a function");
}

function secretOf(entry: Entry): Uint8Array {
  return parseWebhookSecret(requiredAt(entry, "secret")) ?? entry.fail("secret", secretForm);
}
