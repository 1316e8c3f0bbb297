/**
 * Prepared forms of the few hottest statements: building and compiling one costs Kysely more than SQLite takes to run
 * it. Values are named slots, filled in at each call.
 */
import type { Compilable, CompiledQuery, Kysely, QueryResult } from "kysely";
import type { Db } from "./db.ts";
import type { BoundValue, DatabaseKind } from "./engine/sql.ts";
import type { Schema } from "./schema/schema.ts";

type Slots<Values> = <Name extends keyof Values & string>(name: Name) => Values[Name];
type Values = Readonly<Record<string, BoundValue>>;
type Build<V extends Values, Row> = (
  kysely: Kysely<Schema>,
  slot: Slots<V>,
  kind: DatabaseKind,
) => Compilable<Row>;

class Slot {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

const texts = new Map<string, string>();

/** The SQL of a prepared statement, for observers of results: Kysely passes them the query's id only. */
export function preparedText(queryId: string): string | undefined {
  return texts.get(queryId);
}

/**
 * A query that is compiled on first use. `build` writes it as usual, with `slot("name")` in place of each value; it
 * cannot branch on values, as it does not see them.
 */
export function prepared<V extends Values, Row>(build: Build<V, Row>): (db: Db, values: V) => Promise<Row[]> {
  const run = statement(build);
  return async (db, values) => (await run(db, values)).rows;
}

/** A prepared insert, update or delete; returns the number of affected rows. */
export function preparedWrite<V extends Values>(
  build: Build<V, unknown>,
): (db: Db, values: V) => Promise<number> {
  const run = statement(build);
  return async (db, values) => Number((await run(db, values)).numAffectedRows ?? 0n);
}

function statement<V extends Values, Row>(
  build: Build<V, Row>,
): (db: Db, values: V) => Promise<QueryResult<Row>> {
  const compiled = new Map<DatabaseKind, CompiledQuery>();
  return (db, values) => {
    let query = compiled.get(db.kind);
    if (query === undefined) {
      // Kysely passes parameters on unchanged, so each slot comes out where it went in.
      query = build(db.kysely, (name) => new Slot(name) as unknown as V[typeof name], db.kind).compile();
      compiled.set(db.kind, query);
      texts.set(query.queryId.queryId, query.sql);
    }
    const parameters = query.parameters.map((value) => (value instanceof Slot ? values[value.name] : value));
    return db.kysely.executeQuery<Row>({ ...query, parameters });
  };
}
