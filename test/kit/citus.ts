/**
 * Databases on a Citus cluster, for `npm run test:citus`: POOLHOUSE_TEST_CITUS is the address of the coordinator's database
 * `postgres`, which has the extension and knows its workers.
 */
import pg from "pg";
import { commandName } from "../../src/store/engine/postgres/clients.ts";
import { distributeDatabase } from "../../src/store/open.ts";

/** The coordinator's address; undefined if tests run on PostgreSQL alone. */
export const citusUrl = process.env["POOLHOUSE_TEST_CITUS"];

/** Options of a test of what only PostgreSQL on one machine does: skipped on a cluster, with the reason. */
export const onOneMachine = (reason: string) => ({ skip: citusUrl === undefined ? false : reason });

const silent = { info: () => {}, warn: () => {}, error: () => {} };

interface Node {
  readonly host: string;
  readonly port: number;
}

async function onNode<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

function workers(coordinator: string): Promise<Node[]> {
  return onNode(coordinator, async (client) => {
    const { rows } = await client.query<Node>(
      "select nodename as host, nodeport as port from pg_dist_node where groupid <> 0 order by nodeport",
    );
    return rows;
  });
}

function urlAt(coordinator: string, node: Node | undefined, database: string): string {
  const url = new URL(coordinator);
  if (node !== undefined) url.host = `${node.host}:${node.port}`;
  url.pathname = `/${database}`;
  return url.href;
}

/** Does something on each machine of the cluster: first on the coordinator, whose node is undefined. */
async function onEach(
  coordinator: string,
  database: string,
  work: (client: pg.Client) => Promise<unknown>,
): Promise<void> {
  for (const node of [undefined, ...(await workers(coordinator))])
    await onNode(urlAt(coordinator, node, database), work);
}

/** Creates an empty database on every machine, or a copy of one that `makeTemplate` has made. */
export async function createOnCluster(
  coordinator: string,
  name: string,
  template: string,
): Promise<{ name: string; url: string }> {
  const url = urlAt(coordinator, undefined, name);
  await onEach(coordinator, "postgres", (client) =>
    client.query(`create database ${name} template ${template}`),
  );
  if (template === "template0") {
    await onEach(coordinator, name, (client) => client.query("create extension citus"));
    await joinWorkers(coordinator, url);
  }
  return { name, url };
}

/** A cluster's machines know each other anew in each database. */
async function joinWorkers(coordinator: string, url: string): Promise<void> {
  const { hostname, port } = new URL(coordinator);
  const nodes = await workers(coordinator);
  await onNode(url, async (client) => {
    await client.query("select citus_set_coordinator_host($1, $2)", [hostname, Number(port)]);
    for (const node of nodes) await client.query("select citus_add_node($1, $2)", [node.host, node.port]);
  });
}

/** Distributes the tables of a migrated database, and turns it into a template on every machine. */
export async function makeTemplate(coordinator: string, name: string, template: string): Promise<void> {
  await distributeDatabase({
    url: urlAt(coordinator, undefined, name),
    log: silent,
    applicationName: commandName,
  });
  await onEach(coordinator, "postgres", async (client) => {
    // Copied is only a database that nobody uses, nor Citus's own processes.
    await client.query(`alter database ${name} with allow_connections false`);
    await client.query("select pg_terminate_backend(pid, 10000) from pg_stat_activity where datname = $1", [
      name,
    ]);
    await client.query(`alter database ${name} rename to ${template}`);
  });
}

/** Drops a database of every machine. */
export function dropFromCluster(coordinator: string, name: string): Promise<void> {
  return onEach(coordinator, "postgres", (client) =>
    client.query(`drop database if exists ${name} with (force)`),
  );
}
