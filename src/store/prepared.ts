/**
 * Prepared forms of statements, compiled once: building and compiling one costs Kysely more than SQLite takes to run
 * it. Values are named slots, filled in at each call. On PostgreSQL each has a name, so that a connection plans it once.
 */
import { createHash } from "node:crypto";
import type { Compilable, Kysely, QueryResult, RawBuilder } from "kysely";
import type { Db } from "./db.ts";
import type { BoundValue, DatabaseKind, NamedQuery } from "./engine/sql.ts";
import type { Schema } from "./schema/schema.ts";

export type Slots<V> = <Name extends keyof V & string>(name: Name) => V[Name];
type Values<V> = { readonly [Name in keyof V]: BoundValue };
type Build<V extends Values<V>, Row> = (
  kysely: Kysely<Schema>,
  slot: Slots<V>,
  kind: DatabaseKind,
) => Compilable<Row> | RawBuilder<Row>;

/** The columns of a table that a left join may find nothing in. */
export type Nullable<Row> = { readonly [Column in keyof Row]: Row[Column] | null };

class Slot {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** A statement of the program, in the text that each kind of database gets. */
class Statement<V extends Values<V>, Row> {
  readonly #build: Build<V, Row>;
  readonly #isLookup: boolean;
  readonly #compiled = new Map<DatabaseKind, NamedQuery>();

  constructor(build: Build<V, Row>, isLookup: boolean) {
    this.#build = build;
    this.#isLookup = isLookup;
  }

  compile(kysely: Kysely<Schema>, kind: DatabaseKind): NamedQuery {
    let query = this.#compiled.get(kind);
    if (query === undefined) {
      // Kysely passes parameters on unchanged, so each slot comes out where it went in.
      const compiled = this.#build(
        kysely,
        (name) => new Slot(name) as unknown as V[typeof name],
        kind,
      ).compile(kysely);
      if (this.#isLookup && !/^select\b/i.test(compiled.sql)) throw new Error(`No lookup: ${compiled.sql}`);
      query = { ...compiled, name: nameOf(compiled.sql), isLookup: this.#isLookup };
      this.#compiled.set(kind, query);
    }
    return query;
  }

  async run({ kysely, kind, direct }: Db, values: V): Promise<QueryResult<Row>> {
    const query = this.compile(kysely, kind);
    const named = values as Readonly<Record<string, BoundValue>>;
    const parameters = query.parameters.map((value) => (value instanceof Slot ? named[value.name] : value));
    const filled: NamedQuery = { ...query, parameters };
    // Not in a transaction, nor of a handle that observes its queries.
    const read = direct?.kysely === kysely ? direct.read(filled) : undefined;
    if (read !== undefined) {
      try {
        return (await read) as QueryResult<Row>;
      } catch {
        // Kysely's way repeats it, and reports the error.
      }
    }
    return kysely.executeQuery<Row>(filled);
  }

  textOf(queryId: string): string | undefined {
    for (const query of this.#compiled.values()) if (query.queryId.queryId === queryId) return query.sql;
    return undefined;
  }
}

/** The name of a text is a hash of it: servers that share a pooler also share the plans that it keeps. */
const nameOf = (text: string) => `poolhouse_${createHash("sha256").update(text).digest("hex").slice(0, 20)}`;

const statements: Pick<Statement<never, unknown>, "compile" | "textOf">[] = [];

function declare<V extends Values<V>, Row>(build: Build<V, Row>, isLookup = false): Statement<V, Row> {
  const statement = new Statement(build, isLookup);
  statements.push(statement);
  return statement;
}

/** The SQL of a prepared statement, for observers of results: Kysely passes them the query's id only. */
export function preparedText(queryId: string): string | undefined {
  for (const statement of statements) {
    const text = statement.textOf(queryId);
    if (text !== undefined) return text;
  }
  return undefined;
}

/**
 * Every prepared statement of the modules loaded so far, under the name that PostgreSQL knows it by.
 * @param kysely compiles for `kind`; it needs no connection
 */
export function preparedStatements(
  kysely: Kysely<Schema>,
  kind: DatabaseKind,
): { readonly name: string; readonly text: string }[] {
  return statements.map((statement) => {
    const { name, sql: text } = statement.compile(kysely, kind);
    return { name, text };
  });
}

/**
 * A query that is compiled on first use. `build` writes it as usual, with `slot("name")` in place of each value; it
 * cannot branch on values, as it does not see them.
 */
export function prepared<V extends Values<V>, Row>(
  build: Build<V, Row>,
): (db: Db, values: V) => Promise<Row[]> {
  const statement = declare(build);
  return async (db, values) => (await statement.run(db, values)).rows;
}

/**
 * A prepared read of a few rows by their key. Where a database is a server, such reads share connections, on which they wait
 * for each other: none may take long.
 */
export function lookup<V extends Values<V>, Row>(
  build: Build<V, Row>,
): (db: Db, values: V) => Promise<Row[]> {
  const statement = declare(build, true);
  return async (db, values) => (await statement.run(db, values)).rows;
}

/** A prepared insert, update or delete; returns the number of affected rows. */
export function preparedWrite<V extends Values<V>>(
  build: Build<V, unknown>,
): (db: Db, values: V) => Promise<number> {
  const statement = declare(build);
  return async (db, values) => Number((await statement.run(db, values)).numAffectedRows ?? 0n);
}

/** Slots for several values at once, such as all columns of an insert: `values(slots(slot, ["pool_id", "name"]))`. */
export function slots<V extends Values<V>, Name extends keyof V & string>(
  slot: Slots<V>,
  names: readonly Name[],
): { [K in Name]: V[K] } {
  return Object.fromEntries(names.map((name) => [name, slot(name)])) as { [K in Name]: V[K] };
}

const places = ["value1", "value2", "value3", "value4", "value5"] as const;

/** How many values a short list has at most. */
export const mostListed = places.length;

/** Slots for a short list, such as `where("kind", "in", listed(slot))`; `listValues` fills them. */
export type ListSlots<T extends BoundValue = string> = { readonly [Place in (typeof places)[number]]: T };

export function listed<T extends BoundValue>(slot: Slots<ListSlots<T>>): T[] {
  return places.map((place) => slot(place));
}

/** Whether a list is short enough for `listValues`. */
export function isShort(values: readonly unknown[]): boolean {
  return values.length <= places.length;
}

/**
 * Values for the slots of `listed`. A shorter list repeats its last value, so that lists of one to five values share one
 * statement. Throws a RangeError for others.
 */
export function listValues<T extends BoundValue>(values: readonly T[]): ListSlots<T> {
  const last = values.at(-1);
  if (last === undefined || !isShort(values)) throw new RangeError(`A list of ${values.length} values.`);
  return Object.fromEntries(places.map((place, at) => [place, values[at] ?? last])) as ListSlots<T>;
}
