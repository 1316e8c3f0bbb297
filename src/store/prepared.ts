/**
 * The few hottest reads, built once: to assemble and compile a query costs Kysely more than SQLite takes to answer it.
 * What a query is asked for stands in it as a named slot, filled in at each call.
 */
import type { Compilable, CompiledQuery, Kysely } from "kysely";
import type { Db } from "./db.ts";
import type { Schema } from "./schema.ts";
import type { DatabaseKind } from "./sql.ts";

class Slot {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/**
 * A query that is compiled at its first call. `build` writes it as ever, with `slot("name")` in the place of a value; it
 * must not branch on values, which it does not see.
 */
export function prepared<Values extends Readonly<Record<string, string | number>>, Row>(
  build: (
    kysely: Kysely<Schema>,
    slot: <Name extends keyof Values & string>(name: Name) => Values[Name],
  ) => Compilable<Row>,
): (db: Db, values: Values) => Promise<Row[]> {
  const compiled = new Map<DatabaseKind, CompiledQuery>();
  return async (db, values) => {
    let query = compiled.get(db.kind);
    if (query === undefined) {
      // Kysely passes parameters on as they are, so a slot comes out where it went in.
      query = build(db.kysely, (name) => new Slot(name) as unknown as Values[typeof name]).compile();
      compiled.set(db.kind, query);
    }
    const parameters = query.parameters.map((value) => (value instanceof Slot ? values[value.name] : value));
    const { rows } = await db.kysely.executeQuery<Row>({ ...query, parameters });
    return rows;
  };
}
