/** Rows of resource servers. Identifiers sort by their bytes. */
import { affected, type Db, inTransaction } from "./db.ts";
import { holdPool } from "./pools.ts";
import { prepared } from "./prepared.ts";
import type { ResourceServersTable } from "./schema-hosting.ts";

export interface Scope {
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

/** Adds a resource server. `exists`: there is one of that identifier. `no-pool`: the pool is gone. */
export function insertResourceServer(
  db: Db,
  server: ResourceServer & { readonly now: number },
): Promise<"added" | "exists" | "no-pool"> {
  return inTransaction(db, async (tx) => {
    if ((await holdPool(tx, server.poolId)) === undefined) return "no-pool";
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

/** A token's scopes are of one resource server almost always. */
const selectOne = prepared<{ poolId: string; identifier: string }, ResourceServersTable>((kysely, slot) =>
  kysely
    .selectFrom("resource_servers")
    .selectAll()
    .where("pool_id", "=", slot("poolId"))
    .where("identifier", "=", slot("identifier")),
);

/** Those that exist. */
export async function readResourceServers(
  db: Db,
  poolId: string,
  identifiers: readonly string[],
): Promise<ResourceServer[]> {
  const [identifier, another] = identifiers;
  if (identifier === undefined) return [];
  if (another === undefined) return (await selectOne(db, { poolId, identifier })).map(fromRow);
  const rows = await db.kysely
    .selectFrom("resource_servers")
    .selectAll()
    .where("pool_id", "=", poolId)
    .where("identifier", "in", identifiers)
    .execute();
  return rows.map(fromRow);
}

/** Replaces name and scopes. False: there is none. */
export async function updateResourceServer(
  db: Db,
  server: ResourceServer & { readonly now: number },
): Promise<boolean> {
  const result = await db.kysely
    .updateTable("resource_servers")
    .set({ name: server.name, scopes: JSON.stringify(server.scopes), updated_at: server.now })
    .where("pool_id", "=", server.poolId)
    .where("identifier", "=", server.identifier)
    .executeTakeFirst();
  return affected(result) === 1;
}

export async function deleteResourceServer(db: Db, poolId: string, identifier: string): Promise<boolean> {
  const result = await db.kysely
    .deleteFrom("resource_servers")
    .where("pool_id", "=", poolId)
    .where("identifier", "=", identifier)
    .executeTakeFirst();
  return affected(result) === 1;
}

/** Resource servers of a pool in the order of their identifiers, after the given one. */
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
