/** A cache of one connection's prepared statements; returns rows as plain objects. */
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import type { CompiledQuery } from "kysely";

/** The number of compiled statements kept per connection, at a few kilobytes each. */
const kept = 500;

export type Row = Record<string, unknown>;

export class PreparedStatement {
  /** Whether it may change the database, so that its answer waits for the disk; true if in doubt. */
  readonly writes: boolean;
  /** Whether it is an insert, update or delete, whose row count says whether something changed. */
  readonly countsRows: boolean;
  /** Whether it may change the columns that other statements return. */
  readonly changesSchema: boolean;
  readonly returnsRows: boolean;
  readonly #statement: StatementSync;
  readonly #names: readonly string[];

  constructor(statement: StatementSync, sql: string) {
    const verb = verbOf(sql);
    this.#statement = statement;
    this.#names = statement.columns().map((column) => column.name);
    this.returnsRows = this.#names.length > 0;
    this.countsRows = /^(?:insert|update|delete|replace)$/.test(verb);
    this.writes = !/^(?:select|values|explain)$/.test(verb);
    this.changesSchema =
      /^(?:create|alter|drop|attach|detach)$/.test(verb) || (verb === "pragma" && schemaPragma.test(sql));
    // Objects made by node:sqlite have no prototype and are slower to create.
    statement.setReturnArrays(true);
  }

  run(parameters: SQLInputValue[]): number {
    return Number(this.#statement.run(...parameters).changes);
  }

  all(parameters: SQLInputValue[]): Row[] {
    const found = this.#statement.all(...parameters) as unknown as unknown[][];
    return found.map((values) => this.#row(values));
  }

  *iterate(parameters: SQLInputValue[]): Generator<Row> {
    for (const values of this.#statement.iterate(...parameters))
      yield this.#row(values as unknown as unknown[]);
  }

  #row(values: readonly unknown[]): Row {
    const row: Row = {};
    for (let index = 0; index < this.#names.length; index++) row[this.#names[index]!] = values[index];
    return row;
  }
}

/** Pragmas that change what the schema says, or the names of the columns that statements return. */
const schemaPragma = /\b(?:writable_schema|schema_version|(?:full|short)_column_names)\b/i;

/** What does not belong to the outermost level of a statement, or is none of its keywords. */
const quoted = /'[^']*'|"[^"]*"|`[^`]*`|\[[^\]]*\]|--[^\n]*|\/\*.*?\*\//gs;

/** What a statement does: its first keyword, or after common table expressions (`with …`) the one that follows them. */
function verbOf(sql: string): string {
  let depth = 0;
  let withs = false;
  for (const [token] of sql.replaceAll(quoted, " ").matchAll(/[()]|\w+/g)) {
    const word = token.toLowerCase();
    if (word === "(") depth += 1;
    else if (word === ")") depth -= 1;
    else if (depth === 0 && word === "with") withs = true;
    else if (depth === 0 && (!withs || /^(?:select|values|insert|replace|update|delete)$/.test(word)))
      return word;
  }
  return "";
}

export class StatementCache {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, PreparedStatement>();
  readonly #commands = new Map<string, StatementSync>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  get(query: CompiledQuery): PreparedStatement {
    const found = this.#statements.get(query.sql);
    if (found !== undefined) {
      // A Map keeps insertion order, so the first entry is the least recently used.
      this.#statements.delete(query.sql);
      this.#statements.set(query.sql, found);
      return found;
    }
    const statement = this.prepare(query);
    this.#statements.set(query.sql, statement);
    if (this.#statements.size > kept) {
      for (const oldest of this.#statements.keys()) {
        this.#statements.delete(oldest);
        break;
      }
    }
    return statement;
  }

  /** A statement outside the cache, for reading row by row while others run. */
  prepare({ sql }: CompiledQuery): PreparedStatement {
    return new PreparedStatement(this.#database.prepare(sql), sql);
  }

  /** Runs begin, commit or rollback, which are always kept. */
  run(command: string): void {
    let statement = this.#commands.get(command);
    if (statement === undefined) {
      statement = this.#database.prepare(command);
      this.#commands.set(command, statement);
    }
    statement.run();
  }

  /** Empties the cache: after a change of the schema, the column names of a kept `select *` would be wrong. */
  clear(): void {
    this.#statements.clear();
  }
}
