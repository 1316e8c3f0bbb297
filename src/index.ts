/**
 * Poolhouse inside another Node.js program: `import { startPoolhouse } from "poolhouse"`. The same server as
 * `poolhouse serve`; who embeds it sets UV_THREADPOOL_SIZE (two a core and four more) before the process starts.
 */
import { createLog } from "./cli/log.ts";
import { ConfigError, loadConfig } from "./config/config.ts";
import { settings } from "./config/settings.ts";
import { startServer } from "./server.ts";

export { ConfigError } from "./config/config.ts";

/** The settings of the README, by the names of the flags in camel case: `{ port: 0, publicUrl: "https://…" }`. */
export type PoolhouseSettings = {
  readonly [Name in Exclude<keyof typeof settings, "demo">]?: string | number | readonly string[];
};

export interface Poolhouse {
  /** The public URL: what clients take for their endpoint. */
  readonly url: string;
  /** Administrators' key, present when this start made it on an empty database. It cannot be had again. */
  readonly rootKey: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined;
  /** Stops accepting, lets running requests finish, then closes everything. */
  close(): Promise<void>;
}

/**
 * Starts a server; resolves when it can serve. The environment is not read. Its log goes to the standard error.
 * Throws ConfigError, which names the setting, and Error where the database or its keys refuse.
 */
export async function startPoolhouse(given: PoolhouseSettings = {}): Promise<Poolhouse> {
  const variables = Object.entries(given).map(([name, value]) => {
    if (!Object.hasOwn(settings, name) || name === "demo") throw new ConfigError(`Unknown setting ${name}.`);
    return [settings[name as keyof PoolhouseSettings].env, [value].flat().join(",")];
  });
  const config = loadConfig([], Object.fromEntries(variables));
  const { url, rootKey, close } = await startServer(config, { log: createLog(config.logLevel) });
  return { url, rootKey, close };
}
