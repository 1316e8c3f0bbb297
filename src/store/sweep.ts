/**
 * Removes what has expired, a slice at a time: on SQLite a statement holds the thread that answers requests. How many rows
 * a slice has follows from how long the one before it took. What one sweep leaves, the next one finds.
 */
import { setTimeout as pause } from "node:timers/promises";
import { type RawBuilder, sql } from "kysely";
import { uuid7Floor } from "../lib/uuid.ts";
import { sweepAuditEvents } from "./audit.ts";
import { sweepAuthEvents } from "./auth-events.ts";
import type { Db } from "./db.ts";
import type { StoreLog } from "./engine/log.ts";
import { takingItsTime } from "./engine/postgres/time-limit.ts";
import { growth, type Removal, tables } from "./growth.ts";
import { sweepSigningKeys } from "./signing-keys.ts";

const day = 24 * 60 * 60 * 1000;
const every = 60_000;

/** Rows of a slice: the first has the fewest that are worth a statement. */
export const sliceRows = { first: 200, least: 25, most: 5_000 };
/** Milliseconds that a slice is to take; it should never take twice as long. */
const sliceMs = 10;
/**
 * After each slice the sweep rests for so many times as long: others have most of the thread, and the write-ahead log of
 * SQLite is carried over by the thread that is there for it. A sweep without rest outran that one, and its connection did
 * the work between two slices, for 30 ms. Not longer than half a second, since whoever stops the server waits for it.
 */
const rest = { times: 3, mostMs: 500 };

/** How large slices are, and how long the sweep rests in between. */
export class Pace {
  rows = sliceRows.first;
  readonly #elapsed: () => number;
  readonly #pause: (ms: number) => Promise<unknown>;
  #took = 0;

  /** @param elapsed milliseconds since whenever */
  constructor(
    elapsed: () => number = () => performance.now(),
    wait: (ms: number) => Promise<unknown> = pause,
  ) {
    this.#elapsed = elapsed;
    this.#pause = wait;
  }

  /** Lets others go on, for as long as the last slice makes necessary. */
  async rest(): Promise<void> {
    await this.#pause(Math.min(this.#took * rest.times, rest.mostMs));
  }

  /** Does a slice, and makes the next one larger or smaller. */
  async measured(slice: (limit: number) => Promise<number>): Promise<number> {
    const began = this.#elapsed();
    const { rows } = this;
    const removed = await slice(rows);
    this.#took = this.#elapsed() - began;
    const took = Math.max(this.#took, sliceMs / 100);
    // Of a slice that was not full the time says little.
    if (removed === rows || took > sliceMs) this.#follow(took);
    return removed;
  }

  /** Half as large again at most: a table whose rows are larger comes unannounced. */
  #follow(took: number): void {
    const factor = Math.min(sliceMs / took, 1.5);
    this.rows = Math.round(Math.min(Math.max(this.rows * factor, sliceRows.least), sliceRows.most));
  }
}

export interface SweepOptions {
  readonly pace?: Pace;
  /** False ends the sweep after the slice at hand. */
  readonly goesOn?: () => boolean;
}

type Slice = (db: Db, limit: number) => Promise<number>;

/** Deletes all expired rows. Two servers may sweep at once. */
export async function sweep(db: Db, now: number, options: SweepOptions = {}): Promise<void> {
  for (const table of tables) {
    const removal: Removal = growth[table].removed;
    if (removal.by === "expiry") await inSlices(db, expired(table, removal, now), options);
  }
  await sweepSigningKeys(db, now);
}

/** How many days events are kept. */
export interface Retention {
  readonly audit: number;
  readonly auth: number;
}

/** Removes events that are over their time. */
export async function sweepEvents(
  db: Db,
  now: number,
  retention: Retention,
  options: SweepOptions = {},
): Promise<void> {
  const before = (days: number) => uuid7Floor(now - days * day);
  await inSlices(db, (one, limit) => sweepAuditEvents(one, before(retention.audit), limit), options);
  await inSlices(db, (one, limit) => sweepAuthEvents(one, before(retention.auth), limit), options);
}

function expired(table: string, removal: Extract<Removal, { by: "expiry" }>, now: number): Slice {
  const before = now - removal.keptMs;
  return async ({ kysely }, limit) => {
    const { numAffectedRows = 0n } = await expiredRows(table, removal.key, { before, limit }).execute(kysely);
    return Number(numAffectedRows);
  };
}

/**
 * The statement of a slice, the oldest rows first: a seek in the index of `expires_at`, and one a row by its key. A row
 * that was written anew meanwhile (a counter that starts again) stays: PostgreSQL looks once more at the condition
 * outside. The plus keeps that from being what the rows are looked up by.
 */
export function expiredRows(
  table: string,
  key: readonly string[],
  { before, limit }: { readonly before: number; readonly limit: number },
): RawBuilder<unknown> {
  const columns = sql.join(key.map((column) => sql.ref(column)));
  return sql`delete from ${sql.table(table)} where (${columns}) in (select ${columns} from ${sql.table(table)}
    where expires_at < ${before} order by expires_at limit ${limit}) and +expires_at < ${before}`;
}

/**
 * Until nothing is left. Each slice has a connection of its own, so that what is measured is the statement: neither the
 * wait for others nor that for the disk, which holds nobody up. In between everybody else has a turn.
 */
async function inSlices(db: Db, slice: Slice, options: SweepOptions): Promise<void> {
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

/** Sweeps once a minute until stopped. */
export function startSweeper(
  db: Db,
  options: { clock: () => number; log: StoreLog; retention: Retention },
): { stop(): Promise<void> } {
  const { clock, log, retention } = options;
  let running: Promise<void> | undefined;
  let stopped = false;
  const pace = new Pace();
  const once = async () => {
    const goesOn = () => !stopped;
    await sweep(db, clock(), { pace, goesOn });
    await sweepEvents(db, clock(), retention, { pace, goesOn });
  };
  const timer = setInterval(() => {
    running ??= takingItsTime(once)
      .catch((error: unknown) => log.warn({ err: error }, "sweep failed"))
      .finally(() => {
        running = undefined;
      });
  }, every);
  timer.unref();
  return {
    stop: async () => {
      stopped = true;
      clearInterval(timer);
      await running;
    },
  };
}
