/**
 * `npm run bench -- [name …] [--database sqlite|postgres|both] [--users N] [--seconds S] [--connections C]`
 *
 * Each figure stands beside the limit measured in the same run. The load comes from this process, the server is another;
 * what is compared is the server's CPU time an operation, which the load's own share of the machine does not touch.
 */
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Limits, measureLimits } from "./lib/limits.ts";
import { type Measured, measure } from "./lib/load.ts";
import { profileInto, startPoolhouse, temporaryFolder } from "./lib/server.ts";
import { makePool, makeUsers, type Stage } from "./lib/stage.ts";
import { type Scenario, scenarios } from "./scenarios.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    database: { type: "string", default: "sqlite" },
    users: { type: "string", default: "100" },
    seconds: { type: "string", default: "4" },
    connections: { type: "string", default: "16" },
    profile: { type: "string" },
  },
});
const seconds = Number(values.seconds);
const connections = Number(values.connections);
const users = Number(values.users);

async function main() {
  const chosen = scenarios.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  const limits = await measureLimits(Math.min(seconds, 3));
  console.log(
    `${cpus().length} × ${cpus()[0]?.model}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`,
  );
  console.log(
    `limits: ${Object.entries(limits)
      .map(([name, ms]) => `${name} ${ms.toFixed(3)} ms`)
      .join(", ")}`,
  );
  if (values.profile !== undefined) profileInto(values.profile);
  const server = await startPoolhouse(join(temporaryFolder(), "db.sqlite"));
  const stage = { server, ...(await makePool(server)), users };
  await makeUsers(stage);
  for (const scenario of chosen) {
    const operation = await scenario.prepare(stage);
    const measured = await measure(server, operation, { connections, seconds });
    console.log(line(scenario, measured, limits));
  }
  const { rss } = await server.usage();
  console.log(`ready in ${server.readyMs.toFixed(0)} ms, ${(rss / 2 ** 20).toFixed(0)} MB after it`);
  await server.close();
}

function line(scenario: Scenario, m: Measured, limits: Limits): string {
  const limit = scenario.limit?.(limits);
  const ratio = limit === undefined ? "" : `ratio ${(limit / m.cpu).toFixed(2)} of ${scenario.limitText}`;
  return `${scenario.title.padEnd(32)} ${m.perSecond.toFixed(0).padStart(6)}/s  p50 ${m.p50.toFixed(2)}  p99 ${m.p99.toFixed(2)}  cpu ${m.cpu.toFixed(3)} ms  ${ratio}${scenario.goal ? ` (goal ${scenario.goal})` : ""}`;
}

await main();
process.exit(0);
