/** PgBouncer in transaction mode, in front of the PostgreSQL of the tests. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { temporaryFolder } from "./databases.ts";
import { freePort } from "./ports.ts";
import { skipWithoutPostgres, testPostgresUrl } from "./postgres.ts";

const program = "/usr/sbin/pgbouncer";

/** The number of connections to PostgreSQL that it lends, per database. */
export const poolerConnections = 3;

export interface Pooler {
  /** The address of a database behind it. */
  urlOf(database: string): string;
  stop(): Promise<void>;
}

/** Options of a test: skipped, with the reason, without PgBouncer or PostgreSQL; where CI is set it fails. */
export function skipWithoutPooler(): { skip: string | false } {
  if (existsSync(program)) return skipWithoutPostgres();
  if (process.env["CI"]) throw new Error(`${program} is missing`);
  return { skip: "PgBouncer is not installed" };
}

/** Starts it on a free port. As root it changes to the user `postgres`, since it refuses to be root. */
export async function startPooler(): Promise<Pooler> {
  const target = new URL(testPostgresUrl);
  const { username, password, hostname } = target;
  const port = await freePort();
  const file = join(temporaryFolder(), "pgbouncer.ini");
  const login = [
    `user=${decodeURIComponent(username)}`,
    ...(password === "" ? [] : [`password=${decodeURIComponent(password)}`]),
  ];
  const lines = [
    "[databases]",
    `* = host=${hostname} port=${target.port || 5432} ${login.join(" ")}`,
    "[pgbouncer]",
    "listen_addr = 127.0.0.1",
    `listen_port = ${port}`,
    "unix_socket_dir =",
    "auth_type = any",
    "pool_mode = transaction",
    `default_pool_size = ${poolerConnections}`,
    ...(process.getuid?.() === 0 ? ["user = postgres"] : []),
  ];
  writeFileSync(file, `${lines.join("\n")}\n`);
  const child = spawn(program, [file], { stdio: ["ignore", "ignore", "pipe"] });
  await listening(child);
  return {
    urlOf: (database) => `postgres://anybody@127.0.0.1:${port}/${database}`,
    stop: async () => {
      const ended = once(child, "close");
      child.kill("SIGTERM");
      await ended;
    },
  };
}

async function listening(child: ChildProcess): Promise<void> {
  const said: string[] = [];
  for await (const line of createInterface({ input: child.stderr! })) {
    said.push(line);
    if (line.includes("process up")) {
      child.stderr!.resume();
      return;
    }
  }
  throw new Error(`PgBouncer ended:\n${said.join("\n")}`);
}
