/**
 * Brings the schema up to this release: the files in migrations, in their order, each once. Knex's own command does the
 * same under a lock that is a row in a table, which a crash leaves behind; here it is one that the database itself ends
 * with the connection.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Knex } from "knex";
import { Refusal } from "./database.ts";
import { isLocked } from "./node-sqlite.ts";

const folder = join(import.meta.dirname, "migrations");
const known = readdirSync(folder)
  .map((file) => file.replace(/\.\w+$/, ""))
  .sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));

/**
 * PostgreSQL and SQLite do everything or nothing of it; MySQL, which commits each change of the schema at once, a part.
 * @param seconds how long to wait for another process that migrates
 */
export async function migrate(database: Knex, seconds: number): Promise<void> {
  try {
    await database.transaction(async (connection) => {
      const unlock = await lock(connection, seconds);
      await migrateAlone(connection).finally(unlock);
    });
  } catch (error) {
    // lock_not_available of PostgreSQL.
    const { code } = error as { code?: string };
    throw code === "55P03" || isLocked(error) ? locked(seconds) : error;
  }
}

const locked = (seconds: number) => new Refusal(`Another process has been migrating for ${seconds} seconds.`);

/** Waits until nobody else migrates. Returns what ends the lock, as far as the end of the transaction does not. */
async function lock(connection: Knex, seconds: number): Promise<() => Promise<void>> {
  const nothing = async () => {};
  switch (connection.client.dialect) {
    case "postgresql":
      // 0 would be no limit.
      await connection.raw(`set local lock_timeout = '${seconds * 1000 || 1}ms'`);
      await connection.raw("select pg_advisory_xact_lock(hashtext('people'))");
      return nothing;
    case "mysql": {
      const name = "md5(concat('migrate ', database()))";
      const [[row]] = await connection.raw(`select get_lock(${name}, ${seconds}) as got`);
      if (row.got !== 1) throw locked(seconds);
      // If the connection is gone, so is the lock.
      return () => connection.raw(`select release_lock(${name})`).then(nothing, nothing);
    }
    default:
      // SQLite: the transaction is the lock (node-sqlite.ts).
      return nothing;
  }
}

async function migrateAlone(connection: Knex): Promise<void> {
  if (!(await connection.schema.hasTable("migrations")))
    await connection.schema.createTable("migrations", (table) => table.string("name", 100).primary());
  const done: string[] = await connection("migrations").pluck("name").orderBy("name");
  const unknown = done.filter((name) => !known.includes(name));
  if (unknown.length > 0)
    throw new Refusal(
      `The database has been migrated by a newer release: this one does not know ${unknown.join(", ")}. Start the newer one.`,
    );
  for (const name of known) {
    if (done.includes(name)) continue;
    const { up } = (await import(`./migrations/${name}.ts`)) as { up(knex: Knex): Promise<void> };
    await up(connection);
    await connection("migrations").insert({ name });
    console.log(`Migrated: ${name}`);
  }
}
