/** How commands reach the database. Apart from command-line.ts: a command that needs no database starts without its code. */
import { join } from "node:path";
import type { Config } from "../config/config.ts";
import { commandName } from "../store/engine/postgres/clients.ts";
import { type OpenedDatabase, type OpenOptions, openDatabase } from "../store/open.ts";

/** The options with which a command opens the configured database. */
export function openOptions(config: Config): OpenOptions {
  return {
    url: config.database,
    masterKey: config.masterKey,
    previousMasterKey: config.previousMasterKey,
    namedStatements: config.namedStatements,
    secretsFolder: join(config.data, "secrets"),
    applicationName: commandName,
    poolSize: 4,
    waitMs: 10_000,
    log: { info: () => {}, warn: () => {}, error: (_fields, message) => console.error(message) },
  };
}

/** Opens the database, with or without a running server, for as long as the work takes. */
export async function withDatabase<T>(
  config: Config,
  work: (opened: OpenedDatabase) => Promise<T>,
): Promise<T> {
  const opened = await openDatabase({ ...openOptions(config), secondary: true });
  try {
    return await work(opened);
  } finally {
    await opened.close();
  }
}
