/** What a PostgreSQL on this machine spends on one database, as Linux counts it. */
import pg from "pg";
import { readStat } from "./process-stat.ts";

export interface DatabaseCpu {
  /** CPU time so far in milliseconds; undefined where it cannot be seen, as on another machine. */
  ms(): Promise<number | undefined>;
  /**
   * Vacuums and analyzes, as PostgreSQL does by itself about once a minute: until then a new database is planned for as if
   * it were empty.
   */
  vacuum(): Promise<void>;
  close(): Promise<void>;
}

/** For databases that are files: the server spends their time itself. */
export const noDatabaseCpu: DatabaseCpu = {
  ms: async () => undefined,
  vacuum: async () => {},
  close: async () => {},
};

/**
 * Watches a PostgreSQL database: the sessions of its clients. What a session spends after the last look before its end is
 * lost, but the connections of a server stay open for a minute. Vacuuming and writing to the disk in the background,
 * which serve no operation in particular, do not count.
 */
export async function watchPostgres(url: string): Promise<DatabaseCpu> {
  const name = new URL(url).pathname.slice(1);
  const elsewhere = new URL(url);
  elsewhere.pathname = "/postgres";
  const client = new pg.Client({ connectionString: elsewhere.href });
  await client.connect();
  /** The last reading of each session. */
  const readings = new Map<number, number>();
  return {
    ms: async () => {
      const sessions = await client.query<{ pid: number }>(
        "select pid from pg_stat_activity where datname = $1 and backend_type = 'client backend'",
        [name],
      );
      for (const { pid } of sessions.rows) {
        const reading = cpuOf(pid);
        if (reading !== undefined) readings.set(pid, reading);
      }
      if (readings.size === 0) return undefined;
      return [...readings.values()].reduce((sum, reading) => sum + reading, 0);
    },
    vacuum: async () => {
      const inside = new pg.Client({ connectionString: url });
      await inside.connect();
      await inside.query("vacuum analyze");
      await inside.end();
    },
    close: () => client.end(),
  };
}

/** The CPU time of a process of PostgreSQL in milliseconds; undefined if this machine has no such process. */
function cpuOf(pid: number): number | undefined {
  try {
    const { name, cpuMs } = readStat(`/proc/${pid}`);
    return name.startsWith("postgres") ? cpuMs : undefined;
  } catch {
    return undefined;
  }
}
