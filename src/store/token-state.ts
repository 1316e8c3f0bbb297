/** The state that a token depends on, read in one query with each use of the token and never cached. */
import { clientsWithPools } from "./clients.ts";
import type { Db } from "./db.ts";
import { lookup, type Nullable } from "./prepared.ts";
import type { TokenFamiliesTable } from "./schema/schema-tokens.ts";
import { familyColumns, type TokenFamily, tokenFamilyFromRow } from "./token-families.ts";
import { type User, type UserRow, userColumns, userOfJoined } from "./users.ts";

/** A token family without the properties that only refresh tokens are checked against. */
export type Session = Pick<
  TokenFamily,
  "id" | "userId" | "clientId" | "deviceKey" | "twoFactors" | "revokedAt"
>;

/** What an access token names. Nothing of it need be true: the signature is verified afterwards. */
export interface AccessClaims {
  readonly poolId: string;
  readonly clientId: string;
  readonly familyId: string;
  readonly userId: string;
}

export interface AccessState {
  readonly poolId: string;
  /** The current versions of pool and client, for comparison with cached ones. */
  readonly poolVersion: number;
  readonly clientVersion: number;
  readonly session: Session | undefined;
  readonly user: User | undefined;
}

interface AccessRow extends Nullable<UserRow> {
  readonly pool_version: number;
  readonly client_version: number;
  readonly family_id: string | null;
  readonly family_user: string | null;
  readonly family_client: string | null;
  readonly family_device: string | null;
  readonly two_factors: number | null;
  readonly revoked_at: number | null;
}

const accessQuery = lookup<AccessClaims, AccessRow>((kysely, slot) =>
  clientsWithPools(kysely)
    .leftJoin("token_families", (join) =>
      join
        .onRef("token_families.pool_id", "=", "clients.pool_id")
        .on("token_families.family_id", "=", slot("familyId")),
    )
    .leftJoin("users", (join) =>
      join.onRef("users.pool_id", "=", "clients.pool_id").on("users.user_id", "=", slot("userId")),
    )
    .select([
      "pools.version as pool_version",
      "clients.version as client_version",
      "token_families.family_id",
      "token_families.user_id as family_user",
      "token_families.client_id as family_client",
      "token_families.device_key as family_device",
      "token_families.two_factors",
      "token_families.revoked_at",
      ...userColumns.map((column) => `users.${column}` as const),
    ])
    .where("clients.pool_id", "=", slot("poolId"))
    .where("clients.client_id", "=", slot("clientId")),
);

/** The state that an access token depends on; undefined if the pool has no such client. */
export async function readAccessState(db: Db, claims: AccessClaims): Promise<AccessState | undefined> {
  const [row] = await accessQuery(db, claims);
  if (row === undefined) return undefined;
  return {
    poolId: claims.poolId,
    poolVersion: row.pool_version,
    clientVersion: row.client_version,
    session:
      row.family_id === null
        ? undefined
        : {
            id: row.family_id,
            userId: row.family_user!,
            clientId: row.family_client!,
            deviceKey: row.family_device ?? undefined,
            twoFactors: row.two_factors === 1,
            revokedAt: row.revoked_at ?? undefined,
          },
    user: userOfJoined(row),
  };
}

type FamilyAndUserRow = {
  readonly [K in keyof TokenFamiliesTable as `family_${K}`]: TokenFamiliesTable[K];
} & Nullable<UserRow>;

const familyQuery = lookup<{ poolId: string; familyId: string }, FamilyAndUserRow>((kysely, slot) =>
  kysely
    .selectFrom("token_families")
    .leftJoin("users", (join) =>
      join
        .onRef("users.pool_id", "=", "token_families.pool_id")
        .onRef("users.user_id", "=", "token_families.user_id"),
    )
    .select([
      ...familyColumns.map((column) => `token_families.${column} as family_${column}` as const),
      ...userColumns.map((column) => `users.${column}` as const),
    ])
    .where("token_families.pool_id", "=", slot("poolId"))
    .where("token_families.family_id", "=", slot("familyId")),
);

/** A token family with its user, who may be gone. */
export async function readFamilyAndUser(
  db: Db,
  poolId: string,
  familyId: string,
): Promise<{ family: TokenFamily; user: User | undefined } | undefined> {
  const [row] = await familyQuery(db, { poolId, familyId });
  if (row === undefined) return undefined;
  const family = Object.fromEntries(familyColumns.map((column) => [column, row[`family_${column}`]]));
  return {
    family: tokenFamilyFromRow(db, family as unknown as TokenFamiliesTable),
    user: userOfJoined(row),
  };
}
