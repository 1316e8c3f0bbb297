/** Rows of the terms that a client's pages link to. */
import { holdClient } from "./clients.ts";
import { type Db, inTransaction } from "./db.ts";
import { affected } from "./engine/transaction.ts";
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

/** Adds terms. `exists`: the client has terms of this name. `no-client`: the client is gone. */
export function insertTerms(db: Db, terms: Terms): Promise<"added" | "exists" | "no-client"> {
  return inTransaction(db, async (tx) => {
    if (!(await holdClient(tx, terms.poolId, terms.clientId))) return "no-client";
    const result = await tx.kysely
      .insertInto("terms")
      .values({
        pool_id: terms.poolId,
        terms_id: terms.termsId,
        client_id: terms.clientId,
        name: terms.name,
        source: terms.source,
        enforcement: terms.enforcement,
        links: JSON.stringify(terms.links),
        created_at: terms.createdAt,
        updated_at: terms.updatedAt,
      })
      .onConflict((conflict) => conflict.columns(["pool_id", "client_id", "name"]).doNothing())
      .executeTakeFirst();
    return affected(result) === 0 ? "exists" : "added";
  });
}

export async function readTerms(db: Db, poolId: string, termsId: string): Promise<Terms | undefined> {
  const row = await db.kysely
    .selectFrom("terms")
    .selectAll()
    .where("pool_id", "=", poolId)
    .where("terms_id", "=", termsId)
    .executeTakeFirst();
  return row && fromRow(row);
}

/** A client's terms by name. */
export async function readTermsOfClient(db: Db, poolId: string, clientId: string): Promise<Terms[]> {
  const rows = await db.kysely
    .selectFrom("terms")
    .selectAll()
    .where("pool_id", "=", poolId)
    .where("client_id", "=", clientId)
    .orderBy("name")
    .execute();
  return rows.map(fromRow);
}

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
  const row = await db.kysely
    .updateTable("terms")
    .set({
      updated_at: change.now,
      ...(change.name !== undefined && { name: change.name }),
      ...(change.links !== undefined && { links: JSON.stringify(change.links) }),
    })
    .where("pool_id", "=", change.poolId)
    .where("terms_id", "=", change.termsId)
    .returningAll()
    .executeTakeFirst();
  return row && fromRow(row);
}

/** Deletes terms. Returns false if there were none. */
export async function deleteTerms(db: Db, poolId: string, termsId: string): Promise<boolean> {
  const result = await db.kysely
    .deleteFrom("terms")
    .where("pool_id", "=", poolId)
    .where("terms_id", "=", termsId)
    .executeTakeFirst();
  return affected(result) === 1;
}

/** A page of a pool's terms by id, beginning after the given id. */
export async function listTerms(
  db: Db,
  poolId: string,
  page: { after: string; limit: number },
): Promise<Terms[]> {
  const rows = await db.kysely
    .selectFrom("terms")
    .selectAll()
    .where("pool_id", "=", poolId)
    .where("terms_id", ">", page.after)
    .orderBy("terms_id")
    .limit(page.limit)
    .execute();
  return rows.map(fromRow);
}
