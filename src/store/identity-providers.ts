/** Rows of identity providers, and of the identifiers by which requests may name them. */
import { type SqlBool, sql } from "kysely";
import { type Db, inTransaction } from "./db.ts";
import {
  type ListSlots,
  listed,
  listValues,
  lookup,
  mostListed,
  prepared,
  preparedWrite,
  slots,
} from "./prepared.ts";
import { insertSamlKey, type SamlKey } from "./saml-keys.ts";
import type { IdentityProvidersTable, ProviderIdentifiersTable } from "./schema/schema-federation.ts";
import { holdPool } from "./user-pools.ts";

export type ProviderType = IdentityProvidersTable["type"];

/** The settings of a provider as on the wire; `ProviderDetails` without its secret members. */
export interface ProviderDocument {
  readonly ProviderDetails: Readonly<Record<string, string>>;
  readonly AttributeMapping: Readonly<Record<string, string>>;
  readonly IdpIdentifiers: readonly string[];
  readonly AcrMapping?: Readonly<Record<string, string>>;
}

export interface ProviderRow {
  readonly poolId: string;
  readonly name: string;
  readonly type: ProviderType;
  readonly version: number;
  readonly document: ProviderDocument;
  /** The secret members of ProviderDetails. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** An identifier of another provider of the pool is given. */
export class IdentifierTaken extends Error {}

interface ProviderKey {
  readonly poolId: string;
  readonly name: string;
}

const place = ({ poolId, name }: ProviderKey) =>
  `identity_providers:secrets_sealed:${poolId}/${name}` as const;

function fromRow(db: Db, row: IdentityProvidersTable): ProviderRow {
  const key = { poolId: row.pool_id, name: row.provider_name };
  return {
    ...key,
    type: row.type,
    version: row.version,
    document: JSON.parse(row.document),
    secrets: JSON.parse(db.sealer.openText(place(key), row.secrets_sealed)),
    createdAt: Number(row.created_at),
    updatedAt: Number(row.updated_at),
  };
}

const insertQuery = preparedWrite<IdentityProvidersTable>((kysely, slot) =>
  kysely
    .insertInto("identity_providers")
    .values(
      slots(slot, [
        "pool_id",
        "provider_name",
        "prefix_key",
        "type",
        "version",
        "document",
        "secrets_sealed",
        "created_at",
        "updated_at",
      ]),
    )
    // By the name, or by one that differs only by case.
    .onConflict((conflict) => conflict.doNothing()),
);

const insertIdentifierQuery = preparedWrite<ProviderIdentifiersTable>((kysely, slot) =>
  kysely
    .insertInto("provider_identifiers")
    .values(slots(slot, ["pool_id", "identifier_key", "provider_name"]))
    .onConflict((conflict) => conflict.columns(["pool_id", "identifier_key"]).doNothing()),
);

const deleteIdentifiersQuery = preparedWrite<ProviderKey>((kysely, slot) =>
  kysely
    .deleteFrom("provider_identifiers")
    .where("pool_id", "=", slot("poolId"))
    .where("provider_name", "=", slot("name")),
);

/** The key of an identifier: identifiers are compared without regard to case. */
export const identifierKey = (identifier: string): string => identifier.toLowerCase();

/** How usernames and names of providers are compared: as composed as sign-in names are (domain/user-pools/login-names.ts). */
const prefixKey = (name: string): string => name.normalize("NFC").toLowerCase().normalize("NFC");

async function insertIdentifiers(
  tx: Db,
  { poolId, name, document }: ProviderKey & Pick<ProviderRow, "document">,
): Promise<void> {
  for (const identifier of document.IdpIdentifiers) {
    const row = { pool_id: poolId, identifier_key: identifierKey(identifier), provider_name: name };
    if ((await insertIdentifierQuery(tx, row)) === 0) throw new IdentifierTaken(identifier);
  }
}

/**
 * Adds a provider, and the key that it encrypts to, if any. `exists`: the pool has a provider of this name, in whatever case.
 * `no-pool`: the pool is gone. Throws IdentifierTaken.
 */
export function insertProvider(
  db: Db,
  provider: ProviderRow,
  encryptionKey?: SamlKey,
): Promise<"added" | "exists" | "no-pool"> {
  return inTransaction(db, async (tx) => {
    if (!(await holdPool(tx, provider.poolId))) return "no-pool";
    const added = await insertQuery(tx, {
      pool_id: provider.poolId,
      provider_name: provider.name,
      prefix_key: prefixKey(provider.name),
      type: provider.type,
      version: provider.version,
      document: JSON.stringify(provider.document),
      secrets_sealed: tx.sealer.seal(place(provider), JSON.stringify(provider.secrets)),
      created_at: provider.createdAt,
      updated_at: provider.updatedAt,
    });
    if (added === 0) return "exists";
    await insertIdentifiers(tx, provider);
    if (encryptionKey !== undefined) await insertSamlKey(tx, encryptionKey);
    return "added";
  });
}

const readQuery = lookup<ProviderKey, IdentityProvidersTable>((kysely, slot) =>
  kysely
    .selectFrom("identity_providers")
    .selectAll()
    .where("pool_id", "=", slot("poolId"))
    .where("provider_name", "=", slot("name")),
);

export async function readProvider(db: Db, poolId: string, name: string): Promise<ProviderRow | undefined> {
  const [row] = await readQuery(db, { poolId, name });
  return row && fromRow(db, row);
}

const versionQuery = lookup<ProviderKey, Pick<IdentityProvidersTable, "version" | "created_at">>(
  (kysely, slot) =>
    kysely
      .selectFrom("identity_providers")
      .select(["version", "created_at"])
      .where("pool_id", "=", slot("poolId"))
      .where("provider_name", "=", slot("name")),
);

/** When a provider was added, and its version, to check whether a cached one is current; undefined if it is gone. */
export async function readProviderVersion(
  db: Db,
  poolId: string,
  name: string,
): Promise<{ readonly version: number; readonly createdAt: number } | undefined> {
  const [row] = await versionQuery(db, { poolId, name });
  return row && { version: row.version, createdAt: Number(row.created_at) };
}

/** Whether a provider exists, and has since `at`: one of the same name that was added later is another. */
export async function isProviderSince(db: Db, poolId: string, name: string, at: number): Promise<boolean> {
  const found = await readProviderVersion(db, poolId, name);
  return found !== undefined && found.createdAt <= at;
}

const byIdentifierQuery = lookup<{ poolId: string; key: string }, { provider_name: string }>((kysely, slot) =>
  kysely
    .selectFrom("provider_identifiers")
    .select("provider_name")
    .where("pool_id", "=", slot("poolId"))
    .where("identifier_key", "=", slot("key")),
);

/** The name of the provider with this identifier. */
export async function providerNameOf(
  db: Db,
  poolId: string,
  identifier: string,
): Promise<string | undefined> {
  const [row] = await byIdentifierQuery(db, { poolId, key: identifierKey(identifier) });
  return row?.provider_name;
}

interface ProviderChange extends ProviderKey {
  readonly version: number;
  readonly document: ProviderDocument;
  readonly secrets: Readonly<Record<string, string>>;
  readonly now: number;
}

const updateQuery = preparedWrite<
  Pick<ProviderChange, "poolId" | "name" | "version" | "now"> & { document: string; secrets: Uint8Array }
>((kysely, slot) =>
  kysely
    .updateTable("identity_providers")
    .set((row) => ({
      version: row("version", "+", 1),
      document: slot("document"),
      secrets_sealed: slot("secrets"),
      updated_at: slot("now"),
    }))
    .where("pool_id", "=", slot("poolId"))
    .where("provider_name", "=", slot("name"))
    .where("version", "=", slot("version")),
);

/**
 * Replaces a provider's settings if it still has `version`. Returns false if it was changed in the meantime. Throws
 * IdentifierTaken.
 */
export function updateProvider(db: Db, change: ProviderChange): Promise<boolean> {
  return inTransaction(db, async (tx) => {
    const { poolId, name, version, now } = change;
    const secrets = tx.sealer.seal(place(change), JSON.stringify(change.secrets));
    const document = JSON.stringify(change.document);
    if ((await updateQuery(tx, { poolId, name, version, now, document, secrets })) === 0) return false;
    await deleteIdentifiersQuery(tx, { poolId, name });
    await insertIdentifiers(tx, change);
    return true;
  });
}

const deleteQuery = preparedWrite<ProviderKey>((kysely, slot) =>
  kysely
    .deleteFrom("identity_providers")
    .where("pool_id", "=", slot("poolId"))
    .where("provider_name", "=", slot("name")),
);

const ofProvider = (["federated_sign_ins", "saml_keys", "saml_metadata"] as const).map((table) =>
  preparedWrite<ProviderKey>((kysely, slot) =>
    kysely.deleteFrom(table).where("pool_id", "=", slot("poolId")).where("provider_name", "=", slot("name")),
  ),
);

/**
 * Deletes a provider with its identifiers, keys, metadata and waiting sign-ins. Its users stay. Returns false if there
 * was none.
 */
export function deleteProvider(db: Db, poolId: string, name: string): Promise<boolean> {
  return inTransaction(db, async (tx) => {
    const key = { poolId, name };
    if ((await deleteQuery(tx, key)) === 0) return false;
    await deleteIdentifiersQuery(tx, key);
    for (const remove of ofProvider) await remove(tx, key);
    return true;
  });
}

/** What lists and buttons show of a provider. */
export type ProviderHead = Pick<ProviderRow, "name" | "type" | "createdAt" | "updatedAt">;

const listQuery = prepared<
  { poolId: string; after: string; limit: number },
  Pick<IdentityProvidersTable, "provider_name" | "type" | "created_at" | "updated_at">
>((kysely, slot) =>
  kysely
    .selectFrom("identity_providers")
    .select(["provider_name", "type", "created_at", "updated_at"])
    .where("pool_id", "=", slot("poolId"))
    .where("provider_name", ">", slot("after"))
    .orderBy("provider_name")
    .limit(slot("limit")),
);

/** A page of a pool's providers by name, beginning after the given one. */
export async function listProviders(
  db: Db,
  poolId: string,
  page: { readonly after: string; readonly limit: number },
): Promise<ProviderHead[]> {
  const rows = await listQuery(db, { poolId, ...page });
  return rows.map((row) => ({
    name: row.provider_name,
    type: row.type,
    createdAt: Number(row.created_at),
    updatedAt: Number(row.updated_at),
  }));
}

/** What the sign-in page shows of a provider. */
export interface ProviderButton {
  readonly name: string;
  readonly type: ProviderType;
  /** Whether it has identifiers, by which users can be sent to it. */
  readonly identified: boolean;
}

const buttonsQuery = lookup<
  { poolId: string } & ListSlots,
  Pick<IdentityProvidersTable, "provider_name" | "type"> & { identifier: string | null }
>((kysely, slot) =>
  kysely
    .selectFrom("identity_providers")
    .select(["provider_name", "type"])
    .select((from) =>
      from
        .selectFrom("provider_identifiers")
        .select((of) => of.fn.min("identifier_key").as("first"))
        .whereRef("provider_identifiers.pool_id", "=", "identity_providers.pool_id")
        .whereRef("provider_identifiers.provider_name", "=", "identity_providers.provider_name")
        .as("identifier"),
    )
    .where("pool_id", "=", slot("poolId"))
    .where("provider_name", "in", listed<string>(slot)),
);

/** Reads which of the named providers the pool has, in the order of the names. One statement for each five names. */
export async function providerButtons(
  db: Db,
  poolId: string,
  names: readonly string[],
): Promise<ProviderButton[]> {
  const found = new Map<string, ProviderButton>();
  for (let at = 0; at < names.length; at += mostListed) {
    const some = listValues(names.slice(at, at + mostListed));
    for (const row of await buttonsQuery(db, { poolId, ...some })) {
      const { provider_name: name, type, identifier } = row;
      found.set(name, { name, type, identified: identifier !== null });
    }
  }
  return names.flatMap((name) => found.get(name) ?? []);
}

const prefixQuery = prepared<{ poolId: string; username: string }, { provider_name: string }>(
  (kysely, slot) =>
    kysely
      .selectFrom("identity_providers")
      .select("provider_name")
      .where("pool_id", "=", slot("poolId"))
      .where(
        sql<SqlBool>`substr(cast(${slot("username")} as text), 1, length(prefix_key) + 1) = prefix_key || '_'`,
      )
      .limit(1),
);

/** Whether a username is reserved: it begins as those of some provider's users do, in whatever case. */
export async function isProvidersName(db: Db, poolId: string, username: string): Promise<boolean> {
  if (!username.includes("_")) return false;
  return (await prefixQuery(db, { poolId, username: prefixKey(username) })).length > 0;
}
