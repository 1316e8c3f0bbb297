/** Key pairs for SAML, and the metadata of providers that is fetched from a URL. */
import { type Db, inTransaction } from "./db.ts";
import { lookup, preparedWrite, slots } from "./prepared.ts";
import type { SamlKeysTable, SamlMetadataTable } from "./schema/schema-federation.ts";
import { holdPool } from "./user-pools.ts";

export interface SamlKey {
  readonly poolId: string;
  /** The provider that encrypts to it; empty for the key that signs the pool's requests. */
  readonly provider: string;
  /** X.509, DER in base64. */
  readonly certificate: string;
  /** PKCS8 PEM. */
  readonly privateKey: string;
  readonly createdAt: number;
}

const place = (poolId: string, provider: string) => `saml_keys:private_sealed:${poolId}/${provider}` as const;

const insertKeyQuery = preparedWrite<SamlKeysTable>((kysely, slot) =>
  kysely
    .insertInto("saml_keys")
    .values(slots(slot, ["pool_id", "provider_name", "certificate", "private_sealed", "created_at"]))
    .onConflict((conflict) => conflict.columns(["pool_id", "provider_name"]).doNothing()),
);

/** Adds a key pair unless there is one. */
export async function insertSamlKey(db: Db, key: SamlKey): Promise<void> {
  await insertKeyQuery(db, {
    pool_id: key.poolId,
    provider_name: key.provider,
    certificate: key.certificate,
    private_sealed: db.sealer.seal(place(key.poolId, key.provider), key.privateKey),
    created_at: key.createdAt,
  });
}

/** Adds the key that signs a pool's requests, unless there is one. Returns false if the pool is gone. */
export function addSigningKey(db: Db, key: Omit<SamlKey, "provider">): Promise<boolean> {
  return inTransaction(db, async (tx) => {
    if (!(await holdPool(tx, key.poolId))) return false;
    await insertSamlKey(tx, { ...key, provider: "" });
    return true;
  });
}

const readKeyQuery = lookup<{ poolId: string; provider: string }, SamlKeysTable>((kysely, slot) =>
  kysely
    .selectFrom("saml_keys")
    .selectAll()
    .where("pool_id", "=", slot("poolId"))
    .where("provider_name", "=", slot("provider")),
);

/** @param provider empty for the key that signs the pool's requests */
export async function readSamlKey(db: Db, poolId: string, provider: string): Promise<SamlKey | undefined> {
  const [row] = await readKeyQuery(db, { poolId, provider });
  if (row === undefined) return undefined;
  return {
    poolId,
    provider,
    certificate: row.certificate,
    privateKey: db.sealer.openText(place(poolId, provider), row.private_sealed),
    createdAt: Number(row.created_at),
  };
}

export interface SamlMetadata {
  /** The user pool that the provider belongs to; `identityPoolsOwner` if identity pools trust it. */
  readonly poolId: string;
  /** Its name; its ARN if identity pools trust it. */
  readonly provider: string;
  readonly url: string;
  /** The XML. */
  readonly document: string;
  readonly fetchedAt: number;
  /** When to fetch it again, epoch milliseconds. */
  readonly refreshAt: number;
  /** After which it must not be used (validUntil), epoch milliseconds. */
  readonly validUntil: number | undefined;
}

const putMetadataQuery = preparedWrite<SamlMetadataTable>((kysely, slot) =>
  kysely
    .insertInto("saml_metadata")
    .values(
      slots(slot, ["pool_id", "provider_name", "url", "document", "fetched_at", "refresh_at", "valid_until"]),
    )
    .onConflict((conflict) =>
      conflict.columns(["pool_id", "provider_name"]).doUpdateSet((set) => ({
        url: set.ref("excluded.url"),
        document: set.ref("excluded.document"),
        fetched_at: set.ref("excluded.fetched_at"),
        refresh_at: set.ref("excluded.refresh_at"),
        valid_until: set.ref("excluded.valid_until"),
      })),
    ),
);

/** Stores fetched metadata in place of the former. */
export async function putSamlMetadata(db: Db, metadata: SamlMetadata): Promise<void> {
  await putMetadataQuery(db, {
    pool_id: metadata.poolId,
    provider_name: metadata.provider,
    url: metadata.url,
    document: metadata.document,
    fetched_at: metadata.fetchedAt,
    refresh_at: metadata.refreshAt,
    valid_until: metadata.validUntil ?? null,
  });
}

const readMetadataQuery = lookup<{ poolId: string; provider: string }, SamlMetadataTable>((kysely, slot) =>
  kysely
    .selectFrom("saml_metadata")
    .selectAll()
    .where("pool_id", "=", slot("poolId"))
    .where("provider_name", "=", slot("provider")),
);

export async function readSamlMetadata(
  db: Db,
  poolId: string,
  provider: string,
): Promise<SamlMetadata | undefined> {
  const [row] = await readMetadataQuery(db, { poolId, provider });
  if (row === undefined) return undefined;
  return {
    poolId,
    provider,
    url: row.url,
    document: row.document,
    fetchedAt: Number(row.fetched_at),
    refreshAt: Number(row.refresh_at),
    validUntil: row.valid_until === null ? undefined : Number(row.valid_until),
  };
}

const deleteMetadataQuery = preparedWrite<{ poolId: string; provider: string }>((kysely, slot) =>
  kysely
    .deleteFrom("saml_metadata")
    .where("pool_id", "=", slot("poolId"))
    .where("provider_name", "=", slot("provider")),
);

/** Forgets the metadata of a provider, if any was fetched. */
export async function deleteSamlMetadata(db: Db, poolId: string, provider: string): Promise<void> {
  await deleteMetadataQuery(db, { poolId, provider });
}
