/** Rows of domains, and the table that finds a domain's pool by its name alone and makes names unique across pools. */

import { type SqlBool, sql } from "kysely";
import type { CustomDomainConfigType, RoutingType } from "../wire/generated/user-pools.types.ts";
import { type Db, inTransaction } from "./db.ts";
import { orUnchanged } from "./engine/sql.ts";
import { lookup, prepared, preparedWrite, slots } from "./prepared.ts";
import { retireNames, takeName } from "./retired-names.ts";
import type { Schema } from "./schema/schema.ts";
import type { DomainsTable } from "./schema/schema-hosting.ts";
import { holdPool } from "./user-pools.ts";

export interface Domain {
  readonly poolId: string;
  /** A prefix or a full host name: lower case, ASCII. */
  readonly domain: string;
  readonly kind: "prefix" | "custom";
  readonly loginVersion: number;
  /** For custom domains only. */
  readonly customConfig: CustomDomainConfigType | undefined;
  readonly routing: RoutingType | undefined;
  readonly createdAt: number;
  readonly updatedAt: number;
}

function fromRow(row: DomainsTable): Domain {
  return {
    poolId: row.pool_id,
    domain: row.domain,
    kind: row.kind,
    loginVersion: row.login_version,
    customConfig: row.custom_config === null ? undefined : JSON.parse(row.custom_config),
    routing: row.routing === null ? undefined : JSON.parse(row.routing),
    createdAt: Number(row.created_at),
    updatedAt: Number(row.updated_at),
  };
}

const json = (value: object | undefined) => (value === undefined ? null : JSON.stringify(value));

const insertNameQuery = preparedWrite<Schema["domain_pools"]>((kysely, slot) =>
  kysely
    .insertInto("domain_pools")
    .values(slots(slot, ["domain", "pool_id"]))
    .onConflict((conflict) => conflict.column("domain").doNothing()),
);

const insertQuery = preparedWrite<DomainsTable>((kysely, slot) =>
  kysely
    .insertInto("domains")
    .values(
      slots(slot, [
        "pool_id",
        "domain",
        "kind",
        "login_version",
        "custom_config",
        "routing",
        "created_at",
        "updated_at",
      ]),
    ),
);

/**
 * Adds a domain. `taken`: some pool has it. `no-pool`: the pool is gone. Throws NameRetired if it was another pool's
 * and must not be reused yet.
 */
export function insertDomain(
  db: Db,
  domain: Domain,
  options = { reuse: false },
): Promise<"added" | "taken" | "no-pool"> {
  return inTransaction(db, async (tx) => {
    if (!(await holdPool(tx, domain.poolId))) return "no-pool";
    const added = await insertNameQuery(tx, { domain: domain.domain, pool_id: domain.poolId });
    if (added === 0) return "taken";
    const { domain: name, poolId } = domain;
    await takeName(tx, { kind: "domain", name, poolId, ...options }, domain.createdAt);
    await insertQuery(tx, {
      pool_id: domain.poolId,
      domain: domain.domain,
      kind: domain.kind,
      login_version: domain.loginVersion,
      custom_config: json(domain.customConfig),
      routing: json(domain.routing),
      created_at: domain.createdAt,
      updated_at: domain.updatedAt,
    });
    return "added";
  });
}

const ownerQuery = lookup<{ domain: string }, { pool_id: string }>((kysely, slot) =>
  kysely.selectFrom("domain_pools").select("pool_id").where("domain", "=", slot("domain")),
);

const findQuery = lookup<{ poolId: string; domain: string }, DomainsTable>((kysely, slot) =>
  kysely
    .selectFrom("domains")
    .selectAll()
    .where("pool_id", "=", slot("poolId"))
    .where("domain", "=", slot("domain")),
);

/** A domain of any pool, by its name: its pool is looked up first. */
export async function findDomain(db: Db, domain: string): Promise<Domain | undefined> {
  const [owner] = await ownerQuery(db, { domain });
  if (owner === undefined) return undefined;
  const [row] = await findQuery(db, { poolId: owner.pool_id, domain });
  return row && fromRow(row);
}

const listQuery = prepared<{ poolId: string }, DomainsTable>((kysely, slot) =>
  kysely
    .selectFrom("domains")
    .selectAll()
    .where("pool_id", "=", slot("poolId"))
    .orderBy("created_at")
    .orderBy("domain"),
);

/** The domains of a pool, oldest first. */
export async function listDomains(db: Db, poolId: string): Promise<Domain[]> {
  const rows = await listQuery(db, { poolId });
  return rows.map(fromRow);
}

/** What is null stays as it is. */
interface DomainChange {
  readonly poolId: string;
  readonly domain: string;
  readonly now: number;
  readonly loginVersion: number | null;
  readonly customConfig: string | null;
  readonly routing: string | null;
}

const updateQuery = prepared<DomainChange, DomainsTable>((kysely, slot) =>
  kysely
    .updateTable("domains")
    .set({
      updated_at: slot("now"),
      login_version: orUnchanged(slot("loginVersion"), "login_version"),
      custom_config: orUnchanged(slot("customConfig"), "custom_config"),
      routing: orUnchanged(slot("routing"), "routing"),
    })
    .where("pool_id", "=", slot("poolId"))
    .where("domain", "=", slot("domain"))
    .where(sql<SqlBool>`(cast(${slot("customConfig")} as text) is null or kind = 'custom')`)
    .returningAll(),
);

/**
 * Updates the given properties; undefined leaves a value unchanged. Returns the updated domain; undefined if the pool
 * has no such domain, or it is a prefix and was given properties of custom domains.
 */
export async function updateDomain(
  db: Db,
  change: Pick<Domain, "poolId" | "domain" | "customConfig" | "routing"> & {
    readonly loginVersion: number | undefined;
    readonly now: number;
  },
): Promise<Domain | undefined> {
  const { poolId, domain, now } = change;
  const [row] = await updateQuery(db, {
    poolId,
    domain,
    now,
    loginVersion: change.loginVersion ?? null,
    customConfig: json(change.customConfig),
    routing: json(change.routing),
  });
  return row && fromRow(row);
}

const deleteFrom = (table: "domains" | "domain_pools") =>
  preparedWrite<{ poolId: string; domain: string }>((kysely, slot) =>
    kysely.deleteFrom(table).where("pool_id", "=", slot("poolId")).where("domain", "=", slot("domain")),
  );

const deleteQuery = deleteFrom("domains");
const deleteNameQuery = deleteFrom("domain_pools");

/** Deletes a domain and retires its name. Returns false if the pool had no such domain. */
export function deleteDomain(db: Db, poolId: string, domain: string, now: number): Promise<boolean> {
  return inTransaction(db, async (tx) => {
    await retireNames(tx, { kind: "domain", poolId, name: domain }, now);
    const deleted = await deleteQuery(tx, { poolId, domain });
    await deleteNameQuery(tx, { poolId, domain });
    return deleted === 1;
  });
}
