/**
 * The public URL stands in the tokens of every server, so that servers which share a database must share it. The first
 * start on PostgreSQL writes it down, and every other is held against it. An SQLite file has one server, which may call
 * itself as it likes.
 */
import type { Db } from "./db.ts";
import { writeMeta } from "./migrations/migrate.ts";

const key = "public_url";

/** The URL of the servers of this database, if one was written down. */
export async function readPublicUrl(db: Db): Promise<string | undefined> {
  const row = await db.kysely
    .selectFrom("poolhouse_meta")
    .select("value")
    .where("key", "=", key)
    .executeTakeFirst();
  return row?.value;
}

/** From the next start of each server on. */
export async function changePublicUrl(db: Db, url: string): Promise<void> {
  await writeMeta(db.kysely, key, url);
}

/**
 * Throws Error, which names both URLs, when the servers of this database go by another one; and when nobody configured
 * a URL (`guessed`) for a server that others can reach: each would guess its own.
 */
export async function sharePublicUrl(
  db: Db,
  { url, guessed }: { url: string; guessed: boolean },
): Promise<void> {
  if (db.kind === "sqlite") return;
  if (guessed) {
    throw new Error(
      "With PostgreSQL the public URL must be configured, the same for every server (POOLHOUSE_PUBLIC_URL).",
    );
  }
  await db.kysely
    .insertInto("poolhouse_meta")
    .values({ key, value: url })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const shared = await readPublicUrl(db);
  if (shared === url) return;
  throw new Error(
    `The servers of this database have the public URL ${shared}, this one has ${url}. Give all of them the same ` +
      "(POOLHOUSE_PUBLIC_URL); tokens carry it. To change it on purpose, stop them all and run `poolhouse public-url " +
      "--set` with the new one: access tokens issued under the old one are then refused, refresh tokens go on.",
  );
}
