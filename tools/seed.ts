/**
 * `npm run seed -- --users 1000 [--pool ID] [--verifiers 1000]` and the flags of serve: fills a pool with users.
 * SQLite's database must not be open in a server, PostgreSQL's may be. Without --pool it uses a separate pool, created
 * on first use. The data folder is that of `npm run dev` unless POOLHOUSE_DATA or --data says otherwise.
 */
import { randomBytes, randomUUID } from "node:crypto";
import { statSync } from "node:fs";
import { join } from "node:path";
import { pino } from "pino";
import { loadUsers, password } from "../bench/lib/users.ts";
import type { Ctx } from "../src/app.ts";
import { CommandError } from "../src/cli/command-error.ts";
import { type Given, readArguments } from "../src/cli/command-line.ts";
import { openOptions } from "../src/cli/database.ts";
import { type Config, ConfigError } from "../src/config/config.ts";
import { functionsOf } from "../src/domain/triggers/configured-functions.ts";
import { userPoolHandlers } from "../src/http/aws-json/operations.ts";
import { createCtx } from "../src/http/context.ts";
import { createMetrics } from "../src/http/metrics.ts";
import { explainError } from "../src/lib/operator-error.ts";
import { newApp } from "../src/server.ts";
import { openDatabase } from "../src/store/open.ts";
import { readPool } from "../src/store/user-pools.ts";

const usage = "Usage: npm run seed -- --users N [--pool ID] [--verifiers N], and the flags of serve";
const wrongUsage = (problem: string) => new CommandError(`${problem}\n${usage}`, 2);
const clientId = "seedclient";
const nothing = { waiting: 0, add: async () => {}, flush: async () => {} };

/** Creates the pool and its client by the operations that clients call, unless they exist. */
async function makePool(config: Config, poolId: string): Promise<void> {
  const log = pino({ level: "error" });
  const opened = await openDatabase({ ...openOptions(config), log });
  const given = { db: opened.db, log, clock: Date.now, random: randomBytes, metrics: createMetrics() };
  const app = await newApp(config, {
    ...given,
    functions: await functionsOf(config, given),
    audit: nothing,
    authEvents: nothing,
  });
  try {
    if ((await readPool(app.db, poolId)) !== undefined) return;
    const request = { requestId: randomUUID(), address: "127.0.0.1", userAgent: "npm run seed" };
    const ctx: Ctx = { ...createCtx(app, request), authorize: async () => {} };
    await userPoolHandlers.CreateUserPool(ctx, { PoolName: "seed", UserPoolTags: { _custom_id_: poolId } });
    const flows = ["USER_SRP_AUTH", "USER_PASSWORD_AUTH", "REFRESH_TOKEN_AUTH"] as const;
    await userPoolHandlers.CreateUserPoolClient(ctx, {
      UserPoolId: poolId,
      ClientName: `_custom_id_:${clientId}`,
      ExplicitAuthFlows: flows.map((flow) => `ALLOW_${flow}` as const),
    });
  } finally {
    await app.srp.close();
    await app.senders.close();
    await opened.close();
  }
}

/** A count among the arguments: 1 to ten million. */
function countOf(given: Given, option: string): number {
  const text = given.text(option) ?? "1000";
  if (/^[1-9]\d{0,6}$|^10000000$/.test(text)) return Number(text);
  throw wrongUsage(`--${option} must be a number from 1 to 10000000, not ${text}.`);
}

async function seed(argv: readonly string[]): Promise<void> {
  process.env["POOLHOUSE_DATA"] ??= join(import.meta.dirname, "..", "poolhouse-dev-data");
  const options = {
    users: { type: "string" },
    pool: { type: "string" },
    verifiers: { type: "string" },
  } as const;
  const given = readArguments(argv, { options, operands: 0, wrong: wrongUsage });
  const { config } = given;
  const [users, verifiers] = [countOf(given, "users"), countOf(given, "verifiers")];
  const named = given.text("pool");
  if (named !== undefined && !/^[\w-]+_[0-9a-zA-Z]+$/.test(named))
    throw wrongUsage(`--pool must be the id of a pool, not ${named}.`);
  const poolId = named ?? `${config.region}_Seed12345`;
  if (named === undefined) await makePool(config, poolId);
  const began = performance.now();
  const { names, stride, cpuMs } = await loadUsers({
    database: openOptions(config),
    poolId,
    users,
    verifiers,
    progress: (loaded) => {
      if (loaded % 100_000 === 0) console.log(`${loaded} users, ${Math.round(performance.now() - began)} ms`);
    },
  });
  const bytes = statSync(config.database, { throwIfNoEntry: false })?.size;
  const size = bytes === undefined ? "" : `, ${(bytes / 1e6).toFixed(0)} MB`;
  console.log(
    `${users} users, ${stride === 1 ? "all" : `one in ${stride}`} with a verifier: ` +
      `${Math.round(performance.now() - began)} ms, ${Math.round(cpuMs)} ms of CPU${size}`,
  );
  const client = named === undefined ? `, client ${clientId}` : "";
  console.log(`Pool ${poolId}${client}: ${names.join(" to ")}, password ${password}`);
}

try {
  await seed(process.argv.slice(2));
} catch (error) {
  console.error(`seed: ${explainError(error)}`);
  process.exitCode = error instanceof CommandError ? error.exitCode : error instanceof ConfigError ? 2 : 1;
}
