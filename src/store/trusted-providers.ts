/** Rows of the OpenID and SAML providers that roles and identity pools trust. */
import type { Db } from "./db.ts";
import { prepared, preparedWrite, slots } from "./prepared.ts";
import type { TrustedProvidersTable } from "./schema/schema-identities.ts";

export type TrustedProvider = {
  /** `arn:aws:iam::<account>:oidc-provider/<host and path>` or `…:saml-provider/<name>`. */
  readonly arn: string;
  readonly createdAt: number;
  readonly updatedAt: number;
} & (
  | { readonly kind: "oidc"; readonly document: TrustedOpenId }
  | { readonly kind: "saml"; readonly document: TrustedSaml }
);

interface TrustedOpenId {
  /** The issuer. */
  readonly url: string;
  /** The audiences of its tokens that are accepted. */
  readonly clientIds: readonly string[];
}

interface TrustedSaml {
  /** The metadata document, XML. */
  readonly metadata: string;
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

/** Adds a provider, or replaces what is known of it. */
export async function putTrustedProvider(db: Db, provider: TrustedProvider): Promise<void> {
  await putQuery(db, {
    provider_arn: provider.arn,
    kind: provider.kind,
    document: JSON.stringify(provider.document),
    created_at: provider.createdAt,
    updated_at: provider.updatedAt,
  });
}

const fromRow = (row: TrustedProvidersTable): TrustedProvider => ({
  arn: row.provider_arn,
  kind: row.kind,
  document: JSON.parse(row.document),
  createdAt: Number(row.created_at),
  updatedAt: Number(row.updated_at),
});

const readQuery = prepared<{ arn: string }, TrustedProvidersTable>((kysely, slot) =>
  kysely.selectFrom("trusted_providers").selectAll().where("provider_arn", "=", slot("arn")),
);

export async function readTrustedProvider(db: Db, arn: string): Promise<TrustedProvider | undefined> {
  const [row] = await readQuery(db, { arn });
  return row && fromRow(row);
}

const deleteQuery = preparedWrite<{ arn: string }>((kysely, slot) =>
  kysely.deleteFrom("trusted_providers").where("provider_arn", "=", slot("arn")),
);

/** Deletes a provider. Returns false if there was none. */
export async function deleteTrustedProvider(db: Db, arn: string): Promise<boolean> {
  return (await deleteQuery(db, { arn })) === 1;
}

const listQuery = prepared<Record<never, never>, TrustedProvidersTable>((kysely) =>
  kysely.selectFrom("trusted_providers").selectAll().orderBy("provider_arn"),
);

/** All providers by ARN; there are few. */
export async function listTrustedProviders(db: Db): Promise<TrustedProvider[]> {
  return (await listQuery(db, {})).map(fromRow);
}
