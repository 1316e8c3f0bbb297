/** What a PostgreSQL on this machine spends on one database, as Linux counts it. */
import { readFileSync } from "node:fs";
import pg from "pg";

/** The unit of times in /proc/PID/stat, the same on every Linux. Milliseconds. */
const tickMs = 10;

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
  const ticks = new Map<number, number>();
  return {
    ms: async () => {
      const sessions = await client.query<{ pid: number }>(
        "select pid from pg_stat_activity where datname = $1 and backend_type = 'client backend'",
        [name],
      );
      for (const { pid } of sessions.rows) {
        const reading = ticksOf(pid);
        if (reading !== undefined) ticks.set(pid, reading);
      }
      if (ticks.size === 0) return undefined;
      return [...ticks.values()].reduce((sum, reading) => sum + reading, 0) * tickMs;
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

/** The time of a process of PostgreSQL; undefined if this machine has no such process. */
function ticksOf(pid: number): number | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return undefined;
  }
  // The name of the program, in parentheses, may contain anything.
  const end = text.lastIndexOf(")");
  if (!text.slice(0, end).includes("(postgres")) return undefined;
  // Fields are numbered from 1 in proc(5), and the first one here is the third: utime is the 14th, stime the 15th.
  const fields = text.slice(end + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}
