/**
 * Databases on a Citus cluster, for `npm run test:citus`: POOLHOUSE_TEST_CITUS is the address of the coordinator's database
 * `postgres`, which has the extension and knows its workers.
 */
import pg from "pg";
import { distributeDatabase, migrateDatabase } from "../../src/store/open.ts";

/** The coordinator's address; undefined if tests run on PostgreSQL alone. */
export const citusUrl = process.env["POOLHOUSE_TEST_CITUS"];

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

/** Creates a database on every machine of the cluster. With `migrated`, its tables are there and distributed. */
export async function createOnCluster(
  coordinator: string,
  name: string,
  migrated: boolean,
): Promise<{ name: string; url: string }> {
  const nodes = await workers(coordinator);
  for (const node of [undefined, ...nodes]) {
    await onNode(urlAt(coordinator, node, "postgres"), (client) =>
      client.query(`create database ${name} template template0`),
    );
    await onNode(urlAt(coordinator, node, name), (client) => client.query("create extension citus"));
  }
  const url = urlAt(coordinator, undefined, name);
  const { hostname, port } = new URL(coordinator);
  await onNode(url, async (client) => {
    await client.query("select citus_set_coordinator_host($1, $2)", [hostname, Number(port)]);
    for (const node of nodes) await client.query("select citus_add_node($1, $2)", [node.host, node.port]);
  });
  if (migrated) {
    await migrateDatabase({ url, log: silent });
    await distributeDatabase({ url, log: silent });
  }
  return { name, url };
}

/** Drops a database of every machine. */
export async function dropFromCluster(coordinator: string, name: string): Promise<void> {
  for (const node of [undefined, ...(await workers(coordinator))])
    await onNode(urlAt(coordinator, node, "postgres"), (client) =>
      client.query(`drop database if exists ${name} with (force)`),
    );
}
