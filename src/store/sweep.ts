/** Removes what has expired, a little at a time, so that no table grows with what is past. */
import type { Db } from "./db.ts";
import type { StoreLog } from "./log.ts";

/** How long each kind of row is kept after its time. Tokens of a family may outlive its refresh token by a day. */
const day = 24 * 60 * 60 * 1000;
const keptAfterExpiry = {
  sign_ins: 0,
  codes: day,
  attempts: 0,
  known_sources: 0,
  token_families: 2 * day,
  outbox: 0,
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
}

/** Sweeps once a minute until stopped. */
export function startSweeper(
  db: Db,
  options: { clock: () => number; log: StoreLog },
): { stop(): Promise<void> } {
  let running: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    running = sweep(db, options.clock()).catch((error: unknown) =>
      options.log.warn({ err: error }, "sweep failed"),
    );
  }, every);
  timer.unref();
  return {
    stop: async () => {
      clearInterval(timer);
      await running;
    },
  };
}
