/**
 * Removes many rows a slice at a time, since on SQLite a statement blocks the thread that answers requests. How long a
 * slice took determines the size of the next one.
 */
import { setTimeout as pause } from "node:timers/promises";
import { type RawBuilder, sql } from "kysely";
import type { Db } from "./db.ts";
import { type ExpiringTable, growth, type Table } from "./growth.ts";

/** Rows per slice: the first one's number, the fewest worth a statement, and the most. */
export const sliceRows = { first: 200, least: 25, most: 5_000 };
/** Target duration of a slice in milliseconds; it should never take twice as long. */
const sliceMs = 10;
/**
 * After each slice the work rests for several times as long: others get most of the thread, and the checkpoint thread
 * of SQLite keeps up. Without the rest the connection had to do checkpoints between two slices, for 30 ms each. The
 * rest is at most half a second, since stopping the server waits for it.
 */
const rest = { times: 3, mostMs: 500 };

/** Controls the size of slices and the rest between them. */
export class Pace {
  rows = sliceRows.first;
  readonly #elapsed: () => number;
  readonly #pause: (ms: number) => Promise<unknown>;
  #took = 0;

  /** @param elapsed monotonic milliseconds */
  constructor(
    elapsed: () => number = () => performance.now(),
    wait: (ms: number) => Promise<unknown> = pause,
  ) {
    this.#elapsed = elapsed;
    this.#pause = wait;
  }

  /** Rests for as long as the last slice requires. */
  async rest(): Promise<void> {
    await this.#pause(Math.min(this.#took * rest.times, rest.mostMs));
  }

  /** Runs a slice and adapts the size of the next one. */
  async measured(slice: (limit: number) => Promise<number>): Promise<number> {
    const began = this.#elapsed();
    const { rows } = this;
    const removed = await slice(rows);
    this.#took = this.#elapsed() - began;
    const took = Math.max(this.#took, sliceMs / 100);
    // The duration of a slice that was not full says little.
    if (removed === rows || took > sliceMs) this.#follow(took);
    return removed;
  }

  /** Grows by half at most: a table with larger rows comes without warning. */
  #follow(took: number): void {
    const factor = Math.min(sliceMs / took, 1.5);
    this.rows = Math.round(Math.min(Math.max(this.rows * factor, sliceRows.least), sliceRows.most));
  }
}

export interface SliceOptions {
  readonly pace?: Pace;
  /** Returning false ends the work after the current slice. */
  readonly goesOn?: () => boolean;
}

/** Removes or changes up to `limit` rows by one statement, and returns how many. */
export type Slice = (db: Db, limit: number) => Promise<number>;

/**
 * Runs slices until nothing is left. Each slice has its own connection, so that only the statement is measured, without
 * waiting for others or for the disk, which blocks nobody. Others get a turn in between.
 */
export async function inSlices(db: Db, slice: Slice, options: SliceOptions = {}): Promise<void> {
  const { pace = new Pace(), goesOn = () => true } = options;
  while (goesOn()) {
    const limit = pace.rows;
    const removed = await db.kysely
      .connection()
      .execute((kysely) => pace.measured((rows) => slice({ ...db, kysely }, rows)));
    if (removed < limit) return;
    await pace.rest();
  }
}

/** The primary keys, after `pool_id`, of the tables whose rows do not expire by themselves (growth.ts has the others). */
const keysOfOwned = {
  auth_events: ["user_number", "event_id"],
  branding_assets: ["client_id", "category", "color_mode", "resource_id"],
  branding_styles: ["style_id"],
  client_secrets: ["client_id", "secret_id"],
  clients: ["client_id"],
  credentials: ["user_number"],
  devices: ["user_id", "device_key"],
  domains: ["domain"],
  group_members: ["user_id", "group_name"],
  groups: ["group_name"],
  identity_logins: ["login_key"],
  identity_providers: ["provider_name"],
  linked_identities: ["provider_name", "identity_key"],
  login_names: ["name_key"],
  passkeys: ["credential_id"],
  provider_identifiers: ["identifier_key"],
  resource_servers: ["identifier"],
  saml_keys: ["provider_name"],
  saml_metadata: ["provider_name"],
  signing_keys: ["kid"],
  software_tokens: ["user_id"],
  terms: ["terms_id"],
  ui_customizations: ["client_id"],
  ui_images: ["client_id"],
  users: ["number"],
} as const satisfies Partial<Record<Table, readonly string[]>>;

type OwnedTable = keyof typeof keysOfOwned;

/** A table whose primary key begins with `pool_id`. */
export type PoolTable = OwnedTable | ExpiringTable;

/** The columns of a table's primary key after `pool_id`. */
export const keyOf = (table: PoolTable): readonly string[] =>
  table in keysOfOwned ? keysOfOwned[table as OwnedTable] : growth[table as ExpiringTable].removed.key;

/**
 * A slice that deletes rows of a pool, each by its key.
 * @param which a condition that an index on `pool_id` and what it compares answers
 * @param unless a condition under which nothing may be deleted any more
 */
export function deleting(
  table: PoolTable,
  poolId: string,
  which: RawBuilder<unknown> = sql`true`,
  unless: RawBuilder<unknown> = sql`false`,
): Slice {
  const columns = sql.join(keyOf(table).map((column) => sql.ref(column)));
  return async ({ kysely }, limit) => {
    // Not a prepared statement: PostgreSQL seeks only if it knows the limit.
    const { numAffectedRows = 0n } = await sql`delete from ${sql.table(table)} where pool_id = ${poolId}
      and (${columns}) in (select ${columns} from ${sql.table(table)}
        where pool_id = ${poolId} and ${which} limit ${limit})
      and not (${unless})`.execute(kysely);
    return Number(numAffectedRows);
  };
}
