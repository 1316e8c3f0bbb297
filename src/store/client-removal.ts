/** Removes app clients with everything that belongs to them, possibly the tokens of millions of sign-ins. */
import { sql } from "kysely";
import { type Db, inTransaction } from "./db.ts";
import { preparedWrite } from "./prepared.ts";
import { retireNames } from "./retired-names.ts";
import { deleting, inSlices, keyOf, type SliceOptions } from "./slices.ts";

/** Tables with a few rows of a client, which are found by it. */
const smallTables = [
  "client_pools",
  "client_secrets",
  "branding_styles",
  "branding_assets",
  "ui_customizations",
  "ui_images",
  "terms",
] as const;

/**
 * Tables with rows of a client that no index finds, since each sign-in would have to write into it: their rows are gone
 * through by the primary key.
 */
const largeTables = [
  "token_families",
  "token_sessions",
  "sign_ins",
  "federated_sign_ins",
  "authorization_codes",
] as const;

/** Every table besides `clients` whose rows belong to a client; deleting a client removes them. */
export const clientTables = [...smallTables, ...largeTables] as const;

interface ClientKey {
  readonly poolId: string;
  readonly clientId: string;
}

const deleteFrom = (table: "clients" | (typeof smallTables)[number]) =>
  preparedWrite<{ poolId: string; clientId: string }>((kysely, slot) =>
    kysely.deleteFrom(table).where("pool_id", "=", slot("poolId")).where("client_id", "=", slot("clientId")),
  );

const deleteQuery = deleteFrom("clients");
const emptyQueries = smallTables.map(deleteFrom);

/**
 * Deletes a client and retires its id: from then on its tokens and sign-ins count no more. They go afterwards, in slices. What a
 * crash leaves expires, and goes before another client of the pool gets this id (`insertClient`). Returns false if there was none.
 */
export async function deleteClient(db: Db, poolId: string, clientId: string, now: number): Promise<boolean> {
  const found = await inTransaction(db, async (tx) => {
    // The client's own row first: this waits for transactions that hold it, and later ones find no client.
    const deleted = await deleteQuery(tx, { poolId, clientId });
    await retireNames(tx, { kind: "client", poolId, name: clientId }, now);
    for (const empty of emptyQueries) await empty(tx, { poolId, clientId });
    return deleted === 1;
  });
  if (found) await emptyClient(db, poolId, clientId);
  return found;
}

/** Removes what is left of a deleted client. Does nothing to a client that is there. */
export async function emptyClient(
  db: Db,
  poolId: string,
  clientId: string,
  options: SliceOptions = {},
): Promise<void> {
  for (const table of largeTables) await removeFrom(db, table, { poolId, clientId }, options);
}

/** Goes through a pool's rows of a table, so many at a time, and deletes those of the client. */
async function removeFrom(
  db: Db,
  table: (typeof largeTables)[number],
  { poolId, clientId }: ClientKey,
  options: SliceOptions,
): Promise<void> {
  const [column = ""] = keyOf(table);
  const key = sql.ref(column);
  const there = sql`exists (select 1 from clients where pool_id = ${poolId} and client_id = ${clientId})`;
  let after = "";
  await inSlices(
    db,
    async (one, limit) => {
      const { rows } = await sql<{ last: string }>`select ${key} as last from ${sql.table(table)}
        where pool_id = ${poolId} and ${key} > ${after} order by ${key} limit 1 offset ${limit - 1}`.execute(
        one.kysely,
      );
      const last = rows[0]?.last;
      const until = last === undefined ? sql`` : sql`and ${key} <= ${last}`;
      const which = sql`${key} > ${after} ${until} and client_id = ${clientId}`;
      await deleting(table, poolId, which, there)(one, limit);
      if (last === undefined) return 0;
      after = last;
      return limit;
    },
    options,
  );
}
