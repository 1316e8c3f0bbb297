#!/usr/bin/env node
/** Runs the command named on the command line. */
import { heapFlags, launchEnvironment, threadPoolSize } from "./lib/node-flags.ts";
import { explainError } from "./lib/operator-error.ts";

const commands: Readonly<Record<string, () => Promise<(argv: readonly string[]) => Promise<void>>>> = {
  serve: async () => (await import("./cli/serve.ts")).serve,
  migrate: async () => (await import("./cli/migrate.ts")).migrate,
  keys: async () => (await import("./cli/keys.ts")).keys,
  "trusted-providers": async () => (await import("./cli/trusted-providers.ts")).trustedProviders,
  "identity-pools": async () => (await import("./cli/identity-pools.ts")).identityPools,
  roles: async () => (await import("./cli/roles.ts")).roles,
  names: async () => (await import("./cli/names.ts")).names,
  audit: async () => (await import("./cli/audit.ts")).audit,
  messages: async () => (await import("./cli/messages.ts")).messages,
  functions: async () => (await import("./cli/functions.ts")).functions,
  gateway: async () => (await import("./cli/gateway.ts")).gateway,
  "public-url": async () => (await import("./cli/public-url.ts")).publicUrl,
  doctor: async () => (await import("./cli/doctor.ts")).doctor,
  version: async () => (await import("./cli/version.ts")).version,
  help: async () => (await import("./cli/help.ts")).help,
};

/**
 * Sets what Node reads before any of our code runs, by starting the server over once, in place (same process id). It
 * runs as it is where a process cannot replace itself (Windows) or UV_THREADPOOL_SIZE is already set.
 * - The size of libuv's thread pool, which hashing, signing and file syncs share: more than its default of 4.
 * - The size of V8's young generation: the default fills up with garbage from startup and load and is never released
 *   (277 MB resident after load, against 155 MB with semi-spaces of 4 MB), with next to no gain in speed here.
 * - How far V8's old generation grows between two collections. Bytes outside the heap (bodies) count towards it, and
 *   with Node's default of 12 MB unfinished bodies caused a collection of 30 ms every second.
 * - One helper thread for V8 instead of four: while they mark garbage, each takes as much of a busy processor as the thread that
 *   answers requests. Under a flood on one processor others wait half as long (docs/performance.md).
 * - The function that collects garbage, which a server calls when it is idle (cli/idle-memory.ts).
 * - A cache of what V8 compiled, and of sources whose types are stripped. Without the latter every start costs a third of
 *   a second and 25 MB that are never released.
 * - How many arenas glibc's malloc has: eight for each processor by default, whose free memory it does not share.
 */
function startOver(): void {
  if (process.env["UV_THREADPOOL_SIZE"] !== undefined || process.execve === undefined) return;
  const flags = [...heapFlags, ...process.execArgv];
  process.execve(process.execPath, [process.execPath, ...flags, ...process.argv.slice(1)], {
    ...launchEnvironment(),
    ...process.env,
    UV_THREADPOOL_SIZE: threadPoolSize(),
  } as Record<string, string>);
}

/** What to run: --help, -h, --version and -v may stand anywhere, and come before everything else. */
function chosen(given: readonly string[]): { readonly name: string; readonly argv: readonly string[] } {
  const words = given.filter((word) => !/^(?:--help|-h|--version|-v)$/.test(word));
  if (given.some((word) => word === "--help" || word === "-h")) return { name: "help", argv: words };
  if (words.length < given.length) return { name: "version", argv: [] };
  const [name = "help", ...argv] = given;
  return { name, argv };
}

const { name, argv } = chosen(process.argv.slice(2));
const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
const isServer = name === "serve" || (name === "gateway" && (argv[0]?.startsWith("-") ?? false));
if (isServer) startOver();
if (command === undefined) {
  console.error((await import("./cli/help.ts")).unknownCommand(name));
  process.exitCode = 2;
} else {
  try {
    await (await command())(argv);
  } catch (error) {
    console.error(`poolhouse ${name}: ${explainError(error)}`);
    process.exit(error instanceof Error && "exitCode" in error ? Number(error.exitCode) : 1);
  }
}
