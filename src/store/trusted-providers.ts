/** Rows of the OpenID and SAML providers that roles and identity pools trust (IAM identity providers). */
import type { Db } from "./db.ts";
import { lookup, prepared, preparedWrite, slots } from "./prepared.ts";
import { deleteSamlMetadata } from "./saml-keys.ts";
import type { TrustedProvidersTable } from "./schema/schema-identities.ts";
import { identityPoolsOwner } from "./signing-keys.ts";

export type TrustedProvider = TrustedOpenId | TrustedSaml;

interface Times {
  readonly createdAt: number;
  readonly updatedAt: number;
}

interface TrustedOpenId extends Times {
  readonly kind: "oidc";
  /** `arn:aws:iam::<account>:oidc-provider/<host and path>`. */
  readonly arn: string;
  readonly document: {
    /** The issuer. */
    readonly url: string;
    /** The audiences of its tokens that are accepted. */
    readonly clientIds: readonly string[];
  };
}

export interface TrustedSaml extends Times {
  readonly kind: "saml";
  /** `arn:aws:iam::<account>:saml-provider/<name>`. */
  readonly arn: string;
  readonly document: {
    /** MetadataFile or MetadataURL, as in the ProviderDetails of a user pool's provider. */
    readonly details: Readonly<Record<string, string>>;
    /** The audiences of its assertions that are accepted, and where these may have been sent; undefined for the usual ones. */
    readonly audiences?: readonly string[];
    readonly recipients?: readonly string[];
  };
}

const putQuery = preparedWrite<TrustedProvidersTable>((kysely, slot) =>
  kysely
    .insertInto("trusted_providers")
    .values(slots(slot, ["provider_arn", "kind", "document", "created_at", "updated_at"]))
    .onConflict((conflict) =>
      conflict.column("provider_arn").doUpdateSet((set) => ({
        document: set.ref("excluded.document"),
        updated_at: set.ref("excluded.updated_at"),
      })),
    ),
);

/** Adds a provider, or replaces all that is known of it. Several statements: for a transaction. */
export async function putTrustedProvider(tx: Db, provider: TrustedProvider): Promise<void> {
  await putQuery(tx, {
    provider_arn: provider.arn,
    kind: provider.kind,
    document: JSON.stringify(provider.document),
    created_at: provider.createdAt,
    updated_at: provider.updatedAt,
  });
  await deleteSamlMetadata(tx, identityPoolsOwner, provider.arn);
}

/** A document has the form of its kind: only `putTrustedProvider` writes it. */
const fromRow = (row: TrustedProvidersTable): TrustedProvider =>
  ({
    arn: row.provider_arn,
    kind: row.kind,
    document: JSON.parse(row.document),
    createdAt: Number(row.created_at),
    updatedAt: Number(row.updated_at),
  }) as TrustedProvider;

const readQuery = lookup<{ arn: string }, TrustedProvidersTable>((kysely, slot) =>
  kysely.selectFrom("trusted_providers").selectAll().where("provider_arn", "=", slot("arn")),
);

export async function readTrustedProvider(db: Db, arn: string): Promise<TrustedProvider | undefined> {
  const [row] = await readQuery(db, { arn });
  return row && fromRow(row);
}

const deleteQuery = preparedWrite<{ arn: string }>((kysely, slot) =>
  kysely.deleteFrom("trusted_providers").where("provider_arn", "=", slot("arn")),
);

/** Deletes a provider, and the metadata fetched of it. Returns false if there was none. Several statements: for a transaction. */
export async function deleteTrustedProvider(tx: Db, arn: string): Promise<boolean> {
  if ((await deleteQuery(tx, { arn })) === 0) return false;
  await deleteSamlMetadata(tx, identityPoolsOwner, arn);
  return true;
}

const listQuery = prepared<Record<never, never>, TrustedProvidersTable>((kysely) =>
  kysely.selectFrom("trusted_providers").selectAll().orderBy("provider_arn"),
);

/** All providers by ARN; there are few. */
export async function listTrustedProviders(db: Db): Promise<TrustedProvider[]> {
  return (await listQuery(db, {})).map(fromRow);
}
