/** Refresh token families: one row per sign-in. Revocation is a column that is read with every use of a token. */
import { type Kysely, type SqlBool, sql } from "kysely";
import type { Db } from "./db.ts";
import { blobType } from "./engine/sql.ts";
import { affected } from "./engine/transaction.ts";
import { isShort, type ListSlots, listed, listValues, lookup, prepared, preparedWrite } from "./prepared.ts";
import type { Schema } from "./schema/schema.ts";
import type { TokenFamiliesTable } from "./schema/schema-tokens.ts";
import { inSlices } from "./slices.ts";

export interface TokenFamily {
  readonly poolId: string;
  /** The `event_id` claim. */
  readonly id: string;
  readonly userId: string;
  readonly clientId: string;
  readonly originJti: string;
  /** 32 bytes that authenticate every generation of this family's refresh token. */
  readonly key: Uint8Array;
  readonly generation: number;
  readonly rotatedAt: number | undefined;
  /** When the user authenticated, here or at the identity provider. Epoch milliseconds. */
  readonly authTime: number;
  readonly scope: string;
  readonly deviceKey: string | undefined;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly revokedAt: number | undefined;
  /** Whether the sign-in went through the authorization server or the API. */
  readonly origin: "oauth" | "api";
  /** The resource (RFC 8707) that the access tokens are for. */
  readonly resource: string | undefined;
  /**
   * Whether two factors were proven in its sign-in at the API; a device confirmed with its tokens may then replace one
   * of them.
   */
  readonly twoFactors: boolean;
  /** The identity provider that the user signed in with. */
  readonly provider: string | undefined;
}

const place = (poolId: string, familyId: string) =>
  `token_families:key_sealed:${poolId}/${familyId}` as const;

/** Every column of a family with its type. */
const columnTypes: Readonly<Record<keyof TokenFamiliesTable, "text" | "bigint" | "bytes">> = {
  pool_id: "text",
  family_id: "text",
  user_id: "text",
  client_id: "text",
  origin_jti: "text",
  key_sealed: "bytes",
  generation: "bigint",
  rotated_at: "bigint",
  auth_time: "bigint",
  scope: "text",
  device_key: "text",
  created_at: "bigint",
  expires_at: "bigint",
  revoked_at: "bigint",
  origin: "text",
  resource: "text",
  two_factors: "bigint",
  provider_name: "text",
};

export const familyColumns = Object.keys(columnTypes) as (keyof TokenFamiliesTable)[];

type FamilyValues = TokenFamiliesTable & { readonly signOuts: number; readonly credentialVersion: number };

const insertQuery = preparedWrite<{ readonly [K in keyof FamilyValues]: FamilyValues[K] }>(
  (kysely, slot, kind) => {
    // In a select list PostgreSQL cannot infer the type of a parameter.
    const typed = (column: keyof TokenFamiliesTable) => {
      const type = columnTypes[column] === "bytes" ? blobType(kind) : columnTypes[column];
      return sql`cast(${slot(column)} as ${sql.raw(type)})`.as(column);
    };
    const user = kysely
      .selectFrom("users")
      .leftJoin("credentials", (join) =>
        join
          .onRef("credentials.pool_id", "=", "users.pool_id")
          .onRef("credentials.user_number", "=", "users.number"),
      )
      .select(familyColumns.map(typed))
      .where("users.pool_id", "=", slot("pool_id"))
      .where("users.user_id", "=", slot("user_id"))
      // A literal: SQLite recompiles a statement at each run if a value could select a partial index.
      .where("users.enabled", "=", sql.lit(1))
      .where((where) =>
        where.or([
          where("users.status", "=", "CONFIRMED"),
          where.and([
            where("users.status", "=", "EXTERNAL_PROVIDER"),
            sql<SqlBool>`cast(${slot("provider_name")} as text) is not null`,
          ]),
        ]),
      )
      .where("users.sign_outs", "=", slot("signOuts"))
      // Users who sign in by one-time codes or passkeys need no password: version 0.
      .where(sql`coalesce(credentials.version, 0)`, "=", slot("credentialVersion"))
      .$if(kind === "postgres", (select) => select.forShare("users"));
    return kysely.insertInto("token_families").columns(familyColumns).expression(user);
  },
);

/**
 * Adds a family if the user is now enabled and confirmed (or signs in with an identity provider), has not been signed out since the sign-in began, and still
 * has the password that was proven; returns false otherwise. On PostgreSQL the user's row is locked until the commit,
 * so that a reset which began before cannot miss the new family; all other changes of a user lock that row first, too.
 */
export async function insertFamily(
  db: Db,
  family: TokenFamily,
  proven: { readonly credentialVersion: number; readonly signOuts: number },
): Promise<boolean> {
  const inserted = await insertQuery(db, {
    pool_id: family.poolId,
    family_id: family.id,
    user_id: family.userId,
    client_id: family.clientId,
    origin_jti: family.originJti,
    key_sealed: db.sealer.seal(place(family.poolId, family.id), family.key),
    generation: family.generation,
    rotated_at: family.rotatedAt ?? null,
    auth_time: family.authTime,
    scope: family.scope,
    device_key: family.deviceKey ?? null,
    created_at: family.createdAt,
    expires_at: family.expiresAt,
    revoked_at: family.revokedAt ?? null,
    origin: family.origin === "oauth" ? "oauth" : null,
    resource: family.resource ?? null,
    two_factors: family.twoFactors ? 1 : null,
    provider_name: family.provider ?? null,
    signOuts: proven.signOuts,
    credentialVersion: proven.credentialVersion,
  });
  return inserted === 1;
}

const familyQuery = lookup<{ poolId: string; familyId: string }, TokenFamiliesTable>((kysely, slot) =>
  kysely
    .selectFrom("token_families")
    .selectAll()
    .where("pool_id", "=", slot("poolId"))
    .where("family_id", "=", slot("familyId")),
);

export async function readFamily(db: Db, poolId: string, familyId: string): Promise<TokenFamily | undefined> {
  const [row] = await familyQuery(db, { poolId, familyId });
  return row && tokenFamilyFromRow(db, row);
}

export function tokenFamilyFromRow(db: Db, row: TokenFamiliesTable): TokenFamily {
  return {
    poolId: row.pool_id,
    id: row.family_id,
    userId: row.user_id,
    clientId: row.client_id,
    originJti: row.origin_jti,
    key: db.sealer.open(place(row.pool_id, row.family_id), row.key_sealed),
    generation: row.generation,
    rotatedAt: row.rotated_at ?? undefined,
    authTime: row.auth_time,
    scope: row.scope,
    deviceKey: row.device_key ?? undefined,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at ?? undefined,
    origin: row.origin === "oauth" ? "oauth" : "api",
    resource: row.resource ?? undefined,
    twoFactors: row.two_factors === 1,
    provider: row.provider_name ?? undefined,
  };
}

const rotateQuery = preparedWrite<{ poolId: string; id: string; generation: number; now: number }>(
  (kysely, slot) =>
    kysely
      .updateTable("token_families")
      .set((row) => ({ generation: row("generation", "+", 1), rotated_at: slot("now") }))
      .where("pool_id", "=", slot("poolId"))
      .where("family_id", "=", slot("id"))
      .where("generation", "=", slot("generation"))
      .where("revoked_at", "is", null),
);

/**
 * Moves the family to its next generation if it is still at `generation`. Returns false if another refresh was first.
 */
export async function rotateFamily(
  db: Db,
  family: Pick<TokenFamily, "poolId" | "id">,
  generation: number,
  now: number,
): Promise<boolean> {
  return (await rotateQuery(db, { poolId: family.poolId, id: family.id, generation, now })) === 1;
}

/** An update that revokes the not yet revoked families of a pool that match further conditions. */
const revoking = (kysely: Kysely<Schema>, poolId: string, now: number) =>
  kysely
    .updateTable("token_families")
    .set({ revoked_at: now })
    .where("pool_id", "=", poolId)
    .where("revoked_at", "is", null);

const revokeQuery = preparedWrite<{ poolId: string; familyId: string; now: number }>((kysely, slot) =>
  revoking(kysely, slot("poolId"), slot("now")).where("family_id", "=", slot("familyId")),
);

/** Revokes a family. Returns false if it was already revoked. */
export async function revokeFamily(db: Db, poolId: string, familyId: string, now: number): Promise<boolean> {
  return (await revokeQuery(db, { poolId, familyId, now })) === 1;
}

const revokeSomeQuery = preparedWrite<{ poolId: string; now: number } & ListSlots>((kysely, slot) =>
  revoking(kysely, slot("poolId"), slot("now")).where("family_id", "in", listed<string>(slot)),
);

/** Revokes families. Returns how many of them were not yet revoked. */
export async function revokeFamilies(
  db: Db,
  poolId: string,
  familyIds: readonly string[],
  now: number,
): Promise<number> {
  if (familyIds.length === 0) return 0;
  if (isShort(familyIds)) return revokeSomeQuery(db, { poolId, now, ...listValues(familyIds) });
  const update = revoking(db.kysely, poolId, now).where("family_id", "in", familyIds);
  return affected(await update.executeTakeFirst());
}

const countSignOutQuery = preparedWrite<{ poolId: string; userId: string }>((kysely, slot) =>
  kysely
    .updateTable("users")
    .set((set) => ({ sign_outs: set("sign_outs", "+", 1) }))
    .where("pool_id", "=", slot("poolId"))
    .where("user_id", "=", slot("userId")),
);

const revokeOfUserQuery = preparedWrite<{ poolId: string; userId: string; now: number }>((kysely, slot) =>
  revoking(kysely, slot("poolId"), slot("now")).where("user_id", "=", slot("userId")),
);

/**
 * Revokes all tokens of a user and voids running sign-ins: for sign-out, disabling and password reset. Inside a
 * transaction, so that nothing comes between the two.
 */
export async function signOutUser(tx: Db, poolId: string, userId: string, now: number): Promise<void> {
  await countSignOutQuery(tx, { poolId, userId });
  await revokeOfUserQuery(tx, { poolId, userId, now });
}

/** Families that one transaction revokes. */
const fewFamilies = 500;

const manyQuery = prepared<{ poolId: string; userId: string; most: number }, { families: number }>(
  (kysely, slot) =>
    kysely
      .selectFrom((from) =>
        from
          .selectFrom("token_families")
          .select("family_id")
          .where("pool_id", "=", slot("poolId"))
          .where("user_id", "=", slot("userId"))
          .where("revoked_at", "is", null)
          .limit(slot("most"))
          .as("counted"),
      )
      .select(({ fn }) => fn.countAll<number>().as("families")),
);

/**
 * To be called before `signOutUser`, and outside its transaction, by what signs a user out whatever comes: revokes the
 * families of one who has many, in slices, since on SQLite everybody waits for a statement.
 */
export async function revokeManyFamilies(db: Db, poolId: string, userId: string, now: number): Promise<void> {
  const [found] = await manyQuery(db, { poolId, userId, most: fewFamilies + 1 });
  if (Number(found?.families) <= fewFamilies) return;
  await inSlices(db, async ({ kysely }, limit) => {
    const valid = sql`pool_id = ${poolId} and user_id = ${userId} and revoked_at is null`;
    const { numAffectedRows = 0n } = await sql`update token_families set revoked_at = ${now}
      where pool_id = ${poolId} and revoked_at is null
      and family_id in (select family_id from token_families where ${valid} limit ${limit})`.execute(kysely);
    return Number(numAffectedRows);
  });
}

const revokeOfDeviceQuery = preparedWrite<{ poolId: string; userId: string; key: string; now: number }>(
  (kysely, slot) =>
    revoking(kysely, slot("poolId"), slot("now"))
      .where("user_id", "=", slot("userId"))
      .where("device_key", "=", slot("key")),
);

/** Revokes the tokens that were issued to a user's device. */
export async function revokeDeviceFamilies(
  tx: Db,
  device: { readonly poolId: string; readonly userId: string; readonly key: string },
  now: number,
): Promise<void> {
  const { poolId, userId, key } = device;
  await revokeOfDeviceQuery(tx, { poolId, userId, key, now });
}

const revokeOfProviderQuery = preparedWrite<{
  poolId: string;
  userId: string;
  provider: string;
  now: number;
}>((kysely, slot) =>
  revoking(kysely, slot("poolId"), slot("now"))
    .where("user_id", "=", slot("userId"))
    .where("provider_name", "=", slot("provider")),
);

/** Revokes the tokens of a user's sign-ins through an identity provider. Returns how many families that were. */
export function revokeProviderFamilies(
  tx: Db,
  through: { readonly poolId: string; readonly userId: string; readonly provider: string },
  now: number,
): Promise<number> {
  const { poolId, userId, provider } = through;
  return revokeOfProviderQuery(tx, { poolId, userId, provider, now });
}
