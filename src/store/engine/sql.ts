/** The few differences between SQLite and PostgreSQL, so that everything else is one text for both. */
import { type CompiledQuery, type Kysely, type RawBuilder, type SqlBool, sql } from "kysely";
import type { Schema } from "../schema/schema.ts";

export type DatabaseKind = "sqlite" | "postgres";

/**
 * A query of which the program has one text for ever. PostgreSQL plans it once per connection, under its name, which no
 * other text may have.
 */
export interface NamedQuery extends CompiledQuery {
  readonly name: string;
  /** Whether it reads a few rows by their key, so that others can wait for its answer. */
  readonly isLookup: boolean;
}

/**
 * In the `returning` of a write: PostgreSQL does not wait until it is on the disk, and may lose it in a crash within the
 * next second. The setting holds for one transaction, which must therefore be the statement's own.
 */
export const withoutDiskWait = sql<string>`set_config('synchronous_commit', 'off', true)`;

/** The column type for bytes. */
export function blobType(kind: DatabaseKind): "blob" | "bytea" {
  return kind === "sqlite" ? "blob" : "bytea";
}

/**
 * The column type for text that is a key or is searched. It must sort by bytes on every database: prefix searches and
 * paging rely on that, and a collation of the operating system changes with its updates.
 */
export function keyText(kind: DatabaseKind): "text" | 'text collate "C"' {
  return kind === "sqlite" ? "text" : 'text collate "C"';
}

/** Whether a table has a column; for migrations, which must be idempotent. */
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

/** Adds a column unless it exists; for migrations, which must be idempotent. */
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
 * The range of all texts with the prefix `value`, in the order of UTF-8 bytes (that is, of code points, not of
 * JavaScript's UTF-16 units): `from <= text and text < to`. `to` is undefined if there is no upper bound.
 */
export function prefixRange(value: string): { readonly from: string; readonly to: string | undefined } {
  const points = [...value.toWellFormed()].map((point) => point.codePointAt(0)!);
  const from = String.fromCodePoint(...points);
  while (points.at(-1) === 0x10ffff) points.pop();
  const last = points.pop();
  if (last === undefined) return { from, to: undefined };
  // Surrogates are not code points of UTF-8: U+D7FF is followed by U+E000.
  const next = last === 0xd7ff ? 0xe000 : last + 1;
  return { from, to: String.fromCodePoint(...points, next) };
}

/**
 * Condition that `column` begins with the prefix of a range, in a form that uses an index (LIKE would depend on
 * settings).
 */
export function startsWith(
  column: string,
  { from, to }: ReturnType<typeof prefixRange>,
): RawBuilder<SqlBool> {
  const reference = sql.ref(column);
  return to === undefined
    ? sql<SqlBool>`${reference} >= ${from}`
    : sql<SqlBool>`(${reference} >= ${from} and ${reference} < ${to})`;
}

/** For the optional parts of an update: the value, or the column as it is if the value is null. */
export function orUnchanged<T>(value: T | null, column: string): RawBuilder<T> {
  return sql<T>`coalesce(${value}, ${sql.ref(column)})`;
}

export type BoundValue = string | number | bigint | null | Uint8Array;

/**
 * Converts a parameter by the same rules on both databases: flags become 0 and 1 (which PostgreSQL also accepts for
 * integers), and values that one of the drivers would silently convert (undefined to null, objects to JSON) are
 * refused.
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
