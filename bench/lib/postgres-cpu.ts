/** What a PostgreSQL on this machine spends on one database, as Linux counts it. */
import { readFileSync } from "node:fs";
import pg from "pg";

/** The unit of times in /proc/PID/stat, the same on every Linux. Milliseconds. */
const tickMs = 10;

export interface DatabaseCpu {
  /** CPU time so far in milliseconds; undefined where it cannot be seen, as on another machine. */
  ms(): Promise<number | undefined>;
  close(): Promise<void>;
}

/** For databases that are files: the server spends their time itself. */
export const noDatabaseCpu: DatabaseCpu = { ms: async () => undefined, close: async () => {} };

/**
 * Watches a PostgreSQL database: the backends that serve it now, and all that have ended. Others on the same server that
 * end meanwhile count, too.
 */
export async function watchPostgres(url: string): Promise<DatabaseCpu> {
  const name = new URL(url).pathname.slice(1);
  const elsewhere = new URL(url);
  elsewhere.pathname = "/postgres";
  const client = new pg.Client({ connectionString: elsewhere.href });
  await client.connect();
  const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
  const own = statOf(rows[0]!.pid);
  return {
    ms: async () => {
      const backends = await client.query<{ pid: number }>(
        "select pid from pg_stat_activity where datname = $1",
        [name],
      );
      const postmaster = own === undefined ? undefined : statOf(own.parent);
      if (postmaster === undefined) return undefined;
      const live = backends.rows.map(({ pid }) => statOf(pid)?.ticks ?? 0);
      return live.reduce((sum, ticks) => sum + ticks, postmaster.endedChildren) * tickMs;
    },
    close: () => client.end(),
  };
}

interface Stat {
  readonly parent: number;
  readonly ticks: number;
  /** Ticks of the children that have ended. */
  readonly endedChildren: number;
}

/** The times of a process of PostgreSQL; undefined if this machine has no such process. */
function statOf(pid: number): Stat | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return undefined;
  }
  // The name of the program, in parentheses, may contain anything.
  const end = text.lastIndexOf(")");
  if (!text.slice(0, end).includes("(postgres")) return undefined;
  // Fields are numbered from 1 in proc(5), and the first one here is the third.
  const fields = text.slice(end + 2).split(" ");
  const field = (number: number) => Number(fields[number - 3]);
  return { parent: field(4), ticks: field(14) + field(15), endedChildren: field(16) + field(17) };
}
