/**
 * THE list of sealed columns: their table, its primary key, and the columns that make up the place that a value is
 * bound to (`table:column:a/b`). A test compares it with the tables.
 */
import { type RawBuilder, sql } from "kysely";
import type { Place } from "../keys/sealer.ts";

export interface SealedTable {
  readonly key: readonly string[];
  readonly place: readonly string[];
  /** If the place is in another table: how to find its row. */
  readonly placeFrom?: string;
  readonly columns: readonly string[];
}

const ofPool = (id: string, ...columns: string[]): SealedTable => ({
  key: ["pool_id", id],
  place: ["pool_id", id],
  columns,
});

export const sealedTables = {
  access_keys: { key: ["access_key_id"], place: ["access_key_id"], columns: ["secret_sealed"] },
  pools: { key: ["pool_id"], place: ["pool_id"], columns: ["fake_secret_sealed"] },
  client_secrets: {
    key: ["pool_id", "client_id", "secret_id"],
    place: ["client_id", "secret_id"],
    columns: ["secret_sealed"],
  },
  signing_keys: ofPool("kid", "private_sealed"),
  credentials: {
    key: ["pool_id", "user_number"],
    place: ["pool_id", "user_id"],
    placeFrom:
      "join (select pool_id, number as user_number, user_id from users) owner using (pool_id, user_number)",
    columns: ["password_sealed", "srp_sealed", "history_sealed"],
  },
  software_tokens: {
    key: ["pool_id", "user_id"],
    place: ["pool_id", "user_id"],
    columns: ["seed_sealed", "pending_sealed"],
  },
  devices: {
    key: ["pool_id", "user_id", "device_key"],
    place: ["pool_id", "user_id", "device_key"],
    columns: ["srp_sealed"],
  },
  sign_ins: ofPool("sign_in_id", "state_sealed"),
  token_families: ofPool("family_id", "key_sealed"),
  outbox: ofPool("message_id", "message_sealed"),
  identity_providers: ofPool("provider_name", "secrets_sealed"),
  federated_sign_ins: ofPool("handle_hash", "state_sealed"),
  provider_sessions: ofPool("browser_hash", "details_sealed"),
  saml_keys: ofPool("provider_name", "private_sealed"),
} as const satisfies Readonly<Record<string, SealedTable>>;

export type SealedTableName = keyof typeof sealedTables;

/** Selects everything by which a table's sealed values are found and bound, and the values; conditions may follow. */
export function selectSealed(table: SealedTableName): RawBuilder<Record<string, unknown>> {
  const { key, place, columns, placeFrom = "" }: SealedTable = sealedTables[table];
  const selected = [...new Set([...key, ...place, ...columns])].map((name) => sql.ref(name));
  return sql`select ${sql.join(selected)} from ${sql.table(table)} ${sql.raw(placeFrom)}`;
}

/** The place of a row's sealed column. */
export function placeOf(
  table: SealedTableName,
  column: string,
  row: Readonly<Record<string, unknown>>,
): Place {
  return `${table}:${column}:${sealedTables[table].place.map((name) => row[name]).join("/")}`;
}
