/** Identities at providers, and the user that each of them signs in as. */
import { sql } from "kysely";
import { sha256Base64url } from "../lib/bytes.ts";
import type { Db } from "./db.ts";
import { lookup, type Nullable, prepared, preparedWrite, slots } from "./prepared.ts";
import type { LinkedIdentitiesTable } from "./schema/schema-federation.ts";
import { type User, type UserRow, userColumns, userOfJoined } from "./users.ts";

export interface LinkedIdentity {
  readonly poolId: string;
  readonly provider: string;
  /** A hash of the issuer, of the attribute, and of its value (domain/federation/identities.ts). */
  readonly key: string;
  readonly userId: string;
  /**
   * `Cognito_Subject`, or the claim that an administrator linked by before the first sign-in. Empty, as the value, in the row that
   * keeps a link from being made by e-mail again.
   */
  readonly attribute: string;
  readonly value: string;
  /** Whether the user was created for it. */
  readonly primary: boolean;
  readonly createdAt: number;
}

function fromRow(row: LinkedIdentitiesTable): LinkedIdentity {
  return {
    poolId: row.pool_id,
    provider: row.provider_name,
    key: row.identity_key,
    userId: row.user_id,
    attribute: row.attribute,
    value: row.value,
    primary: row.is_primary === 1,
    createdAt: Number(row.created_at),
  };
}

const valueKey = ({ attribute, value }: Pick<LinkedIdentity, "attribute" | "value">): string =>
  sha256Base64url(JSON.stringify([attribute, value]));

const insertQuery = preparedWrite<LinkedIdentitiesTable>((kysely, slot) =>
  kysely
    .insertInto("linked_identities")
    .values(
      slots(slot, [
        "pool_id",
        "provider_name",
        "identity_key",
        "user_id",
        "attribute",
        "value",
        "value_key",
        "is_primary",
        "created_at",
      ]),
    )
    .onConflict((conflict) => conflict.columns(["pool_id", "provider_name", "identity_key"]).doNothing()),
);

/** Adds an identity. Returns false if it is some user's already. */
export async function insertIdentity(tx: Db, identity: LinkedIdentity): Promise<boolean> {
  const added = await insertQuery(tx, {
    pool_id: identity.poolId,
    provider_name: identity.provider,
    identity_key: identity.key,
    user_id: identity.userId,
    attribute: identity.attribute,
    value: identity.value,
    value_key: valueKey(identity),
    is_primary: identity.primary ? 1 : 0,
    created_at: identity.createdAt,
  });
  return added === 1;
}

interface IdentityKey {
  readonly poolId: string;
  readonly provider: string;
  readonly key: string;
}

const readQuery = lookup<IdentityKey, LinkedIdentitiesTable>((kysely, slot) =>
  kysely
    .selectFrom("linked_identities")
    .selectAll()
    .where("pool_id", "=", slot("poolId"))
    .where("provider_name", "=", slot("provider"))
    .where("identity_key", "=", slot("key")),
);

export async function readIdentity(
  db: Db,
  { poolId, provider, key }: IdentityKey,
): Promise<LinkedIdentity | undefined> {
  const [row] = await readQuery(db, { poolId, provider, key });
  return row && fromRow(row);
}

const holderQuery = lookup<IdentityKey, Nullable<UserRow> & { readonly password: number }>((kysely, slot) =>
  kysely
    .selectFrom("linked_identities")
    .leftJoin("users", (join) =>
      join
        .onRef("users.pool_id", "=", "linked_identities.pool_id")
        .onRef("users.user_id", "=", "linked_identities.user_id"),
    )
    .leftJoin("credentials", (join) =>
      join
        .onRef("credentials.pool_id", "=", "users.pool_id")
        .onRef("credentials.user_number", "=", "users.number"),
    )
    .select(userColumns.map((column) => `users.${column}` as const))
    .select(sql<number>`coalesce(credentials.version, 0)`.as("password"))
    .where("linked_identities.pool_id", "=", slot("poolId"))
    .where("linked_identities.provider_name", "=", slot("provider"))
    .where("linked_identities.identity_key", "=", slot("key")),
);

/** Whose an identity is. */
export interface IdentityHolder {
  /** Undefined if the user is gone. */
  readonly user: User | undefined;
  /** The version of the user's password, 0 if there is none. */
  readonly credentialVersion: number;
}

/** The user who signs in by an identity; undefined if it is nobody's. */
export async function readIdentityHolder(
  db: Db,
  { poolId, provider, key }: IdentityKey,
): Promise<IdentityHolder | undefined> {
  const [row] = await holderQuery(db, { poolId, provider, key });
  if (row === undefined) return undefined;
  const user = userOfJoined(row);
  return { user, credentialVersion: row.password };
}

const namedQuery = prepared<{ poolId: string; provider: string; valueKey: string }, LinkedIdentitiesTable>(
  (kysely, slot) =>
    kysely
      .selectFrom("linked_identities")
      .selectAll()
      .where("pool_id", "=", slot("poolId"))
      .where("provider_name", "=", slot("provider"))
      .where("value_key", "=", slot("valueKey"))
      .orderBy("created_at")
      .orderBy("identity_key"),
);

/** The identities of a provider with this value, whatever issuer they were or will be seen from; oldest first. */
export async function identitiesNamed(
  db: Db,
  { poolId, provider, ...named }: Pick<LinkedIdentity, "poolId" | "provider" | "attribute" | "value">,
): Promise<LinkedIdentity[]> {
  const rows = await namedQuery(db, { poolId, provider, valueKey: valueKey(named) });
  return rows.map(fromRow);
}

const deleteQuery = preparedWrite<IdentityKey>((kysely, slot) =>
  kysely
    .deleteFrom("linked_identities")
    .where("pool_id", "=", slot("poolId"))
    .where("provider_name", "=", slot("provider"))
    .where("identity_key", "=", slot("key")),
);

/** Removes an identity. Returns false if there was none. */
export async function deleteIdentity(tx: Db, { poolId, provider, key }: IdentityKey): Promise<boolean> {
  return (await deleteQuery(tx, { poolId, provider, key })) === 1;
}
