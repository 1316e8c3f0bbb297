/**
 * `npm run bench -- [name …] [--database sqlite|postgres|both] [--users 1000,1000000] [--seconds S] [--connections C]`
 * `npm run bench -- enumeration [--database …] [--samples N] [--operations ForgotPassword,SignUp]`
 *
 * Each figure is compared with the limit measured in the same run. This process generates the load, and the server is
 * another one; compared is the server's CPU time per operation, which the load generator does not affect. `overload`,
 * `enumeration`, `gateway`, `identities`, `messages`, `page-latency`, `policy`, `sigv4`, `start`, `sweep` and `triggers` are separate benches that only run when named.
 */
import { statSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { parseArgs } from "node:util";
import * as enumeration from "./enumeration.ts";
import * as gateway from "./gateway.ts";
import * as identities from "./identities.ts";
import { databaseKinds, newDatabase } from "./lib/database.ts";
import { type Limits, measureLimits } from "./lib/limits.ts";
import { type Measured, measure } from "./lib/load.ts";
import type { Scenario } from "./lib/scenario.ts";
import { profileInto, startPoolhouse } from "./lib/server.ts";
import { openStage } from "./lib/stage.ts";
import { table } from "./lib/table.ts";
import * as messages from "./messages.ts";
import * as overload from "./overload.ts";
import * as pageLatency from "./page-latency.ts";
import * as policy from "./policy.ts";
import { scenarios } from "./scenarios.ts";
import * as sigv4 from "./sigv4.ts";
import * as start from "./start.ts";
import * as sweep from "./sweep.ts";
import * as triggers from "./triggers.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    database: { type: "string", default: "both" },
    users: { type: "string", default: "1000" },
    seconds: { type: "string", default: "5" },
    connections: { type: "string", default: "16" },
    /** A folder for V8's profiles of the server. */
    profile: { type: "string" },
    /** For enumeration: samples per kind of name, and the operations. */
    samples: { type: "string", default: "10000" },
    operations: { type: "string" },
  },
});
const load = { seconds: Number(values.seconds), connections: Number(values.connections) };
const kinds = databaseKinds(values.database);

interface Result {
  readonly scenario: Scenario;
  readonly measured: Measured;
}

async function main(): Promise<void> {
  if (values.profile !== undefined) profileInto(values.profile);
  const model = cpus()[0]?.model ?? "unknown";
  console.log(
    `${cpus().length} × ${model}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}\n`,
  );
  if (positionals.includes(overload.name)) await overload.run();
  if (positionals.includes(enumeration.name)) {
    await enumeration.run({ kinds, samples: Number(values.samples), names: values.operations?.split(",") });
  }
  if (positionals.includes(pageLatency.name)) await pageLatency.run({ kinds, seconds: load.seconds });
  if (positionals.includes(sweep.name)) await sweep.run({ kinds });
  if (positionals.includes(messages.name)) await messages.run({ kinds, seconds: load.seconds });
  if (positionals.includes(gateway.name)) await gateway.run({ seconds: load.seconds });
  if (positionals.includes(identities.name)) {
    await identities.run({ kinds, sizes: values.users.split(",").map(Number), seconds: load.seconds });
  }
  if (positionals.includes(policy.name)) await policy.run({ seconds: load.seconds });
  if (positionals.includes(start.name)) await start.run({ kinds, rounds: 5, idle: true });
  if (positionals.includes(sigv4.name)) await sigv4.run({ seconds: load.seconds });
  if (positionals.includes(triggers.name)) await triggers.run({ kinds, seconds: load.seconds });
  const ownBenches: readonly string[] = [
    ...[
      overload.name,
      enumeration.name,
      pageLatency.name,
      sweep.name,
      triggers.name,
      messages.name,
      gateway.name,
      identities.name,
      policy.name,
      sigv4.name,
      start.name,
    ],
  ];
  const named = positionals.filter((name) => !ownBenches.includes(name));
  const chosen = scenarios.filter(({ name }) => positionals.length === 0 || named.includes(name));
  if (chosen.length === 0) return;
  const limits = await measureLimits(load.seconds);
  console.log(
    table(
      ["limit", "CPU ms"],
      Object.entries(limits).map(([name, ms]) => [name, ms.toFixed(3)]),
    ),
  );
  for (const kind of kinds) {
    const bySize: Result[][] = [];
    const sizes = values.users.split(",").map(Number);
    for (const users of sizes) bySize.push(await runOn(kind, users, chosen, limits));
    if (sizes.length > 1) console.log(growth(kind, sizes, bySize));
  }
}

async function runOn(
  kind: string,
  users: number,
  chosen: readonly Scenario[],
  limits: Limits,
): Promise<Result[]> {
  const database = await newDatabase(kind);
  const [softwareTokens] = chosen.flatMap((scenario) => scenario.softwareTokens ?? []);
  const stage = await openStage(database.url, users, { softwareTokens });
  const idle = await stage.server.usage();
  const results: Result[] = [];
  const databaseCpu = await database.cpu();
  for (const scenario of chosen) {
    const operation = await scenario.prepare(stage);
    results.push({ scenario, measured: await measure(stage.server, operation, { ...load, databaseCpu }) });
  }
  await databaseCpu.close();
  console.log(`\n${kind}, ${users} users\n`);
  console.log(
    table(
      head,
      results.map((result) => row(result, limits)),
    ),
  );
  const after = await stage.server.usage();
  await stage.server.close();
  const again = await startPoolhouse(database.url);
  const megabytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MB`;
  const size = kind === "sqlite" ? `; file ${(statSync(database.url).size / 1e6).toFixed(0)} MB` : "";
  console.log(
    `\nready ${again.readyMs.toFixed(0)} ms after its start; ${megabytes(idle.rss)} before the load, ` +
      `${megabytes(after.rss)} after it${size}`,
  );
  await again.close();
  await database.remove();
  return results;
}

const head = [
  "operation",
  "a second",
  "p50 ms",
  "p99 ms",
  "CPU ms",
  "PostgreSQL's",
  "limit",
  "ratio",
  "goal",
];

function row({ scenario, measured }: Result, limits: Limits): string[] {
  const limit = scenario.limit?.(limits);
  return [
    scenario.title,
    measured.perSecond.toFixed(0),
    measured.p50.toFixed(2),
    measured.p99.toFixed(2),
    measured.cpu.toFixed(3),
    measured.databaseCpu?.toFixed(3) ?? "–",
    limit === undefined ? "" : `${scenario.limitText} (${limit.toFixed(3)} ms)`,
    limit === undefined ? "" : (limit / measured.cpu).toFixed(2),
    scenario.goal === undefined ? "" : scenario.goal.toFixed(2),
  ];
}

/** CPU per operation at each size, and the ratio of the last to the first. */
function growth(kind: string, sizes: readonly number[], results: readonly (readonly Result[])[]): string {
  const rows = results[0]!.map(({ scenario }, index) => {
    const cpu = results.map((ofSize) => ofSize[index]!.measured.cpu);
    return [scenario.title, ...cpu.map((ms) => ms.toFixed(3)), (cpu.at(-1)! / cpu[0]!).toFixed(2)];
  });
  const titles = sizes.map((users) => `CPU ms, ${users} users`);
  return `\n${kind}\n\n${table(["operation", ...titles, "ratio"], rows)}`;
}

await main();
process.exit(0);
