/**
 * Reseals values under the active data key that are sealed under a replaced one. Works row by row next to running
 * servers: a value is replaced only if it is unchanged since it was read, so no concurrent write is lost, and an
 * interrupted pass can simply be started again.
 */
import { setTimeout as delay } from "node:timers/promises";
import { type Kysely, type RawBuilder, type SqlBool, sql } from "kysely";
import { concat, fromBase64, toBase64, utf8 } from "../../lib/bytes.ts";
import { SealError, sealedKeyId } from "../../lib/seal.ts";
import type { Db } from "../db.ts";
import { affected } from "../engine/transaction.ts";
import { keyCheck } from "../keys/sealer.ts";
import type { Schema } from "../schema/schema.ts";
import { placeOf, type SealedTableName, sealedTables, selectSealed } from "./sealed-columns.ts";

export interface Resealed {
  /** Values resealed. */
  readonly resealed: number;
  /** Values found under a replaced key, whatever became of them. */
  readonly found: number;
  /** Places of values that cannot be opened: altered, or moved to another row. */
  readonly broken: readonly string[];
}

type Row = Record<string, unknown>;

/** Rows read at once. Each is updated by its own statement, so that no lock is held for long. */
const batchSize = 100;

/** Makes one pass over all sealed columns. Reports after each batch how many values were found so far. */
export async function reseal(
  db: Db,
  replaced: readonly string[],
  onBatch: (found: number) => void | Promise<void> = () => {},
): Promise<Resealed> {
  const total = { resealed: 0, found: 0, broken: [] as string[] };
  for (const table of Object.keys(sealedTables) as SealedTableName[]) {
    let after: Row | undefined;
    for (;;) {
      const began = performance.now();
      const rows = await readBatch(db, table, replaced, after);
      const values = rows.flatMap((row) => sealedTables[table].columns.map((column) => ({ row, column })));
      const old = values.filter(({ row, column }) => isUnder(replaced, row[column]));
      const outcomes = await Promise.all(old.map(({ row, column }) => resealOne(db, table, column, row)));
      total.found += old.length;
      total.resealed += outcomes.filter((outcome) => outcome === "resealed").length;
      total.broken.push(...outcomes.filter((outcome) => outcome !== "resealed" && outcome !== "changed"));
      if (rows.length > 0) await onBatch(total.found);
      if (rows.length < batchSize) break;
      // Leaves half of the time to the servers: this is one more writer, and SQLite has one at a time.
      await delay(performance.now() - began);
      after = rows.at(-1);
    }
  }
  const check = await resealKeyCheck(db, replaced);
  return { ...total, resealed: total.resealed + check, found: total.found + check };
}

const isUnder = (keyIds: readonly string[], value: unknown): boolean =>
  value instanceof Uint8Array && keyIds.some((id) => startsWith(value, headOf(id)));

/** The first bytes of values sealed under this key (lib/seal.ts). */
const headOf = (keyId: string): Uint8Array => {
  const id = utf8(keyId);
  return concat(Uint8Array.of(1, id.length), id);
};

const startsWith = (value: Uint8Array, head: Uint8Array): boolean =>
  head.every((byte, index) => value[index] === byte);

/** The next rows with a value sealed under a replaced key, in the order of the primary key. */
async function readBatch(
  { kysely }: Db,
  table: SealedTableName,
  replaced: readonly string[],
  after: Row | undefined,
): Promise<Row[]> {
  const { key, columns } = sealedTables[table];
  const keyColumns = sql.join(key.map((name) => sql.ref(name)));
  const old = columns.flatMap((column) =>
    replaced.map((id) => {
      const head = headOf(id);
      return sql<SqlBool>`substr(${sql.ref(column)}, 1, ${sql.lit(head.length)}) = ${head}`;
    }),
  );
  const beyond: RawBuilder<unknown> = after
    ? sql`and (${keyColumns}) > (${sql.join(key.map((name) => after[name]))})`
    : sql``;
  const found = await sql<Row>`
    ${selectSealed(table)}
    where (${sql.join(old, sql` or `)}) ${beyond} order by ${keyColumns} limit ${sql.lit(batchSize)}`.execute(
    kysely,
  );
  return found.rows;
}

/**
 * Commits of these statements on PostgreSQL need not be on the disk when they return: the next pass finds what a crash
 * undoes, and the deletion of the former key, which does wait for the disk, makes all of them durable. Set for the
 * statement only, so that no connection of a pooler keeps the setting. On a cluster it would not reach the machine that
 * has the row.
 */
function notAwaited({ kind, distributed }: Db): RawBuilder<unknown> {
  return kind === "postgres" && !distributed
    ? sql`and set_config('synchronous_commit', 'off', true) = 'off'`
    : sql``;
}

/**
 * Reseals a value. Returns `changed` if a server wrote another value in the meantime or removed the row; if the value
 * cannot be opened, its place.
 */
async function resealOne(db: Db, table: SealedTableName, column: string, row: Row): Promise<string> {
  const place = placeOf(table, column, row);
  const old = row[column] as Uint8Array;
  const plaintext = openOrUndefined(() => db.sealer.open(place, old));
  if (plaintext === undefined) return place;
  const value = db.sealer.seal(place, plaintext);
  const where = sealedTables[table].key.map((name) => sql`${sql.ref(name)} = ${row[name]}`);
  const result = await sql`
    update ${sql.table(table)} set ${sql.ref(column)} = ${value}
    where ${sql.join(where, sql` and `)} and ${sql.ref(column)} = ${old} ${notAwaited(db)}`.execute(
    db.kysely,
  );
  return result.numAffectedRows === 1n ? "resealed" : "changed";
}

function openOrUndefined(open: () => Uint8Array): Uint8Array | undefined {
  try {
    return open();
  } catch (error) {
    if (error instanceof SealError) return undefined;
    throw error;
  }
}

/** Reseals the one sealed value outside the sealed columns, stored as text in `poolhouse_meta`. */
async function resealKeyCheck({ kysely, sealer }: Db, replaced: readonly string[]): Promise<number> {
  const row = await readKeyCheck(kysely);
  const sealed = row === undefined ? undefined : fromBase64(row);
  if (row === undefined || sealed === undefined || !replaced.includes(sealedKeyId(sealed))) return 0;
  const value = toBase64(sealer.seal(keyCheck.place, sealer.open(keyCheck.place, sealed)));
  const result = await kysely
    .updateTable("poolhouse_meta")
    .set({ value })
    .where("key", "=", keyCheck.key)
    .where("value", "=", row)
    .executeTakeFirst();
  return affected(result);
}

async function readKeyCheck(kysely: Kysely<Schema>): Promise<string | undefined> {
  const row = await kysely
    .selectFrom("poolhouse_meta")
    .select("value")
    .where("key", "=", keyCheck.key)
    .executeTakeFirst();
  return row?.value;
}
