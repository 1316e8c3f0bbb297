/**
 * Every sealed column: of which table, by which primary key its rows are found, and which of its columns make the
 * place a value is bound to (`table:column:a/b`). A test holds this against the tables.
 */
import type { Place } from "./sealer.ts";

export interface SealedTable {
  readonly key: readonly string[];
  readonly place: readonly string[];
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
  credentials: ofPool("user_id", "password_sealed", "srp_sealed", "history_sealed"),
  sign_ins: ofPool("sign_in_id", "state_sealed"),
  token_families: ofPool("family_id", "key_sealed"),
  outbox: ofPool("message_id", "message_sealed"),
} as const satisfies Readonly<Record<string, SealedTable>>;

export type SealedTableName = keyof typeof sealedTables;

/** Where the value of a row's column stands. */
export function placeOf(
  table: SealedTableName,
  column: string,
  row: Readonly<Record<string, unknown>>,
): Place {
  return `${table}:${column}:${sealedTables[table].place.map((name) => row[name]).join("/")}`;
}
