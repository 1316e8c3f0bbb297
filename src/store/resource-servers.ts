/**
 * Rows of resource servers. Identifiers sort by bytes. Each change increments the pool's version, by which servers know
 * whether their cached resource servers are current.
 */

import type { Kysely } from "kysely";
import { type Db, inTransaction } from "./db.ts";
import {
  isShort,
  type ListSlots,
  listed,
  listValues,
  lookup,
  prepared,
  preparedWrite,
  slots,
} from "./prepared.ts";
import type { Schema } from "./schema/schema.ts";
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

type ServerKey = Pick<ResourceServer, "poolId" | "identifier">;

function fromRow(row: ResourceServersTable): ResourceServer {
  const { pool_id: poolId, identifier, name } = row;
  return { poolId, identifier, name, scopes: JSON.parse(row.scopes) };
}

const insertQuery = preparedWrite<ResourceServersTable>((kysely, slot) =>
  kysely
    .insertInto("resource_servers")
    .values(slots(slot, ["pool_id", "identifier", "name", "scopes", "created_at", "updated_at"]))
    .onConflict((conflict) => conflict.columns(["pool_id", "identifier"]).doNothing()),
);

/** Adds a resource server. `exists`: the identifier is taken. `no-pool`: the pool is gone. */
export function insertResourceServer(
  db: Db,
  server: ResourceServer & { readonly now: number },
): Promise<"added" | "exists" | "no-pool"> {
  return inTransaction(db, async (tx) => {
    if (!(await raisePool(tx, server.poolId))) return "no-pool";
    const added = await insertQuery(tx, {
      pool_id: server.poolId,
      identifier: server.identifier,
      name: server.name,
      scopes: JSON.stringify(server.scopes),
      created_at: server.now,
      updated_at: server.now,
    });
    return added === 0 ? "exists" : "added";
  });
}

const readQuery = lookup<ServerKey, ResourceServersTable>((kysely, slot) =>
  kysely
    .selectFrom("resource_servers")
    .selectAll()
    .where("pool_id", "=", slot("poolId"))
    .where("identifier", "=", slot("identifier")),
);

/** A resource server by its identifier; undefined if the pool has none of it. */
export async function readResourceServer(
  db: Db,
  poolId: string,
  identifier: string,
): Promise<ResourceServer | undefined> {
  const [row] = await readQuery(db, { poolId, identifier });
  return row && fromRow(row);
}

const selectSome = (kysely: Kysely<Schema>, poolId: string, identifiers: readonly string[]) =>
  kysely
    .selectFrom("resource_servers")
    .selectAll()
    .where("pool_id", "=", poolId)
    .where("identifier", "in", identifiers);

const readSomeQuery = lookup<{ poolId: string } & ListSlots, ResourceServersTable>((kysely, slot) =>
  selectSome(kysely, slot("poolId"), listed<string>(slot)),
);

/** The resource servers of these identifiers that exist. */
export async function readResourceServers(
  db: Db,
  poolId: string,
  identifiers: readonly string[],
): Promise<ResourceServer[]> {
  if (identifiers.length === 0) return [];
  const rows = isShort(identifiers)
    ? await readSomeQuery(db, { poolId, ...listValues(identifiers) })
    : await selectSome(db.kysely, poolId, identifiers).execute();
  return rows.map(fromRow);
}

const updateQuery = preparedWrite<ServerKey & Pick<ResourceServersTable, "name" | "scopes" | "updated_at">>(
  (kysely, slot) =>
    kysely
      .updateTable("resource_servers")
      .set(slots(slot, ["name", "scopes", "updated_at"]))
      .where("pool_id", "=", slot("poolId"))
      .where("identifier", "=", slot("identifier")),
);

/** Replaces name and scopes. Returns false if there is no such resource server. */
export function updateResourceServer(
  db: Db,
  server: ResourceServer & { readonly now: number },
): Promise<boolean> {
  const { poolId, identifier, name, scopes, now } = server;
  return inTransaction(db, async (tx) => {
    const change = { name, scopes: JSON.stringify(scopes), updated_at: now };
    const updated = await updateQuery(tx, { poolId, identifier, ...change });
    return updated === 1 && raisePool(tx, poolId);
  });
}

const deleteQuery = preparedWrite<ServerKey>((kysely, slot) =>
  kysely
    .deleteFrom("resource_servers")
    .where("pool_id", "=", slot("poolId"))
    .where("identifier", "=", slot("identifier")),
);

/** Deletes a resource server. Returns false if there was none. */
export function deleteResourceServer(db: Db, poolId: string, identifier: string): Promise<boolean> {
  return inTransaction(db, async (tx) => {
    const deleted = await deleteQuery(tx, { poolId, identifier });
    return deleted === 1 && raisePool(tx, poolId);
  });
}

const listQuery = prepared<{ poolId: string; after: string; limit: number }, ResourceServersTable>(
  (kysely, slot) =>
    kysely
      .selectFrom("resource_servers")
      .selectAll()
      .where("pool_id", "=", slot("poolId"))
      .where("identifier", ">", slot("after"))
      .orderBy("identifier")
      .limit(slot("limit")),
);

/** A page of a pool's resource servers by identifier, beginning after the given identifier. */
export async function listResourceServers(
  db: Db,
  poolId: string,
  page: { after: string; limit: number },
): Promise<ResourceServer[]> {
  const rows = await listQuery(db, { poolId, ...page });
  return rows.map(fromRow);
}
