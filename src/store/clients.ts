/** Rows of app clients and their secrets, and the table that finds a client's pool by the client id alone. */
import type { Kysely } from "kysely";
import { emptyClient } from "./client-removal.ts";
import { type Db, inTransaction } from "./db.ts";
import { lookup, prepared, preparedWrite, slots } from "./prepared.ts";
import { isRetired, takeName } from "./retired-names.ts";
import type { ClientSecretsTable, ClientsTable, Schema } from "./schema/schema.ts";
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

type ClientKey = Pick<ClientRow, "poolId" | "clientId">;

export interface ClientSecretRow {
  readonly secretId: string;
  readonly secret: string;
  readonly createdAt: number;
}

const insertPoolQuery = preparedWrite<Schema["client_pools"]>((kysely, slot) =>
  kysely.insertInto("client_pools").values(slots(slot, ["client_id", "pool_id"])),
);

const insertQuery = preparedWrite<Omit<ClientsTable, "sso_minutes">>((kysely, slot) =>
  kysely
    .insertInto("clients")
    .values(slots(slot, ["pool_id", "client_id", "version", "name", "document", "created_at", "updated_at"])),
);

/**
 * Adds a client with its first secret, if it has one. Throws a unique violation if the id is taken, and NameRetired if
 * it was another pool's and must not be reused yet. Returns false if the pool is gone.
 * @param options `chosen`: whether the id was not drawn, so that a deleted client may have had it
 */
export async function insertClient(
  db: Db,
  client: ClientRow,
  secret: ClientSecretRow | undefined,
  options = { reuse: false, chosen: true },
): Promise<boolean> {
  if (options.chosen && (await isRetired(db, "client", client.clientId)))
    await emptyClient(db, client.poolId, client.clientId);
  return inTransaction(db, async (tx) => {
    if (!(await holdPool(tx, client.poolId))) return false;
    await insertPoolQuery(tx, { client_id: client.clientId, pool_id: client.poolId });
    const { clientId: name, poolId } = client;
    await takeName(tx, { kind: "client", name, poolId, reuse: options.reuse }, client.createdAt);
    await insertQuery(tx, {
      pool_id: client.poolId,
      client_id: client.clientId,
      version: client.version,
      name: client.name,
      document: JSON.stringify(client.document),
      created_at: client.createdAt,
      updated_at: client.updatedAt,
    });
    if (secret) await insertSecret(tx, client.poolId, client.clientId, secret);
    return true;
  });
}

/** A query for clients of a pool joined with it; `clients.pool_id` must be compared. */
export function clientsWithPools(kysely: Kysely<Schema>) {
  return kysely.selectFrom("clients").innerJoin("pools", "pools.pool_id", "clients.pool_id");
}

/** The versions of a client and its pool, to compare with cached ones. */
export interface ClientVersions {
  readonly poolId: string;
  readonly version: number;
  readonly poolVersion: number;
}

const versionsQuery = lookup<ClientKey, { version: number; pool_version: number }>((kysely, slot) =>
  clientsWithPools(kysely)
    .select(["clients.version", "pools.version as pool_version"])
    .where("clients.pool_id", "=", slot("poolId"))
    .where("clients.client_id", "=", slot("clientId")),
);

/** The versions of a client of this pool: a single query for what every public call needs. */
export async function readClientVersions(
  db: Db,
  poolId: string,
  clientId: string,
): Promise<ClientVersions | undefined> {
  const [row] = await versionsQuery(db, { poolId, clientId });
  return row && { poolId, version: row.version, poolVersion: row.pool_version };
}

const poolQuery = lookup<{ clientId: string }, { pool_id: string }>((kysely, slot) =>
  kysely.selectFrom("client_pools").select("pool_id").where("client_id", "=", slot("clientId")),
);

/**
 * The versions of a client, by its id alone. The pool is looked up first, unless the client is in the one that it was
 * last found in.
 */
export async function findClient(
  db: Db,
  clientId: string,
  lastPoolId: string | undefined,
): Promise<ClientVersions | undefined> {
  const known = lastPoolId === undefined ? undefined : await readClientVersions(db, lastPoolId, clientId);
  if (known !== undefined) return known;
  const [row] = await poolQuery(db, { clientId });
  return row && readClientVersions(db, row.pool_id, clientId);
}

const readQuery = lookup<ClientKey, ClientsTable>((kysely, slot) =>
  kysely
    .selectFrom("clients")
    .selectAll()
    .where("pool_id", "=", slot("poolId"))
    .where("client_id", "=", slot("clientId")),
);

/** A client of this pool; undefined if the pool has none of this id. */
export async function readClient(db: Db, poolId: string, clientId: string): Promise<ClientRow | undefined> {
  const [row] = await readQuery(db, { poolId, clientId });
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

const setSsoQuery = preparedWrite<ClientKey & { minutes: number; now: number }>((kysely, slot) =>
  kysely
    .updateTable("clients")
    .set((row) => ({
      sso_minutes: slot("minutes"),
      version: row("version", "+", 1),
      updated_at: slot("now"),
    }))
    .where("pool_id", "=", slot("poolId"))
    .where("client_id", "=", slot("clientId")),
);

/** Sets SSOSession.MaxValidityMinutes. Returns false if the client is gone. */
export async function setSsoMinutes(
  db: Db,
  { poolId, clientId }: ClientKey,
  minutes: number,
  now: number,
): Promise<boolean> {
  const updated = await setSsoQuery(db, { poolId, clientId, minutes, now });
  return updated === 1;
}

const longestSsoQuery = prepared<{ poolId: string }, { longest: number | null }>((kysely, slot) =>
  kysely
    .selectFrom("clients")
    .select((select) => select.fn.max("sso_minutes").as("longest"))
    .where("pool_id", "=", slot("poolId")),
);

/** The longest SSOSession.MaxValidityMinutes among the pool's clients; undefined if none has been set. */
export async function longestSsoMinutes(db: Db, poolId: string): Promise<number | undefined> {
  const [row] = await longestSsoQuery(db, { poolId });
  return row?.longest === null || row === undefined ? undefined : Number(row.longest);
}

type ClientChange = ClientKey & Pick<ClientsTable, "version" | "name" | "document" | "updated_at">;

const updateQuery = preparedWrite<ClientChange>((kysely, slot) =>
  kysely
    .updateTable("clients")
    .set((row) => ({
      version: row("version", "+", 1),
      ...slots(slot, ["name", "document", "updated_at"]),
    }))
    .where("pool_id", "=", slot("poolId"))
    .where("client_id", "=", slot("clientId"))
    .where("version", "=", slot("version")),
);

/** Replaces the document if the client still has `version`. Returns false if the client was changed in the meantime. */
export async function updateClient(
  db: Db,
  change: { poolId: string; clientId: string; version: number; name: string; document: unknown; now: number },
): Promise<boolean> {
  const { now, document, ...rest } = change;
  const updated = await updateQuery(db, { ...rest, document: JSON.stringify(document), updated_at: now });
  return updated === 1;
}

const holdQuery = prepared<ClientKey, { client_id: string }>((kysely, slot, kind) =>
  kysely
    .selectFrom("clients")
    .select("client_id")
    .where("pool_id", "=", slot("poolId"))
    .where("client_id", "=", slot("clientId"))
    .$if(kind === "postgres", (select) => select.forShare()),
);

/**
 * Whether the client exists; if so, it cannot be deleted until the transaction ends. Call this before adding rows that
 * must not outlive the client.
 */
export async function holdClient(tx: Db, poolId: string, clientId: string): Promise<boolean> {
  const [row] = await holdQuery(tx, { poolId, clientId });
  return row !== undefined;
}

const listQuery = prepared<
  { poolId: string; after: string; limit: number },
  Pick<ClientsTable, "client_id" | "name">
>((kysely, slot) =>
  kysely
    .selectFrom("clients")
    .select(["client_id", "name"])
    .where("pool_id", "=", slot("poolId"))
    .where("client_id", ">", slot("after"))
    .orderBy("client_id")
    .limit(slot("limit")),
);

/** A page of a pool's clients by id, beginning after the given id. */
export async function listClients(
  db: Db,
  poolId: string,
  page: { after: string; limit: number },
): Promise<{ clientId: string; name: string }[]> {
  const rows = await listQuery(db, { poolId, ...page });
  return rows.map((row) => ({ clientId: row.client_id, name: row.name }));
}

const place = (clientId: string, secretId: string) =>
  `client_secrets:secret_sealed:${clientId}/${secretId}` as const;

const insertSecretQuery = preparedWrite<ClientSecretsTable>((kysely, slot) =>
  kysely
    .insertInto("client_secrets")
    .values(slots(slot, ["pool_id", "client_id", "secret_id", "secret_sealed", "created_at"])),
);

/** Adds a secret to a client. */
export async function insertSecret(
  db: Db,
  poolId: string,
  clientId: string,
  secret: ClientSecretRow,
): Promise<void> {
  await insertSecretQuery(db, {
    pool_id: poolId,
    client_id: clientId,
    secret_id: secret.secretId,
    secret_sealed: db.sealer.seal(place(clientId, secret.secretId), secret.secret),
    created_at: secret.createdAt,
  });
}

const secretsQuery = lookup<ClientKey, ClientSecretsTable>((kysely, slot) =>
  kysely
    .selectFrom("client_secrets")
    .selectAll()
    .where("pool_id", "=", slot("poolId"))
    .where("client_id", "=", slot("clientId"))
    .orderBy("created_at")
    .orderBy("secret_id"),
);

/** A client's secrets, oldest first. */
export async function readSecrets(db: Db, poolId: string, clientId: string): Promise<ClientSecretRow[]> {
  const rows = await secretsQuery(db, { poolId, clientId });
  return rows.map((row) => ({
    secretId: row.secret_id,
    secret: db.sealer.openText(place(clientId, row.secret_id), row.secret_sealed),
    createdAt: row.created_at,
  }));
}

const deleteSecretQuery = preparedWrite<ClientKey & { secretId: string }>((kysely, slot) =>
  kysely
    .deleteFrom("client_secrets")
    .where("pool_id", "=", slot("poolId"))
    .where("client_id", "=", slot("clientId"))
    .where("secret_id", "=", slot("secretId")),
);

/** Deletes a secret of a client. Returns false if the client has no such secret. */
export async function deleteSecret(
  db: Db,
  poolId: string,
  clientId: string,
  secretId: string,
): Promise<boolean> {
  const deleted = await deleteSecretQuery(db, { poolId, clientId, secretId });
  return deleted === 1;
}
