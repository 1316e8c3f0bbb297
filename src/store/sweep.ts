/** Removes expired rows a slice at a time (slices.ts). What one sweep leaves, the next one finds. */
import { setImmediate } from "node:timers/promises";
import { type RawBuilder, sql } from "kysely";
import { uuid7Floor } from "../lib/uuid.ts";
import { sweepAuditEvents } from "./audit.ts";
import { hasAuthEvents, sweepAuthEvents } from "./auth-events.ts";
import type { Db } from "./db.ts";
import type { StoreLog } from "./engine/log.ts";
import { withoutTimeLimit } from "./engine/postgres/time-limit.ts";
import { type ExpiringTable, expiringTables, growth } from "./growth.ts";
import { emptyPool } from "./pool-removal.ts";
import { prepared } from "./prepared.ts";
import { sweepRetiredNames } from "./retired-names.ts";
import { identityPoolsOwner, sweepSigningKeys } from "./signing-keys.ts";
import { inSlices, Pace, type Slice, type SliceOptions } from "./slices.ts";
import { listPoolIds, type SweptPool } from "./user-pools.ts";

const day = 24 * 60 * 60 * 1000;
const every = 60_000;

/** Deletes all expired rows, pool by pool. Two servers may sweep at once. */
export async function sweep(db: Db, now: number, options: SliceOptions = {}): Promise<void> {
  await forEachPool(db, options, async ({ poolId, isGone }) => {
    if (isGone) await emptyPool(db, poolId, options);
    for (const table of await tablesWithExpired(db, poolId, now))
      await inSlices(db, expired(table, { poolId, now }), options);
    await sweepSigningKeys(db, poolId, now);
  });
  await sweepSigningKeys(db, identityPoolsOwner, now);
  await sweepRetiredNames(db, now);
}

/** How many days events are kept. */
export interface Retention {
  readonly audit: number;
  readonly auth: number;
}

/** Removes events older than their retention. */
export async function sweepEvents(
  db: Db,
  now: number,
  retention: Retention,
  options: SliceOptions = {},
): Promise<void> {
  const before = (days: number) => uuid7Floor(now - days * day);
  // Not pool by pool: an administrator's call that names a pool which never existed leaves an event as well.
  await inSlices(db, (one, limit) => sweepAuditEvents(one, before(retention.audit), limit), options);
  await forEachPool(db, options, async ({ poolId }) => {
    if (!(await hasAuthEvents(db, poolId, before(retention.auth)))) return;
    await inSlices(db, (one, limit) => sweepAuthEvents(one, poolId, before(retention.auth), limit), options);
  });
}

/** Pools per turn of the event loop: on SQLite a statement blocks the thread. */
const poolsPerTurn = 20;

/** Calls `visit` for every pool, and for deleted ones, of which a late request may have left something. */
async function forEachPool(
  db: Db,
  { goesOn = () => true }: SliceOptions,
  visit: (pool: SweptPool) => Promise<void>,
): Promise<void> {
  for (let after = ""; ; ) {
    const pools = await listPoolIds(db, { after, limit: poolsPerTurn });
    for (const pool of pools) {
      if (!goesOn()) return;
      await visit(pool);
    }
    const last = pools.at(-1);
    if (last === undefined || pools.length < poolsPerTurn) return;
    after = last.poolId;
    await setImmediate();
  }
}

const bounds = (now: number) =>
  Object.fromEntries(expiringTables.map((table) => [table, now - growth[table].removed.keptMs]));

const expiredQuery = prepared<Record<string, string | number>, Record<string, unknown>>((kysely, slot) =>
  kysely.selectNoFrom((eb) =>
    expiringTables.map((table) =>
      eb
        .exists(
          eb
            .selectFrom(table)
            .select(sql.lit(1).as("one"))
            .where("pool_id", "=", slot("poolId") as string)
            .where("expires_at", "<", slot(table) as number),
        )
        .as(table),
    ),
  ),
);

/** The tables with expired rows of the pool, found by one statement. */
async function tablesWithExpired(db: Db, poolId: string, now: number): Promise<ExpiringTable[]> {
  const [found = {}] = await expiredQuery(db, { poolId, ...bounds(now) });
  return expiringTables.filter((table) => Boolean(found[table]));
}

function expired(table: ExpiringTable, { poolId, now }: { poolId: string; now: number }): Slice {
  const { key, keptMs } = growth[table].removed;
  const before = now - keptMs;
  return async ({ kysely }, limit) => {
    const statement = expiredRows(table, key, { poolId, before, limit });
    const { numAffectedRows = 0n } = await statement.execute(kysely);
    return Number(numAffectedRows);
  };
}

/**
 * The statement of a slice, oldest rows first: a seek in the index on `expires_at`, and one per row by its key. A row
 * that was written again meanwhile (a counter that restarts) stays: PostgreSQL rechecks the outer condition. The plus
 * keeps that condition from being used for the lookup.
 * @param key the columns of the primary key after `pool_id`
 */
export function expiredRows(
  table: ExpiringTable,
  key: readonly string[],
  { poolId, before, limit }: { readonly poolId: string; readonly before: number; readonly limit: number },
): RawBuilder<unknown> {
  const columns = sql.join(key.map((column) => sql.ref(column)));
  return sql`delete from ${sql.table(table)} where pool_id = ${poolId}
    and (${columns}) in (select ${columns} from ${sql.table(table)}
      where pool_id = ${poolId} and expires_at < ${before} order by expires_at limit ${limit})
    and +expires_at < ${before}`;
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
    running ??= withoutTimeLimit(once)
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
