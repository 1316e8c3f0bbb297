#!/usr/bin/env node
/** argv -> command. */
import { availableParallelism } from "node:os";

const commands: Readonly<Record<string, () => Promise<(argv: readonly string[]) => Promise<void>>>> = {
  serve: async () => (await import("./cli/serve.ts")).serve,
  keys: async () => (await import("./cli/keys.ts")).keys,
  "public-url": async () => (await import("./cli/public-url.ts")).publicUrl,
  doctor: async () => (await import("./cli/doctor.ts")).doctor,
  help: async () => (await import("./cli/help.ts")).help,
};

/**
 * libuv reads the size of its thread pool once, before any of our code runs. Hashes, signatures and file syncs share it,
 * so it is made larger than its 4 by starting over in place (same process id).
 */
function withThreads(): void {
  if (process.env["UV_THREADPOOL_SIZE"] !== undefined || process.execve === undefined) return;
  const size = Math.max(8, 2 * availableParallelism() + 4);
  const env = { ...process.env, UV_THREADPOOL_SIZE: String(size) };
  process.execve(
    process.execPath,
    [process.execPath, ...process.execArgv, ...process.argv.slice(1)],
    env as Record<string, string>,
  );
}

const [name = "help", ...argv] = process.argv.slice(2);
const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
if (name === "serve") withThreads();
if (command === undefined) {
  console.error(`Unknown command ${name}. \`poolhouse help\` lists the commands.`);
  process.exitCode = 2;
} else {
  try {
    await (await command())(name === "help" ? [] : argv);
  } catch (error) {
    console.error(`poolhouse ${name}: ${error instanceof Error ? error.message : String(error)}`);
    process.exit(1);
  }
}
