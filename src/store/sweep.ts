/** Removes what has expired, a little at a time, so that no table grows with what is past. */
import { uuid7Floor } from "../lib/uuid7.ts";
import { sweepAuditEvents } from "./audit.ts";
import { sweepAuthEvents } from "./auth-events.ts";
import type { Db } from "./db.ts";
import type { StoreLog } from "./log.ts";
import { sweepSigningKeys } from "./signing-keys.ts";
import { takingItsTime } from "./time-limit.ts";

/** How long each kind of row is kept after its time. Tokens of a family may outlive its refresh token by a day. */
const day = 24 * 60 * 60 * 1000;
const keptAfterExpiry = {
  sign_ins: 0,
  codes: day,
  attempts: 0,
  known_sources: 0,
  token_families: 2 * day,
  outbox: 0,
  token_sessions: 0,
  // Codes that came through one are good while it is there, for five minutes.
  browser_sessions: 5 * 60_000,
  // Who brings a used one again loses the tokens minted from it.
  authorization_codes: day,
} as const;

const every = 60_000;

/** Deletes all expired rows. Two servers may sweep at once. */
export async function sweep(db: Db, now: number): Promise<void> {
  for (const [table, kept] of Object.entries(keptAfterExpiry) as [keyof typeof keptAfterExpiry, number][]) {
    await db.kysely
      .deleteFrom(table)
      .where("expires_at", "<", now - kept)
      .execute();
  }
  await sweepSigningKeys(db, now);
}

/** Rows of one statement: what runs on the JavaScript thread must be short. */
const eventBatch = 500;
/** Of one sweep; the rest is for the next. */
const eventBatches = 200;

/** How many days events are kept. */
export interface Retention {
  readonly audit: number;
  readonly auth: number;
}

/** Removes events that are over their time. */
export async function sweepEvents(db: Db, now: number, retention: Retention): Promise<void> {
  await sweepBefore(sweepAuditEvents, db, now - retention.audit * day);
  await sweepBefore(sweepAuthEvents, db, now - retention.auth * day);
}

async function sweepBefore(sweepSome: typeof sweepAuditEvents, db: Db, time: number): Promise<void> {
  const before = uuid7Floor(time);
  for (let done = 0; done < eventBatches; done++) {
    if ((await sweepSome(db, before, eventBatch)) < eventBatch) return;
  }
}

/** Sweeps once a minute until stopped. */
export function startSweeper(
  db: Db,
  options: { clock: () => number; log: StoreLog; retention: Retention },
): { stop(): Promise<void> } {
  let running: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    running = takingItsTime(async () => {
      await sweep(db, options.clock());
      await sweepEvents(db, options.clock(), options.retention);
    }).catch((error: unknown) => options.log.warn({ err: error }, "sweep failed"));
  }, every);
  timer.unref();
  return {
    stop: async () => {
      clearInterval(timer);
      await running;
    },
  };
}
