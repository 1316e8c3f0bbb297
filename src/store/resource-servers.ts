/**
 * Rows of resource servers. Identifiers sort by bytes. Each change increments the pool's version, by which servers know
 * whether their cached resource servers are current.
 */

import { type Db, inTransaction } from "./db.ts";
import { affected } from "./engine/transaction.ts";
import type { ResourceServersTable } from "./schema/schema-hosting.ts";
import { raisePool } from "./user-pools.ts";

interface Scope {
  readonly name: string;
  readonly description: string;
}

export interface ResourceServer {
  readonly poolId: string;
  readonly identifier: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
}

function fromRow(row: ResourceServersTable): ResourceServer {
  const { pool_id: poolId, identifier, name } = row;
  return { poolId, identifier, name, scopes: JSON.parse(row.scopes) };
}

/** Adds a resource server. `exists`: the identifier is taken. `no-pool`: the pool is gone. */
export function insertResourceServer(
  db: Db,
  server: ResourceServer & { readonly now: number },
): Promise<"added" | "exists" | "no-pool"> {
  return inTransaction(db, async (tx) => {
    if (!(await raisePool(tx, server.poolId))) return "no-pool";
    const result = await tx.kysely
      .insertInto("resource_servers")
      .values({
        pool_id: server.poolId,
        identifier: server.identifier,
        name: server.name,
        scopes: JSON.stringify(server.scopes),
        created_at: server.now,
        updated_at: server.now,
      })
      .onConflict((conflict) => conflict.columns(["pool_id", "identifier"]).doNothing())
      .executeTakeFirst();
    return affected(result) === 0 ? "exists" : "added";
  });
}

export async function readResourceServer(
  db: Db,
  poolId: string,
  identifier: string,
): Promise<ResourceServer | undefined> {
  const [found] = await readResourceServers(db, poolId, [identifier]);
  return found;
}

/** The resource servers of these identifiers that exist. */
export async function readResourceServers(
  db: Db,
  poolId: string,
  identifiers: readonly string[],
): Promise<ResourceServer[]> {
  if (identifiers.length === 0) return [];
  const rows = await db.kysely
    .selectFrom("resource_servers")
    .selectAll()
    .where("pool_id", "=", poolId)
    .where("identifier", "in", identifiers)
    .execute();
  return rows.map(fromRow);
}

/** Replaces name and scopes. Returns false if there is no such resource server. */
export function updateResourceServer(
  db: Db,
  server: ResourceServer & { readonly now: number },
): Promise<boolean> {
  const { poolId, identifier, name, scopes, now } = server;
  return inTransaction(db, async (tx) => {
    const result = await tx.kysely
      .updateTable("resource_servers")
      .set({ name, scopes: JSON.stringify(scopes), updated_at: now })
      .where("pool_id", "=", poolId)
      .where("identifier", "=", identifier)
      .executeTakeFirst();
    return affected(result) === 1 && raisePool(tx, poolId);
  });
}

export function deleteResourceServer(db: Db, poolId: string, identifier: string): Promise<boolean> {
  return inTransaction(db, async (tx) => {
    const result = await tx.kysely
      .deleteFrom("resource_servers")
      .where("pool_id", "=", poolId)
      .where("identifier", "=", identifier)
      .executeTakeFirst();
    return affected(result) === 1 && raisePool(tx, poolId);
  });
}

/** A page of a pool's resource servers by identifier, beginning after the given identifier. */
export async function listResourceServers(
  db: Db,
  poolId: string,
  page: { after: string; limit: number },
): Promise<ResourceServer[]> {
  const rows = await db.kysely
    .selectFrom("resource_servers")
    .selectAll()
    .where("pool_id", "=", poolId)
    .where("identifier", ">", page.after)
    .orderBy("identifier")
    .limit(page.limit)
    .execute();
  return rows.map(fromRow);
}
