/**
 * The public URL of servers that share a database: it is part of the tokens of every server, so they must agree on it.
 * The first start on PostgreSQL stores it, and every other start is checked against it. An SQLite file has a single
 * server, which may use any URL.
 */

import { OperatorError } from "../lib/operator-error.ts";
import type { Db } from "./db.ts";
import { writeMeta } from "./migrations/migrate.ts";
import { prepared, preparedWrite } from "./prepared.ts";

const key = "public_url";

const readQuery = prepared<Record<never, never>, { value: string }>((kysely) =>
  kysely.selectFrom("poolhouse_meta").select("value").where("key", "=", key),
);

/** The stored public URL of this database's servers, if any. */
export async function readPublicUrl(db: Db): Promise<string | undefined> {
  const [row] = await readQuery(db, {});
  return row?.value;
}

/** Changes the stored public URL, effective with the next start of each server. */
export async function changePublicUrl(db: Db, url: string): Promise<void> {
  await writeMeta(db.kysely, key, url);
}

const shareQuery = preparedWrite<{ url: string }>((kysely, slot) =>
  kysely
    .insertInto("poolhouse_meta")
    .values({ key, value: slot("url") })
    .onConflict((conflict) => conflict.doNothing()),
);

/**
 * Throws an OperatorError naming both URLs if the servers of this database use another one, or if nobody configured a URL
 * (`guessed`) for a server that others can reach: each server would guess a different one.
 */
export async function sharePublicUrl(
  db: Db,
  { url, guessed }: { url: string; guessed: boolean },
): Promise<void> {
  if (db.kind === "sqlite") return;
  if (guessed) {
    throw new OperatorError(
      "With PostgreSQL the public URL must be configured, the same for every server (POOLHOUSE_PUBLIC_URL).",
    );
  }
  let shared = await readPublicUrl(db);
  if (shared === undefined) {
    await shareQuery(db, { url });
    shared = await readPublicUrl(db);
  }
  if (shared === url) return;
  throw new OperatorError(
    `The servers of this database have the public URL ${shared}, this one has ${url}. Give all of them the same ` +
      "(POOLHOUSE_PUBLIC_URL); tokens carry it. To change it on purpose, stop them all and run `poolhouse public-url " +
      "--set` with the new one: access tokens issued under the old one are then refused, refresh tokens go on.",
  );
}
