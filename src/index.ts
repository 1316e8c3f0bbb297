/**
 * Poolhouse inside another Node.js program: `import { startPoolhouse } from "poolhouse"`. The same server as `poolhouse
 * serve`; the embedding program should set UV_THREADPOOL_SIZE (two per core plus four) before the process starts.
 */
import { createLog } from "./cli/log.ts";
import { ConfigError, loadConfig } from "./config/config.ts";
import { settings } from "./config/settings.ts";
import { startServer } from "./server.ts";

export { ConfigError } from "./config/config.ts";

/** The settings of the README, named by their flags in camel case: `{ port: 0, publicUrl: "https://…" }`. */
export type PoolhouseSettings = {
  readonly [Name in Exclude<keyof typeof settings, "demo" | "workers">]?: string | number | readonly string[];
};

export interface Poolhouse {
  /** The public URL, which clients use as their endpoint. */
  readonly url: string;
  /** The administrators' key, if this start created it on an empty database. It cannot be retrieved later. */
  readonly rootKey: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined;
  /** Stops accepting requests, lets running ones finish, then closes everything. */
  close(): Promise<void>;
}

/**
 * Starts a server and resolves when it is ready. Does not read the environment. Logs to standard error. Throws
 * ConfigError, which names the setting, or Error if the database or its keys cannot be used.
 */
export async function startPoolhouse(given: PoolhouseSettings = {}): Promise<Poolhouse> {
  const variables = Object.entries(given).map(([name, value]) => {
    if (name === "workers")
      throw new ConfigError("The setting workers is for `poolhouse serve`: it starts processes of its own.");
    if (!Object.hasOwn(settings, name) || name === "demo") throw new ConfigError(`Unknown setting ${name}.`);
    return [settings[name as keyof PoolhouseSettings].env, [value].flat().join(",")];
  });
  const config = loadConfig([], Object.fromEntries(variables));
  const { url, rootKey, close } = await startServer(config, { log: createLog(config.logLevel) });
  return { url, rootKey, close };
}
