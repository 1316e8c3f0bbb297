/** Rows of app clients and their secrets, and the table that finds a client's pool by the client id alone. */
import type { Kysely } from "kysely";
import { type Db, inTransaction } from "./db.ts";
import { affected } from "./engine/transaction.ts";
import { prepared } from "./prepared.ts";
import { retireNames, takeName } from "./retired-names.ts";
import type { Schema } from "./schema/schema.ts";
import { holdPool } from "./user-pools.ts";

export interface ClientRow {
  readonly poolId: string;
  readonly clientId: string;
  readonly version: number;
  readonly name: string;
  readonly document: unknown;
  /** SSOSession.MaxValidityMinutes, once it has been set. */
  readonly ssoMinutes?: number | undefined;
  readonly createdAt: number;
  readonly updatedAt: number;
}

export interface ClientSecretRow {
  readonly secretId: string;
  readonly secret: string;
  readonly createdAt: number;
}

/**
 * Adds a client with its first secret, if it has one. Throws a unique violation if the id is taken, and NameRetired if
 * it was another pool's and must not be reused yet. Returns false if the pool is gone.
 */
export function insertClient(
  db: Db,
  client: ClientRow,
  secret: ClientSecretRow | undefined,
  options = { reuse: false },
): Promise<boolean> {
  return inTransaction(db, async (tx) => {
    if (!(await holdPool(tx, client.poolId))) return false;
    await tx.kysely
      .insertInto("client_pools")
      .values({ client_id: client.clientId, pool_id: client.poolId })
      .execute();
    const { clientId: name, poolId } = client;
    await takeName(tx, { kind: "client", name, poolId, ...options }, client.createdAt);
    await tx.kysely
      .insertInto("clients")
      .values({
        pool_id: client.poolId,
        client_id: client.clientId,
        version: client.version,
        name: client.name,
        document: JSON.stringify(client.document),
        created_at: client.createdAt,
        updated_at: client.updatedAt,
      })
      .execute();
    if (secret) await insertSecret(tx, client.poolId, client.clientId, secret);
    return true;
  });
}

/** A query for clients joined with their pools, to find them by the client id alone. */
export function clientsWithPools(kysely: Kysely<Schema>) {
  return kysely
    .selectFrom("client_pools")
    .innerJoin("clients", (join) =>
      join
        .onRef("clients.pool_id", "=", "client_pools.pool_id")
        .onRef("clients.client_id", "=", "client_pools.client_id"),
    )
    .innerJoin("pools", "pools.pool_id", "client_pools.pool_id");
}

const clientQuery = prepared<
  { clientId: string },
  { pool_id: string; version: number; pool_version: number }
>((kysely, slot) =>
  clientsWithPools(kysely)
    .select(["client_pools.pool_id", "clients.version", "pools.version as pool_version"])
    .where("client_pools.client_id", "=", slot("clientId")),
);

/**
 * The client's pool, and the versions of both to compare with cached ones: a single query for what every public call
 * needs.
 */
export async function findClient(
  db: Db,
  clientId: string,
): Promise<{ poolId: string; version: number; poolVersion: number } | undefined> {
  const [row] = await clientQuery(db, { clientId });
  return row && { poolId: row.pool_id, version: row.version, poolVersion: row.pool_version };
}

export async function readClient(db: Db, poolId: string, clientId: string): Promise<ClientRow | undefined> {
  const row = await db.kysely
    .selectFrom("clients")
    .selectAll()
    .where("pool_id", "=", poolId)
    .where("client_id", "=", clientId)
    .executeTakeFirst();
  return (
    row && {
      poolId: row.pool_id,
      clientId: row.client_id,
      version: row.version,
      name: row.name,
      document: JSON.parse(row.document),
      ssoMinutes: row.sso_minutes ?? undefined,
      createdAt: row.created_at,
      updatedAt: row.updated_at,
    }
  );
}

/** Sets SSOSession.MaxValidityMinutes. Returns false if the client is gone. */
export async function setSsoMinutes(
  db: Db,
  client: { readonly poolId: string; readonly clientId: string },
  minutes: number,
  now: number,
): Promise<boolean> {
  const result = await db.kysely
    .updateTable("clients")
    .set((set) => ({ sso_minutes: minutes, version: set("version", "+", 1), updated_at: now }))
    .where("pool_id", "=", client.poolId)
    .where("client_id", "=", client.clientId)
    .executeTakeFirst();
  return affected(result) === 1;
}

/** The longest SSOSession.MaxValidityMinutes among the pool's clients; undefined if none has been set. */
export async function longestSsoMinutes(db: Db, poolId: string): Promise<number | undefined> {
  const row = await db.kysely
    .selectFrom("clients")
    .select((select) => select.fn.max("sso_minutes").as("longest"))
    .where("pool_id", "=", poolId)
    .executeTakeFirst();
  return row?.longest === null || row === undefined ? undefined : Number(row.longest);
}

/** Replaces the document if the client still has `version`. Returns false if the client was changed in the meantime. */
export async function updateClient(
  db: Db,
  change: { poolId: string; clientId: string; version: number; name: string; document: unknown; now: number },
): Promise<boolean> {
  const result = await db.kysely
    .updateTable("clients")
    .set({
      version: change.version + 1,
      name: change.name,
      document: JSON.stringify(change.document),
      updated_at: change.now,
    })
    .where("pool_id", "=", change.poolId)
    .where("client_id", "=", change.clientId)
    .where("version", "=", change.version)
    .executeTakeFirst();
  return affected(result) === 1;
}

/** Every table besides `clients` whose rows belong to a client; deleting a client empties them. */
export const clientTables = [
  "client_pools",
  "client_secrets",
  "token_families",
  "token_sessions",
  "sign_ins",
  "authorization_codes",
  "branding_styles",
  "branding_assets",
  "ui_customizations",
  "ui_images",
  "terms",
] as const;

/**
 * Whether the client exists; if so, it cannot be deleted until the transaction ends. Call this before adding rows that
 * must not outlive the client.
 */
export async function holdClient(tx: Db, poolId: string, clientId: string): Promise<boolean> {
  const row = await tx.kysely
    .selectFrom("clients")
    .select("client_id")
    .where("pool_id", "=", poolId)
    .where("client_id", "=", clientId)
    .$if(tx.kind === "postgres", (select) => select.forShare())
    .executeTakeFirst();
  return row !== undefined;
}

/** Deletes a client with everything that belongs to it, and retires its id. Returns false if there was none. */
export function deleteClient(db: Db, poolId: string, clientId: string, now: number): Promise<boolean> {
  return inTransaction(db, async (tx) => {
    // The client's own row first: this waits for transactions that hold it, and later ones find no client.
    const result = await tx.kysely
      .deleteFrom("clients")
      .where("pool_id", "=", poolId)
      .where("client_id", "=", clientId)
      .executeTakeFirst();
    await retireNames(tx, { kind: "client", poolId, name: clientId }, now);
    for (const table of clientTables) {
      await tx.kysely
        .deleteFrom(table)
        .where("pool_id", "=", poolId)
        .where("client_id", "=", clientId)
        .execute();
    }
    return affected(result) === 1;
  });
}

/** A page of a pool's clients by id, beginning after the given id. */
export async function listClients(
  db: Db,
  poolId: string,
  page: { after: string; limit: number },
): Promise<{ clientId: string; name: string }[]> {
  const rows = await db.kysely
    .selectFrom("clients")
    .select(["client_id", "name"])
    .where("pool_id", "=", poolId)
    .where("client_id", ">", page.after)
    .orderBy("client_id")
    .limit(page.limit)
    .execute();
  return rows.map((row) => ({ clientId: row.client_id, name: row.name }));
}

const place = (clientId: string, secretId: string) =>
  `client_secrets:secret_sealed:${clientId}/${secretId}` as const;

export async function insertSecret(
  db: Db,
  poolId: string,
  clientId: string,
  secret: ClientSecretRow,
): Promise<void> {
  await db.kysely
    .insertInto("client_secrets")
    .values({
      pool_id: poolId,
      client_id: clientId,
      secret_id: secret.secretId,
      secret_sealed: db.sealer.seal(place(clientId, secret.secretId), secret.secret),
      created_at: secret.createdAt,
    })
    .execute();
}

/** A client's secrets, oldest first. */
export async function readSecrets(db: Db, poolId: string, clientId: string): Promise<ClientSecretRow[]> {
  const rows = await db.kysely
    .selectFrom("client_secrets")
    .selectAll()
    .where("pool_id", "=", poolId)
    .where("client_id", "=", clientId)
    .orderBy("created_at")
    .orderBy("secret_id")
    .execute();
  return rows.map((row) => ({
    secretId: row.secret_id,
    secret: db.sealer.openText(place(clientId, row.secret_id), row.secret_sealed),
    createdAt: row.created_at,
  }));
}

export async function deleteSecret(
  db: Db,
  poolId: string,
  clientId: string,
  secretId: string,
): Promise<boolean> {
  const result = await db.kysely
    .deleteFrom("client_secrets")
    .where("pool_id", "=", poolId)
    .where("client_id", "=", clientId)
    .where("secret_id", "=", secretId)
    .executeTakeFirst();
  return affected(result) === 1;
}
