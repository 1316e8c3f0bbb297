/** Refresh token families: one row a sign-in. Revocation is a column here and is read with every use of a token. */
import { affected, type Db } from "./db.ts";
import type { TokenFamiliesTable } from "./schema.ts";

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
  /** Epoch milliseconds. */
  readonly authTime: number;
  readonly scope: string;
  readonly deviceKey: string | undefined;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly revokedAt: number | undefined;
}

const place = (poolId: string, familyId: string) =>
  `token_families:key_sealed:${poolId}/${familyId}` as const;

export async function insertFamily(db: Db, family: TokenFamily): Promise<void> {
  await db.kysely
    .insertInto("token_families")
    .values({
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
    })
    .execute();
}

export async function readFamily(db: Db, poolId: string, familyId: string): Promise<TokenFamily | undefined> {
  const row = await db.kysely
    .selectFrom("token_families")
    .selectAll()
    .where("pool_id", "=", poolId)
    .where("family_id", "=", familyId)
    .executeTakeFirst();
  return row && fromRow(db, row);
}

function fromRow(db: Db, row: TokenFamiliesTable): TokenFamily {
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
  };
}

/** Moves the family to its next generation if it still is at `generation`. False: another refresh was first. */
export async function rotateFamily(
  db: Db,
  family: Pick<TokenFamily, "poolId" | "id">,
  generation: number,
  now: number,
): Promise<boolean> {
  const result = await db.kysely
    .updateTable("token_families")
    .set({ generation: generation + 1, rotated_at: now })
    .where("pool_id", "=", family.poolId)
    .where("family_id", "=", family.id)
    .where("generation", "=", generation)
    .where("revoked_at", "is", null)
    .executeTakeFirst();
  return affected(result) === 1;
}

export async function revokeFamily(db: Db, poolId: string, familyId: string, now: number): Promise<void> {
  await db.kysely
    .updateTable("token_families")
    .set({ revoked_at: now })
    .where("pool_id", "=", poolId)
    .where("family_id", "=", familyId)
    .where("revoked_at", "is", null)
    .execute();
}

/** Revokes every token of a user: global sign-out, disabling, password reset. */
export async function revokeFamiliesOfUser(
  db: Db,
  poolId: string,
  userId: string,
  now: number,
): Promise<void> {
  await db.kysely
    .updateTable("token_families")
    .set({ revoked_at: now })
    .where("pool_id", "=", poolId)
    .where("user_id", "=", userId)
    .where("revoked_at", "is", null)
    .execute();
}
