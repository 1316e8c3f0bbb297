/** Rows of domains, and the table that finds a domain's pool by its name alone and makes names unique across pools. */
import type { CustomDomainConfigType, RoutingType } from "../wire/generated/user-pools.types.ts";
import { type Db, inTransaction } from "./db.ts";
import { affected } from "./engine/transaction.ts";
import { retireNames, takeName } from "./retired-names.ts";
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
    const result = await tx.kysely
      .insertInto("domain_pools")
      .values({ domain: domain.domain, pool_id: domain.poolId })
      .onConflict((conflict) => conflict.column("domain").doNothing())
      .executeTakeFirst();
    if (affected(result) === 0) return "taken";
    const { domain: name, poolId } = domain;
    await takeName(tx, { kind: "domain", name, poolId, ...options }, domain.createdAt);
    await tx.kysely
      .insertInto("domains")
      .values({
        pool_id: domain.poolId,
        domain: domain.domain,
        kind: domain.kind,
        login_version: domain.loginVersion,
        custom_config: json(domain.customConfig),
        routing: json(domain.routing),
        created_at: domain.createdAt,
        updated_at: domain.updatedAt,
      })
      .execute();
    return "added";
  });
}

/** A domain of any pool, by its name: its pool is looked up first. */
export async function findDomain(db: Db, domain: string): Promise<Domain | undefined> {
  const owner = await db.kysely
    .selectFrom("domain_pools")
    .select("pool_id")
    .where("domain", "=", domain)
    .executeTakeFirst();
  if (owner === undefined) return undefined;
  const row = await db.kysely
    .selectFrom("domains")
    .selectAll()
    .where("pool_id", "=", owner.pool_id)
    .where("domain", "=", domain)
    .executeTakeFirst();
  return row && fromRow(row);
}

/** The domains of a pool, oldest first. */
export async function listDomains(db: Db, poolId: string): Promise<Domain[]> {
  const rows = await db.kysely
    .selectFrom("domains")
    .selectAll()
    .where("pool_id", "=", poolId)
    .orderBy("created_at")
    .orderBy("domain")
    .execute();
  return rows.map(fromRow);
}

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
  const { loginVersion, customConfig, routing } = change;
  const row = await db.kysely
    .updateTable("domains")
    .set({
      updated_at: change.now,
      ...(loginVersion !== undefined && { login_version: loginVersion }),
      ...(customConfig !== undefined && { custom_config: json(customConfig) }),
      ...(routing !== undefined && { routing: json(routing) }),
    })
    .where("pool_id", "=", change.poolId)
    .where("domain", "=", change.domain)
    .$if(customConfig !== undefined, (update) => update.where("kind", "=", "custom"))
    .returningAll()
    .executeTakeFirst();
  return row && fromRow(row);
}

/** Deletes a domain and retires its name. Returns false if the pool had no such domain. */
export function deleteDomain(db: Db, poolId: string, domain: string, now: number): Promise<boolean> {
  return inTransaction(db, async (tx) => {
    await retireNames(tx, { kind: "domain", poolId, name: domain }, now);
    const result = await tx.kysely
      .deleteFrom("domains")
      .where("pool_id", "=", poolId)
      .where("domain", "=", domain)
      .executeTakeFirst();
    await tx.kysely
      .deleteFrom("domain_pools")
      .where("pool_id", "=", poolId)
      .where("domain", "=", domain)
      .execute();
    return affected(result) === 1;
  });
}
