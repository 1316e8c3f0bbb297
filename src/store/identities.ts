/** Rows of identities and of their logins; identity-logins.ts changes what belongs to whom. */
import { sql } from "kysely";
import { type Db, inTransaction } from "./db.ts";
import { lookup, prepared, preparedWrite } from "./prepared.ts";
import type { IdentitiesTable, IdentityLoginsTable } from "./schema/schema-identities.ts";

export interface IdentityRow {
  readonly poolId: string;
  readonly id: string;
  /** The identity that this one was merged into; itself if it lost its last login. It is disabled then. */
  readonly mergedInto: string | undefined;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** When it is forgotten; undefined if it has logins, or was merged. */
  readonly expiresAt: number | undefined;
}

/** A login that was verified: who signed in where. */
export interface Login {
  /** As in Logins, or the developer provider's name. */
  readonly provider: string;
  readonly subject: string;
}

export interface IdentityKey {
  readonly poolId: string;
  readonly id: string;
}

/** The key of a login; providers and subjects are compared exactly. */
export const loginKey = (db: Db, { provider, subject }: Login) =>
  Buffer.from(db.sealer.mac("identity-login", provider, subject)).toString("base64url");

const fromRow = (row: IdentitiesTable): IdentityRow => ({
  poolId: row.pool_id,
  id: row.identity_id,
  mergedInto: row.merged_into ?? undefined,
  createdAt: Number(row.created_at),
  updatedAt: Number(row.updated_at),
  expiresAt: row.expires_at === null ? undefined : Number(row.expires_at),
});

const readQuery = lookup<IdentityKey, IdentitiesTable>((kysely, slot) =>
  kysely
    .selectFrom("identities")
    .selectAll()
    .where("pool_id", "=", slot("poolId"))
    .where("identity_id", "=", slot("id")),
);

export async function readIdentity(db: Db, poolId: string, id: string): Promise<IdentityRow | undefined> {
  const [row] = await readQuery(db, { poolId, id });
  return row && fromRow(row);
}

const withOwnerQuery = lookup<IdentityKey & { key: string }, IdentitiesTable & { owner: string | null }>(
  (kysely, slot) =>
    kysely
      .selectFrom("identities")
      .leftJoin("identity_logins", (join) =>
        join
          .onRef("identity_logins.pool_id", "=", "identities.pool_id")
          .on("identity_logins.login_key", "=", slot("key")),
      )
      .selectAll("identities")
      .select("identity_logins.identity_id as owner")
      .where("identities.pool_id", "=", slot("poolId"))
      .where("identities.identity_id", "=", slot("id")),
);

/** An identity, and the id of the one that a login belongs to: often the same. */
export async function readIdentityAndOwner(
  db: Db,
  { poolId, id }: IdentityKey,
  login: Login,
): Promise<(IdentityRow & { readonly owner: string | undefined }) | undefined> {
  const [row] = await withOwnerQuery(db, { poolId, id, key: loginKey(db, login) });
  return row && { ...fromRow(row), owner: row.owner ?? undefined };
}

const byLoginQuery = lookup<{ poolId: string; key: string }, { identity_id: string }>((kysely, slot) =>
  kysely
    .selectFrom("identity_logins")
    .select("identity_id")
    .where("pool_id", "=", slot("poolId"))
    .where("login_key", "=", slot("key")),
);

/** The id of the identity that a login belongs to. */
export async function identityOfLogin(db: Db, poolId: string, login: Login): Promise<string | undefined> {
  const [row] = await byLoginQuery(db, { poolId, key: loginKey(db, login) });
  return row?.identity_id;
}

const loginsQuery = lookup<IdentityKey, Pick<IdentityLoginsTable, "provider_name" | "subject">>(
  (kysely, slot) =>
    kysely
      .selectFrom("identity_logins")
      .select(["provider_name", "subject"])
      .where("pool_id", "=", slot("poolId"))
      .where("identity_id", "=", slot("id"))
      .orderBy("provider_name")
      .orderBy("login_key"),
);

/** The logins of an identity, by provider. There are at most as many as an identity may have. */
export async function loginsOf(db: Db, poolId: string, id: string): Promise<Login[]> {
  const rows = await loginsQuery(db, { poolId, id });
  return rows.map((row) => ({ provider: row.provider_name, subject: row.subject }));
}

const keepQuery = preparedWrite<IdentityKey & { expiresAt: number }>((kysely, slot) =>
  kysely
    .updateTable("identities")
    .set({ expires_at: slot("expiresAt") })
    .where("pool_id", "=", slot("poolId"))
    .where("identity_id", "=", slot("id"))
    .where("expires_at", "is not", null),
);

/** Puts off when an identity without logins is forgotten. */
export async function keepIdentity(db: Db, identity: IdentityKey, expiresAt: number): Promise<void> {
  await keepQuery(db, { poolId: identity.poolId, id: identity.id, expiresAt });
}

const deleteQuery = preparedWrite<IdentityKey>((kysely, slot) =>
  kysely.deleteFrom("identities").where("pool_id", "=", slot("poolId")).where("identity_id", "=", slot("id")),
);

const deleteLoginsQuery = preparedWrite<IdentityKey>((kysely, slot) =>
  kysely
    .deleteFrom("identity_logins")
    .where("pool_id", "=", slot("poolId"))
    .where("identity_id", "=", slot("id")),
);

/** Deletes an identity with its logins. Returns false if there was none. */
export function deleteIdentity(db: Db, identity: IdentityKey): Promise<boolean> {
  return inTransaction(db, async (tx) => {
    const { poolId, id } = identity;
    const deleted = await deleteQuery(tx, { poolId, id });
    await deleteLoginsQuery(tx, { poolId, id });
    return deleted === 1;
  });
}

interface ListedRow extends IdentitiesTable {
  /** The names of its providers, separated by line breaks; null without logins. */
  readonly providers: string | null;
}

const listQuery = prepared<{ poolId: string; after: string; limit: number; hide: number }, ListedRow>(
  (kysely, slot, kind) =>
    kysely
      .selectFrom("identities")
      .selectAll()
      .select((from) =>
        from
          .selectFrom("identity_logins")
          .select(
            kind === "postgres"
              ? sql<string>`string_agg(provider_name, chr(10) order by provider_name)`.as("names")
              : sql<string>`group_concat(provider_name, char(10))`.as("names"),
          )
          .whereRef("identity_logins.pool_id", "=", "identities.pool_id")
          .whereRef("identity_logins.identity_id", "=", "identities.identity_id")
          .as("providers"),
      )
      .where("pool_id", "=", slot("poolId"))
      .where("identity_id", ">", slot("after"))
      .where((where) =>
        where.or([where("merged_into", "is", null), where(sql<number>`${slot("hide")}`, "=", 0)]),
      )
      .orderBy("identity_id")
      .limit(slot("limit")),
);

/** A page of a pool's identities by id, each with the names of its providers, beginning after the given id. */
export async function listIdentities(
  db: Db,
  poolId: string,
  page: { readonly after: string; readonly limit: number; readonly hideDisabled: boolean },
): Promise<(IdentityRow & { readonly providers: readonly string[] })[]> {
  const { after, limit, hideDisabled } = page;
  const rows = await listQuery(db, { poolId, after, limit, hide: hideDisabled ? 1 : 0 });
  return rows.map((row) => ({
    ...fromRow(row),
    providers: row.providers === null ? [] : row.providers.split("\n").sort(),
  }));
}
