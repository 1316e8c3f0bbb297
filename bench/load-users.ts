/**
 * Makes a pool full of users, in a database that no server has open:
 * `node bench/load-users.ts --database FILE|postgres://… --users 1000000 [--verifiers 1000] [--pool ID]`.
 * The master key, and the root access key if it is preset, are those of the environment (README, Settings).
 */
import { statSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { pino } from "pino";
import { loadConfig } from "../src/config/config.ts";
import { openDatabase } from "../src/store/open.ts";
import { rootKey, startPoolhouse } from "./lib/server.ts";
import { makePool } from "./lib/stage.ts";
import { type Load, loadUsers } from "./lib/users.ts";

const benchPool = "us-east-1_Bench1234";
const isFile = (database: string) => !database.startsWith("postgres");
const dataFolder = (database: string) => (isFile(database) ? dirname(dirname(database)) : ".");

/** Makes the pool and its client by a server of its own. */
async function preparePool(database: Load["database"]): Promise<void> {
  const config = loadConfig([]);
  const { rootAccessKeyId, rootSecretAccessKey } = config;
  const key =
    rootAccessKeyId !== undefined && rootSecretAccessKey !== undefined
      ? { accessKeyId: rootAccessKeyId, secretAccessKey: rootSecretAccessKey }
      : rootKey;
  const server = await startPoolhouse(database.url, {
    POOLHOUSE_DATA: dataFolder(database.url),
    POOLHOUSE_MASTER_KEY: database.masterKey ?? "",
    POOLHOUSE_ROOT_ACCESS_KEY_ID: key.accessKeyId,
    POOLHOUSE_ROOT_SECRET_ACCESS_KEY: key.secretAccessKey,
  });
  try {
    const pool = { UserPoolTags: { _custom_id_: benchPool } };
    await makePool(server, { key, pool, client: { ClientName: "_custom_id_:benchclient" } });
  } finally {
    await server.close();
  }
  const opened = await openDatabase({ ...database, log: pino({ level: "error" }) });
  // Whoever serves these users has a URL of its own.
  await opened.db.kysely.deleteFrom("poolhouse_meta").where("key", "=", "public_url").execute();
  await opened.close();
}

const { values } = parseArgs({
  options: {
    database: { type: "string" },
    users: { type: "string", default: "1000000" },
    verifiers: { type: "string", default: "1000" },
    pool: { type: "string" },
  },
});
const url = values.database;
if (url === undefined) throw new Error("--database FILE|postgres://… is missing.");
const database = {
  url,
  masterKey: loadConfig([]).masterKey,
  secretsFolder: join(dataFolder(url), "secrets"),
};
if (values.pool === undefined) await preparePool(database);
const began = performance.now();
const users = Number(values.users);
const { stride, cpuMs } = await loadUsers({
  database,
  poolId: values.pool ?? benchPool,
  users,
  verifiers: Number(values.verifiers),
  progress: (loaded) => {
    if (loaded % 100_000 === 0) console.log(`${loaded} users, ${Math.round(performance.now() - began)} ms`);
  },
});
const size = isFile(url) ? `, ${(statSync(url).size / 1e6).toFixed(0)} MB` : "";
console.log(
  `${users} users, every ${stride}th with a verifier: ` +
    `${Math.round(performance.now() - began)} ms, ${Math.round(cpuMs)} ms of CPU${size}`,
);
