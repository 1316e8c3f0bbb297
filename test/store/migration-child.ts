/** A process of its own for pool-keys.test.ts: migrates, and kills itself before a statement of the migration `pool-keys`. */
import type { KyselyPlugin } from "kysely";
import { migrations } from "../../src/store/migrations/migrate.ts";
import { openDatabase } from "../../src/store/open.ts";
import { silent } from "../kit/databases.ts";

const [options, statement] = process.argv.slice(2);
let made = 0;
const killer: KyselyPlugin = {
  transformQuery: ({ node }) => {
    made += 1;
    if (made === Number(statement)) process.kill(process.pid, "SIGKILL");
    return node;
  },
  transformResult: async ({ result }) => result,
};
const killed = migrations.find(({ name }) => name === "pool-keys")!;
await openDatabase({
  ...JSON.parse(options!),
  log: silent,
  // A process that was killed before keeps its lease for a minute.
  now: () => Date.now() + 120_000 * Number(statement),
  migrations: migrations.map((one) =>
    one === killed ? { ...one, up: (kysely, kind) => one.up(kysely.withPlugin(killer), kind) } : one,
  ),
});
console.log(`open after ${made} statements`);
