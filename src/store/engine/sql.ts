/** The few places where SQLite and PostgreSQL differ, so that everything else is one text for both. */
import { type Kysely, type RawBuilder, type SqlBool, sql } from "kysely";
import type { Schema } from "../schema/schema.ts";

export type DatabaseKind = "sqlite" | "postgres";

/** Column type for bytes. */
export function blobType(kind: DatabaseKind): "blob" | "bytea" {
  return kind === "sqlite" ? "blob" : "bytea";
}

/**
 * Column type for text that is a key or is searched. Its order must be that of the bytes on every database:
 * prefix searches and paging rely on it, and a collation of the operating system changes with its updates.
 */
export function keyText(kind: DatabaseKind): "text" | 'text collate "C"' {
  return kind === "sqlite" ? "text" : 'text collate "C"';
}

/** Whether a table has a column: for migrations, which can run twice. */
export async function hasColumn(
  kysely: Kysely<Schema>,
  kind: DatabaseKind,
  table: string,
  column: string,
): Promise<boolean> {
  const found =
    kind === "sqlite"
      ? sql`select 1 from pragma_table_info(${table}) where name = ${column}`
      : sql`select 1 from pg_attribute
          where attrelid = to_regclass(${table}) and attname = ${column} and not attisdropped`;
  return (await found.execute(kysely)).rows.length > 0;
}

/** Adds a column unless it is there: for migrations, which can run twice. */
export async function addColumn(
  kysely: Kysely<Schema>,
  kind: DatabaseKind,
  table: string,
  column: string,
  type: string,
): Promise<void> {
  // SQLite has no "add column if not exists".
  if (kind === "sqlite" && (await hasColumn(kysely, kind, table, column))) return;
  const unless = kind === "sqlite" ? "" : "if not exists";
  await sql.raw(`alter table ${table} add column ${unless} ${column} ${type}`).execute(kysely);
}

/**
 * The range of all texts that begin with `value`, in the order of UTF-8 bytes (which is that of code points, not
 * that of JavaScript's UTF-16 units): `from <= text and text < to`. `to` is undefined where there is no upper end.
 */
export function prefixRange(value: string): { readonly from: string; readonly to: string | undefined } {
  const points = [...value.toWellFormed()].map((point) => point.codePointAt(0)!);
  const from = String.fromCodePoint(...points);
  while (points.at(-1) === 0x10ffff) points.pop();
  const last = points.pop();
  if (last === undefined) return { from, to: undefined };
  // Surrogates are no code points of UTF-8: the neighbour of U+D7FF is U+E000.
  const next = last === 0xd7ff ? 0xe000 : last + 1;
  return { from, to: String.fromCodePoint(...points, next) };
}

/** `column` begins with `value`, written so that an index on the column is sought (LIKE would depend on settings). */
export function startsWith(column: string, value: string): RawBuilder<SqlBool> {
  const { from, to } = prefixRange(value);
  const reference = sql.ref(column);
  return to === undefined
    ? sql<SqlBool>`${reference} >= ${from}`
    : sql<SqlBool>`(${reference} >= ${from} and ${reference} < ${to})`;
}

export type BoundValue = string | number | bigint | null | Uint8Array;

/**
 * One rule for parameters on both databases: flags become 0 and 1 (PostgreSQL takes them for integers too), and
 * whatever one driver would quietly turn into something else (undefined into null, objects into JSON) is refused.
 */
export function bindParameter(value: unknown): BoundValue {
  switch (typeof value) {
    case "string":
    case "bigint":
      return value;
    case "number":
      if (Number.isFinite(value)) return value;
      throw new TypeError("A query parameter is not a finite number.");
    case "boolean":
      return value ? 1 : 0;
    default:
      if (value === null || value instanceof Uint8Array) return value;
      throw new TypeError(
        `A query parameter is ${value === undefined ? "undefined" : `of type ${typeof value}`}: ` +
          "only text, numbers, flags, bytes and null can be stored.",
      );
  }
}
