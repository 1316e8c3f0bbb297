/** Databases of the bench: new and empty, and deleted at the end. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import pg from "pg";
import { type DatabaseCpu, noDatabaseCpu, watchPostgres } from "./postgres-cpu.ts";
import { temporaryFolder } from "./server.ts";

const postgres = "postgres://postgres@127.0.0.1:5432";

export interface BenchDatabase {
  /** The value for the server's `--database`. */
  readonly url: string;
  /** Watches what it costs; to be closed. */
  cpu(): Promise<DatabaseCpu>;
  remove(): Promise<void>;
}

/** The kinds that `--database sqlite|postgres|both` names. Throws an Error for anything else. */
export function databaseKinds(named: string): readonly string[] {
  if (named === "both") return ["sqlite", "postgres"];
  if (named === "sqlite" || named === "postgres") return [named];
  throw new Error(`--database is sqlite, postgres or both, not ${named}.`);
}

/** Creates a database of a kind returned by `databaseKinds`. */
export async function newDatabase(kind: string): Promise<BenchDatabase> {
  const name = `poolhouse_bench_${randomBytes(4).toString("hex")}`;
  if (kind === "sqlite") {
    const url = join(temporaryFolder(), name, "db", "poolhouse.sqlite");
    return { url, cpu: async () => noDatabaseCpu, remove: async () => {} };
  }
  const administer = async (sql: string) => {
    const client = new pg.Client({ connectionString: `${postgres}/postgres` });
    await client.connect();
    await client.query(sql);
    await client.end();
  };
  await administer(`create database ${name}`);
  const url = `${postgres}/${name}`;
  const remove = () => administer(`drop database ${name} with (force)`);
  return { url, cpu: () => watchPostgres(url), remove };
}
