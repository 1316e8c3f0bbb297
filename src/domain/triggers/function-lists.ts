/**
 * Servers on one database should run the same functions: each tells the others what it has configured, and says at its
 * start where that differs. What is told is a hash of each function's settings, without their secrets.
 */
import { hostname } from "node:os";
import { basename } from "node:path";
import type { App } from "../../app.ts";
import { sha256Base64url } from "../../lib/bytes.ts";
import type { FunctionSettings } from "../../lib/function-settings.ts";
import type { Db } from "../../store/db.ts";
import { readFunctionLists, removeFunctionList, writeFunctionList } from "../../store/function-lists.ts";

/** How often a server renews its row, and for how long the row is valid. Milliseconds. */
const renewEvery = 60_000;
const valid = 3 * renewEvery;

/** Hashes of functions by their names. */
type Hashes = Readonly<Record<string, string>>;

/** The settings that say what a function does. Values of variables, keys and queries of URLs may be secret. */
function factsOf(settings: FunctionSettings): unknown[] {
  const { name, run, timeoutMs, attempts, concurrency, queue, plainTextCodes } = settings;
  const common = [name, run, timeoutMs, attempts, concurrency, queue, plainTextCodes];
  switch (settings.run) {
    case "worker":
    case "child": {
      const { file, handler, memoryMb, environment } = settings;
      // Where the files are may differ from machine to machine.
      const local = [...common, basename(file), handler, memoryMb, Object.keys(environment).sort()];
      return settings.run === "child" ? [...local, settings.runtime, settings.command ?? null] : local;
    }
    case "invoke":
      return [...common, settings.url, settings.function, settings.region ?? null];
    case "webhook":
      return [...common, settings.url.replace(/\?.*$/s, "")];
  }
}

function hashesOf(functions: readonly FunctionSettings[]): Hashes {
  return Object.fromEntries(
    functions.map((one) => [one.name, sha256Base64url(JSON.stringify(factsOf(one))).slice(0, 16)]),
  );
}

/** A running server whose functions are others. */
export interface OtherFunctions {
  /** Host and port. */
  readonly server: string;
  /** The functions that differ, and how, in words. */
  readonly differences: readonly string[];
}

/** The servers whose functions differ from these. @param now epoch milliseconds */
export async function serversWithOthers(
  db: Db,
  functions: readonly FunctionSettings[],
  now: number,
): Promise<OtherFunctions[]> {
  const own = hashesOf(functions);
  const lists = await readFunctionLists(db, now);
  return lists
    .map(({ server, functions: told }) => ({
      server,
      differences: differences(own, JSON.parse(told) as Hashes),
    }))
    .filter((one) => one.differences.length > 0);
}

function differences(own: Hashes, theirs: Hashes): string[] {
  const names = [...new Set([...Object.keys(own), ...Object.keys(theirs)])].sort();
  return names.flatMap((name) => {
    if (own[name] === theirs[name]) return [];
    if (theirs[name] === undefined) return [`${name} (not there)`];
    return [own[name] === undefined ? `${name} (only there)` : `${name} (other settings)`];
  });
}

/** Tells the other servers of the database which functions this one has, and logs where theirs differ. */
export async function shareFunctionList({
  db,
  config,
  clock,
  log,
}: Pick<App, "db" | "config" | "clock" | "log">): Promise<{ stop(): Promise<void> }> {
  const server = `${hostname()}:${config.port}`;
  const list = { server, functions: JSON.stringify(hashesOf(config.functions)) };
  const write = () => writeFunctionList(db, list, { now: clock(), until: clock() + valid });
  await write();
  // An embedded database has one server: what others left there is of its own past.
  const others = db.kind === "sqlite" ? [] : await serversWithOthers(db, config.functions, clock());
  for (const other of others)
    log.warn(
      other,
      "The functions of another server of this database differ: triggers depend on who is asked.",
    );
  let running: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    running = write().catch((error: unknown) =>
      log.error({ err: error }, "The list of functions could not be renewed."),
    );
  }, renewEvery).unref();
  return {
    stop: async () => {
      clearInterval(timer);
      await running;
      await removeFunctionList(db, server).catch(() => {});
    },
  };
}
