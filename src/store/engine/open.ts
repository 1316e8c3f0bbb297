/** Opens a database of either kind, whatever tables it has. */
import type { Dialect } from "kysely";
import type { DatabaseAddress } from "../../lib/database-url.ts";
import type { DatabaseCounts } from "./counts.ts";
import type { DirectRead } from "./direct-read.ts";
import type { StoreLog } from "./log.ts";
import { inMemory, lockForThisProcess, prepareFile } from "./sqlite/file.ts";
import type { WriteHealth } from "./sqlite/write-health.ts";

export interface EngineOptions {
  readonly log: StoreLog;
  readonly counts: DatabaseCounts;
  readonly writes: WriteHealth;
  /** PostgreSQL only. */
  readonly applicationName: string;
  readonly poolSize?: number | undefined;
  readonly waitMs?: number | undefined;
  readonly namedStatements?: "auto" | "on" | "off" | undefined;
  readonly queryTimeoutMs?: number | undefined;
  /** SQLite only: whether another process has the file open, so that no lock is taken. */
  readonly secondary?: boolean | undefined;
  readonly syncFile?: ((descriptor: number, done: (error: Error | null) => void) => void) | undefined;
  readonly idleLimitMs?: number | undefined;
  /** SQLite only: how much of the file it keeps in memory. KiB; 32,768 by default. */
  readonly cacheKiB?: number | undefined;
}

export interface Engine {
  readonly dialect: Dialect;
  readonly direct: DirectRead;
  /** See `OpenedDatabase.leave`. */
  leave(): Promise<void>;
  /** Gives the file of the embedded database back, once nothing uses it. */
  unlock(): void;
}

/** Loads only the driver that is needed. Throws an OperatorError if the database cannot be used. */
export async function openEngine(target: DatabaseAddress, options: EngineOptions): Promise<Engine> {
  if (target.kind === "postgres") {
    const { connectPostgres } = await import("./postgres/dialect.ts");
    const connected = await connectPostgres({ ...options, url: target.url });
    return { ...connected, unlock: () => {} };
  }
  const { sqliteDialect } = await import("./sqlite/dialect.ts");
  const path = target.path === inMemory ? inMemory : prepareFile(target.path);
  const lock = path === inMemory || options.secondary ? undefined : lockForThisProcess(path);
  const { dialect, direct } = sqliteDialect({ ...options, path });
  return { dialect, direct, leave: async () => {}, unlock: () => lock?.release() };
}
