#!/usr/bin/env node
/** argv -> command. */
import { join } from "node:path";
import { heapFlags, threadPoolSize } from "./lib/node-flags.ts";

const commands: Readonly<Record<string, () => Promise<(argv: readonly string[]) => Promise<void>>>> = {
  serve: async () => (await import("./cli/serve.ts")).serve,
  migrate: async () => (await import("./cli/migrate.ts")).migrate,
  keys: async () => (await import("./cli/keys.ts")).keys,
  names: async () => (await import("./cli/names.ts")).names,
  audit: async () => (await import("./cli/audit.ts")).audit,
  "public-url": async () => (await import("./cli/public-url.ts")).publicUrl,
  doctor: async () => (await import("./cli/doctor.ts")).doctor,
  version: async () => (await import("./cli/version.ts")).version,
  help: async () => (await import("./cli/help.ts")).help,
};
const aliases: Readonly<Record<string, string>> = { "--help": "help", "--version": "version" };

/**
 * What Node reads before any of our code runs. The server starts over once to set it, in place (same process id); where
 * a process cannot replace itself (Windows), or UV_THREADPOOL_SIZE is set already, it runs as it is.
 * - The size of libuv's thread pool, which hashes, signatures and file syncs share: larger than its 4.
 * - The size of V8's young generation: Node's own fills with the garbage of start and load and is never given back
 *   (277 MB resident after load, against 155 MB with 4 MB a half), and buys next to no speed here.
 * - How far V8's old generation grows between two collections. Bytes outside of the heap (bodies) count towards it, and
 *   Node's own 12 MB were full once a second under bodies that stop short, each time for 30 ms.
 * - In a clone, where types are stripped: a cache of the result. Without it every start pays a third of a second and
 *   25 MB that are never given back.
 */
function startOver(): void {
  if (process.env["UV_THREADPOOL_SIZE"] !== undefined || process.execve === undefined) return;
  const cache = join(import.meta.dirname, "..", "node_modules", ".cache", "poolhouse");
  const flags = [...heapFlags, ...process.execArgv];
  process.execve(process.execPath, [process.execPath, ...flags, ...process.argv.slice(1)], {
    ...(import.meta.filename.endsWith(".ts") && { NODE_COMPILE_CACHE: cache }),
    ...process.env,
    UV_THREADPOOL_SIZE: threadPoolSize(),
  } as Record<string, string>);
}

const [given = "help", ...argv] = process.argv.slice(2);
const name = aliases[given] ?? given;
const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
if (name === "serve") startOver();
if (command === undefined) {
  console.error(`Unknown command ${name}. \`poolhouse help\` lists the commands.`);
  process.exitCode = 2;
} else {
  try {
    await (await command())(name === "help" || name === "version" ? [] : argv);
  } catch (error) {
    console.error(`poolhouse ${name}: ${error instanceof Error ? error.message : String(error)}`);
    process.exit(error instanceof Error && "exitCode" in error ? Number(error.exitCode) : 1);
  }
}
