/** The PostgreSQL of the tests, and databases of it that are thrown away. */
import { randomBytes } from "node:crypto";
import pg from "pg";
import { citusUrl, createOnCluster, dropFromCluster } from "./citus.ts";

export const testPostgresUrl =
  citusUrl ?? process.env["POOLHOUSE_TEST_POSTGRES"] ?? "postgres://postgres@127.0.0.1:5432/postgres";

/** Runs one statement on the server's own database. */
export function administer(statement: string): Promise<void> {
  return withClient(async (client) => {
    await client.query(statement);
  });
}

/** Does something over one connection to the server's own database. */
export async function withClient<T>(
  work: (client: pg.Client) => Promise<T>,
  connectionString = near(testPostgresUrl),
): Promise<T> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 60_000 });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** The address of a database of the test server. */
export function urlOf(database: string): string {
  const url = new URL(testPostgresUrl);
  url.pathname = `/${database}`;
  return url.href;
}

/**
 * The folder of the test server's socket, where this process may use it: `findSocket` of the runner has tried. Half of
 * what a short statement costs over TCP is the way there and back.
 */
const socketFolder = process.env["POOLHOUSE_TEST_POSTGRES_SOCKET"];

/** The URL of a database by the test server's socket, if there is one and the URL leads to that server; else the same. */
export function near(url: string): string {
  if (socketFolder === undefined || !URL.canParse(url) || new URL(url).host !== new URL(testPostgresUrl).host)
    return url;
  const address = new URL(url);
  address.searchParams.set("host", socketFolder);
  return address.href;
}

/** The folder of the test server's socket. Undefined: there is none, or it takes other users than TCP does. */
export async function findSocket(): Promise<string | undefined> {
  const ask = `select system_identifier as id, split_part(current_setting('unix_socket_directories'), ',', 1) as folder
    from pg_control_system()`;
  const answerOf = (url: string) =>
    withClient(async (client) => (await client.query<{ folder: string; id: string }>(ask)).rows[0]!, url);
  try {
    const { folder, id } = await answerOf(testPostgresUrl);
    const url = new URL(testPostgresUrl);
    url.searchParams.set("host", folder);
    return (await answerOf(url.href)).id === id ? folder : undefined;
  } catch {
    return undefined;
  }
}

export const newName = () => `poolhouse_test_${randomBytes(8).toString("hex")}`;

/** A new database, empty unless it is a copy of another. Whoever makes it drops it. */
export async function createPostgres(template = "template0"): Promise<{ name: string; url: string }> {
  const name = newName();
  if (citusUrl !== undefined) return createOnCluster(citusUrl, name, template);
  await withClient(async (client) => {
    await client.query(`create database ${name} template ${template}`);
    // It need not outlive a crash of PostgreSQL: nobody waits for its disk.
    await client.query(`alter database ${name} set synchronous_commit = off`);
  });
  return { name, url: urlOf(name) };
}

/** By force: what a test left open must not keep the database. */
export const dropPostgres = (name: string) =>
  citusUrl === undefined
    ? administer(`drop database if exists ${name} with (force)`)
    : dropFromCluster(citusUrl, name);

/** Why PostgreSQL cannot be reached, if so. */
export const unreachable: Error | undefined = await administer("select 1").then(
  () => undefined,
  (error: Error) => new Error(error instanceof AggregateError ? String(error.errors) : error.message),
);

/** Options of a test of PostgreSQL alone: skipped, with the reason, where there is none; where CI is set it fails. */
export function skipWithoutPostgres(): { skip: string | false } {
  if (unreachable === undefined) return { skip: false };
  if (process.env["CI"]) throw unreachable;
  return { skip: `PostgreSQL cannot be reached: ${unreachable.message}` };
}
