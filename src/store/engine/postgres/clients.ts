/** Who else is connected to a PostgreSQL database, and how many can be. */
import { type Kysely, sql } from "kysely";
import type { Schema } from "../../schema/schema.ts";

/** The application_name of a server that knows this schema, unless the database's URL gives it another. */
export const serverName = (schema: number): string => `poolhouse/${schema}`;

/** How many connections a process opens at most, unless told otherwise. */
export const connectionsEach = 10;

/** How many connections PostgreSQL accepts of all its clients together, besides those that it keeps for superusers. */
export async function connectionsAllowed(kysely: Kysely<Schema>): Promise<number> {
  const { rows } = await sql<{ allowed: number }>`select current_setting('max_connections')::int
    - current_setting('superuser_reserved_connections')::int as allowed`.execute(kysely);
  return rows[0]?.allowed ?? 0;
}

/** The application_name of commands, which come and go. */
export const commandName = "poolhouse command";

/** Whether this is the name of a server that knows only schemas before this one; the first ones did not say. */
export function isOlderServer(name: string, schema: number): boolean {
  const found = /^poolhouse(?:\/(\d+))?$/.exec(name);
  return found !== null && Number(found[1] ?? 0) < schema;
}

/**
 * The application_names of other connections, but for those of commands and of machines of a Citus cluster. A user who is neither theirs
 * nor a superuser does not see them.
 */
export async function otherClients(kysely: Kysely<Schema>): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`select distinct application_name as name from pg_stat_activity
    where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()
      and application_name <> ${commandName} and application_name not like 'citus_internal%' order by 1`.execute(
    kysely,
  );
  return rows.map(({ name }) => name || "without a name");
}
