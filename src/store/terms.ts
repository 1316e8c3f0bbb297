/** Rows of the terms that a client's pages link to. */
import { holdClient } from "./clients.ts";
import { type Db, inTransaction } from "./db.ts";
import { orUnchanged } from "./engine/sql.ts";
import { lookup, prepared, preparedWrite, slots } from "./prepared.ts";
import type { TermsTable } from "./schema/schema-hosting.ts";

export interface Terms {
  readonly poolId: string;
  readonly termsId: string;
  readonly clientId: string;
  readonly name: string;
  readonly source: "LINK";
  readonly enforcement: "NONE";
  /** URLs by language. */
  readonly links: Readonly<Record<string, string>>;
  readonly createdAt: number;
  readonly updatedAt: number;
}

type TermsKey = Pick<Terms, "poolId" | "termsId">;

function fromRow(row: TermsTable): Terms {
  return {
    poolId: row.pool_id,
    termsId: row.terms_id,
    clientId: row.client_id,
    name: row.name,
    source: row.source as Terms["source"],
    enforcement: row.enforcement as Terms["enforcement"],
    links: JSON.parse(row.links),
    createdAt: Number(row.created_at),
    updatedAt: Number(row.updated_at),
  };
}

const insertQuery = preparedWrite<TermsTable>((kysely, slot) =>
  kysely
    .insertInto("terms")
    .values(
      slots(slot, [
        "pool_id",
        "terms_id",
        "client_id",
        "name",
        "source",
        "enforcement",
        "links",
        "created_at",
        "updated_at",
      ]),
    )
    .onConflict((conflict) => conflict.columns(["pool_id", "client_id", "name"]).doNothing()),
);

/** Adds terms. `exists`: the client has terms of this name. `no-client`: the client is gone. */
export function insertTerms(db: Db, terms: Terms): Promise<"added" | "exists" | "no-client"> {
  return inTransaction(db, async (tx) => {
    if (!(await holdClient(tx, terms.poolId, terms.clientId))) return "no-client";
    const added = await insertQuery(tx, {
      pool_id: terms.poolId,
      terms_id: terms.termsId,
      client_id: terms.clientId,
      name: terms.name,
      source: terms.source,
      enforcement: terms.enforcement,
      links: JSON.stringify(terms.links),
      created_at: terms.createdAt,
      updated_at: terms.updatedAt,
    });
    return added === 0 ? "exists" : "added";
  });
}

const readQuery = prepared<TermsKey, TermsTable>((kysely, slot) =>
  kysely
    .selectFrom("terms")
    .selectAll()
    .where("pool_id", "=", slot("poolId"))
    .where("terms_id", "=", slot("termsId")),
);

/** Terms by their id; undefined if the pool has none of it. */
export async function readTerms(db: Db, poolId: string, termsId: string): Promise<Terms | undefined> {
  const [row] = await readQuery(db, { poolId, termsId });
  return row && fromRow(row);
}

const readOfClientQuery = lookup<{ poolId: string; clientId: string }, TermsTable>((kysely, slot) =>
  kysely
    .selectFrom("terms")
    .selectAll()
    .where("pool_id", "=", slot("poolId"))
    .where("client_id", "=", slot("clientId"))
    .orderBy("name"),
);

/** A client's terms by name. */
export async function readTermsOfClient(db: Db, poolId: string, clientId: string): Promise<Terms[]> {
  const rows = await readOfClientQuery(db, { poolId, clientId });
  return rows.map(fromRow);
}

/** What is null stays as it is. */
interface TermsChange extends TermsKey {
  readonly name: string | null;
  readonly links: string | null;
  readonly now: number;
}

const updateQuery = prepared<TermsChange, TermsTable>((kysely, slot) =>
  kysely
    .updateTable("terms")
    .set({
      updated_at: slot("now"),
      name: orUnchanged(slot("name"), "name"),
      links: orUnchanged(slot("links"), "links"),
    })
    .where("pool_id", "=", slot("poolId"))
    .where("terms_id", "=", slot("termsId"))
    .returningAll(),
);

/**
 * Updates the given properties; undefined leaves a value unchanged. Returns the updated terms, or undefined if there
 * are none. Throws a unique violation if the client has other terms of that name.
 */
export async function updateTerms(
  db: Db,
  change: {
    readonly poolId: string;
    readonly termsId: string;
    readonly name: string | undefined;
    readonly links: Terms["links"] | undefined;
    readonly now: number;
  },
): Promise<Terms | undefined> {
  const { poolId, termsId, name = null, links, now } = change;
  const text = links === undefined ? null : JSON.stringify(links);
  const [row] = await updateQuery(db, { poolId, termsId, name, links: text, now });
  return row && fromRow(row);
}

const deleteQuery = preparedWrite<TermsKey>((kysely, slot) =>
  kysely.deleteFrom("terms").where("pool_id", "=", slot("poolId")).where("terms_id", "=", slot("termsId")),
);

/** Deletes terms. Returns false if there were none. */
export async function deleteTerms(db: Db, poolId: string, termsId: string): Promise<boolean> {
  const deleted = await deleteQuery(db, { poolId, termsId });
  return deleted === 1;
}

const listQuery = prepared<{ poolId: string; after: string; limit: number }, TermsTable>((kysely, slot) =>
  kysely
    .selectFrom("terms")
    .selectAll()
    .where("pool_id", "=", slot("poolId"))
    .where("terms_id", ">", slot("after"))
    .orderBy("terms_id")
    .limit(slot("limit")),
);

/** A page of a pool's terms by id, beginning after the given id. */
export async function listTerms(
  db: Db,
  poolId: string,
  page: { after: string; limit: number },
): Promise<Terms[]> {
  const rows = await listQuery(db, { poolId, ...page });
  return rows.map(fromRow);
}
