/** A pool's RSA keys. The private half is sealed; the public half is what the JWKS publishes. */
import type { Db } from "./db.ts";

export interface SigningKeyRow {
  readonly kid: string;
  readonly tokenUse: "id" | "access";
  readonly publicJwk: Readonly<Record<string, string>>;
  /** PKCS8 PEM. */
  readonly privateKey: Uint8Array;
  readonly createdAt: number;
  /** From when it signs. */
  readonly activeFrom: number;
  /** From when it neither signs nor is published. */
  readonly retiredAt: number | undefined;
}

const place = (poolId: string, kid: string) => `signing_keys:private_sealed:${poolId}/${kid}` as const;

/** Adds a key unless one of this kid exists: two servers that make a pool's first key at once agree on one. */
export async function insertSigningKey(db: Db, poolId: string, key: SigningKeyRow): Promise<void> {
  await db.kysely
    .insertInto("signing_keys")
    .values({
      pool_id: poolId,
      kid: key.kid,
      token_use: key.tokenUse,
      public_jwk: JSON.stringify(key.publicJwk),
      private_sealed: db.sealer.seal(place(poolId, key.kid), key.privateKey),
      created_at: key.createdAt,
      active_from: key.activeFrom,
      retired_at: key.retiredAt ?? null,
    })
    .onConflict((conflict) => conflict.columns(["pool_id", "kid"]).doNothing())
    .execute();
}

/** The pool's keys that are published, oldest first. */
export async function readSigningKeys(db: Db, poolId: string, now: number): Promise<SigningKeyRow[]> {
  const rows = await db.kysely
    .selectFrom("signing_keys")
    .selectAll()
    .where("pool_id", "=", poolId)
    .where((where) => where.or([where("retired_at", "is", null), where("retired_at", ">", now)]))
    .orderBy("active_from")
    .orderBy("kid")
    .execute();
  return rows.map((row) => ({
    kid: row.kid,
    tokenUse: row.token_use,
    publicJwk: JSON.parse(row.public_jwk),
    privateKey: db.sealer.open(place(poolId, row.kid), row.private_sealed),
    createdAt: row.created_at,
    activeFrom: row.active_from,
    retiredAt: row.retired_at ?? undefined,
  }));
}
