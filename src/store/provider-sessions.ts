/** What a browser's session knows of the session at the provider, for logout in either direction. */
import type { Db } from "./db.ts";
import { prepared, preparedWrite, slots } from "./prepared.ts";
import type { ProviderSessionsTable } from "./schema/schema-federation.ts";

export interface ProviderSession<Details> {
  readonly poolId: string;
  readonly browserHash: string;
  readonly userId: string;
  readonly provider: string;
  /** The key of the identity that signed in (linked-identities.ts). */
  readonly identityKey: string;
  /** SHA-256 of the provider's name of its session, base64url; empty if it gave none. */
  readonly sessionKey: string;
  readonly details: Details;
  readonly createdAt: number;
  readonly expiresAt: number;
}

const place = (poolId: string, hash: string) => `provider_sessions:details_sealed:${poolId}/${hash}` as const;

const columns = [
  "pool_id",
  "browser_hash",
  "user_id",
  "provider_name",
  "identity_key",
  "session_key",
  "details_sealed",
  "created_at",
  "expires_at",
] as const satisfies readonly (keyof ProviderSessionsTable)[];

const putQuery = preparedWrite<ProviderSessionsTable>((kysely, slot) =>
  kysely
    .insertInto("provider_sessions")
    .values(slots(slot, columns))
    .onConflict((conflict) =>
      conflict
        .columns(["pool_id", "browser_hash"])
        .doUpdateSet((set) => Object.fromEntries(columns.map((name) => [name, set.ref(`excluded.${name}`)]))),
    ),
);

/** Stores what is known of the session at the provider, in place of the browser's former one. */
export async function putProviderSession<Details>(db: Db, session: ProviderSession<Details>): Promise<void> {
  await putQuery(db, {
    pool_id: session.poolId,
    browser_hash: session.browserHash,
    user_id: session.userId,
    provider_name: session.provider,
    identity_key: session.identityKey,
    session_key: session.sessionKey,
    details_sealed: db.sealer.seal(
      place(session.poolId, session.browserHash),
      JSON.stringify(session.details),
    ),
    created_at: session.createdAt,
    expires_at: session.expiresAt,
  });
}

function fromRow<Details>(db: Db, row: ProviderSessionsTable): ProviderSession<Details> {
  return {
    poolId: row.pool_id,
    browserHash: row.browser_hash,
    userId: row.user_id,
    provider: row.provider_name,
    identityKey: row.identity_key,
    sessionKey: row.session_key,
    details: JSON.parse(db.sealer.openText(place(row.pool_id, row.browser_hash), row.details_sealed)),
    createdAt: Number(row.created_at),
    expiresAt: Number(row.expires_at),
  };
}

const takeQuery = prepared<{ poolId: string; hash: string }, ProviderSessionsTable>((kysely, slot) =>
  kysely
    .deleteFrom("provider_sessions")
    .where("pool_id", "=", slot("poolId"))
    .where("browser_hash", "=", slot("hash"))
    .returningAll(),
);

/** Takes what a browser's session knows of the provider's; undefined if nothing. */
export async function takeProviderSession<Details>(
  db: Db,
  poolId: string,
  browserHash: string,
): Promise<ProviderSession<Details> | undefined> {
  const [row] = await takeQuery(db, { poolId, hash: browserHash });
  return row && fromRow<Details>(db, row);
}

interface Which {
  readonly poolId: string;
  readonly provider: string;
  readonly key: string;
}

const ofIdentityQuery = prepared<Which, ProviderSessionsTable>((kysely, slot) =>
  kysely
    .selectFrom("provider_sessions")
    .selectAll()
    .where("pool_id", "=", slot("poolId"))
    .where("provider_name", "=", slot("provider"))
    .where("identity_key", "=", slot("key")),
);

const ofSessionQuery = prepared<Which, ProviderSessionsTable>((kysely, slot) =>
  kysely
    .selectFrom("provider_sessions")
    .selectAll()
    .where("pool_id", "=", slot("poolId"))
    .where("provider_name", "=", slot("provider"))
    .where("session_key", "=", slot("key")),
);

/** The sessions of an identity, or those of one session at the provider. */
export async function providerSessionsOf<Details>(
  db: Db,
  { poolId, provider, ...by }: Omit<Which, "key"> & ({ identityKey: string } | { sessionKey: string }),
): Promise<ProviderSession<Details>[]> {
  const rows =
    "identityKey" in by
      ? await ofIdentityQuery(db, { poolId, provider, key: by.identityKey })
      : await ofSessionQuery(db, { poolId, provider, key: by.sessionKey });
  return rows.map((row) => fromRow<Details>(db, row));
}
