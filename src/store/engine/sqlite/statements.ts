/** Prepared statements of one connection, the recently used ones kept; and rows as plain objects. */
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import type { CompiledQuery } from "kysely";

/** What one connection keeps compiled, at a few kilobytes each. */
const kept = 500;

export type Row = Record<string, unknown>;

export class PreparedStatement {
  /** May change the database: its answer waits for the disk. In doubt, yes. */
  readonly writes: boolean;
  /** insert, update, delete: the number of rows says whether something changed. */
  readonly countsRows: boolean;
  readonly returnsRows: boolean;
  readonly #statement: StatementSync;
  readonly #names: readonly string[];

  constructor(statement: StatementSync, sql: string, isSelect: boolean) {
    this.#statement = statement;
    this.#names = statement.columns().map((column) => column.name);
    this.returnsRows = this.#names.length > 0;
    this.countsRows = /^\s*(?:insert|update|delete|replace)\b/i.test(sql);
    this.writes = !isSelect && !/^\s*(?:select|values|explain)\b/i.test(sql);
    // Objects made by node:sqlite have no prototype and are slower to make than these.
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
      // A Map keeps the order of insertion: the first is always the one not used for longest.
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

  /** A statement of its own, for reading row by row while others run. */
  prepare({ sql, query }: CompiledQuery): PreparedStatement {
    return new PreparedStatement(this.#database.prepare(sql), sql, query.kind === "SelectQueryNode");
  }

  /** begin, commit, rollback: kept for good. */
  run(command: string): void {
    let statement = this.#commands.get(command);
    if (statement === undefined) {
      statement = this.#database.prepare(command);
      this.#commands.set(command, statement);
    }
    statement.run();
  }

  /** After a change of the schema the column names of a kept `select *` would be wrong. */
  clear(): void {
    this.#statements.clear();
  }
}
