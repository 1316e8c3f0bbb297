/** `npm run test:citus`: the suites of the store, the API and the clients, with PostgreSQL's half on a Citus cluster. */
import { citusUrl } from "../kit/citus.ts";

if (citusUrl === undefined) {
  console.error(
    "POOLHOUSE_TEST_CITUS names the coordinator's database, as postgres://postgres@127.0.0.1:6001/postgres.",
  );
  process.exit(2);
}
const suites = [
  "test/citus/cluster.ts",
  "test/store/**/*.test.ts",
  "test/api/**/*.test.ts",
  "test/clients/**/*.test.ts",
  "test/servers/two-servers.test.ts",
];
process.argv.push(...(process.argv.length > 2 ? [] : suites));
await import("../../tools/test.ts");
