/**
 * `npm run bench -- growth [--only pools,families] [--database …] [--rounds N] [--samples N]`: how the CPU time of an
 * operation grows with what a server has much of. The small and the large case are servers of their own, measured by
 * turns; shown is the ratio of each round's large case to its small one, in the median.
 */
import { PatientConnection } from "./lib/connection.ts";
import { type BenchDatabase, newDatabase } from "./lib/database.ts";
import { type Dimension, dimensions } from "./lib/growth-dimensions.ts";
import type { GrowthStage, Operations } from "./lib/growth-stage.ts";
import { type Operation, quantile } from "./lib/load.ts";
import type { DatabaseCpu } from "./lib/postgres-cpu.ts";
import { withDatabase } from "./lib/rows.ts";
import { masterKey, startPoolhouse } from "./lib/server.ts";
import { makePool } from "./lib/stage.ts";
import { table } from "./lib/table.ts";
import { loadUsers } from "./lib/users.ts";

export const name = "growth";

/** An operation may cost so many times what it costs in the small case. */
const goal = 1.3;
const connections = 2;
/** Users with a password. */
const users = 10;

export interface GrowthOptions {
  readonly kinds: readonly string[];
  readonly rounds: number;
  /** Operations in each round. */
  readonly samples: number;
  /** Names of dimensions; undefined for all. */
  readonly only: readonly string[] | undefined;
}

interface Case {
  readonly stage: GrowthStage;
  readonly database: BenchDatabase;
  readonly cpu: DatabaseCpu;
  readonly operations: Operations;
}

export async function run({ kinds, rounds, samples, only }: GrowthOptions): Promise<void> {
  const unknown = only?.filter((one) => !dimensions.some((dimension) => dimension.name === one)) ?? [];
  if (unknown.length > 0)
    throw new Error(
      `--only names ${unknown.join(", ")}; there are ${dimensions.map((one) => one.name).join(", ")}.`,
    );
  for (const kind of kinds)
    for (const dimension of dimensions)
      if (only?.includes(dimension.name) ?? true) await runOne(kind, dimension, { rounds, samples });
}

async function runOne(
  kind: string,
  dimension: Dimension,
  { rounds, samples }: Pick<GrowthOptions, "rounds" | "samples">,
): Promise<void> {
  const small = await openCase(kind, dimension, dimension.small);
  const large = await openCase(kind, dimension, dimension.large);
  const rows: string[][] = [];
  for (const [index, [title, , costly]] of small.operations.entries()) {
    const count = costly === undefined ? samples : Math.ceil(samples / 10);
    // The first round compiles, and is not counted.
    const of = (one: Case, round: number) =>
      measureOnce(one, one.operations[index]![1], round === 0 ? 3 * count : count);
    const measured: { readonly small: Measured; readonly large: Measured }[] = [];
    for (let round = 0; round <= rounds; round++) {
      // Neither case is always the first.
      const first = round % 2 === 0 ? await of(small, round) : undefined;
      const second = await of(large, round);
      const both = { small: first ?? (await of(small, round)), large: second };
      if (round > 0) measured.push(both);
    }
    rows.push(rowOf(title, measured));
  }
  const memory = await Promise.all([small, large].map(async ({ stage }) => (await stage.server.usage()).rss));
  const { size: least } = small.stage;
  const { size: most } = large.stage;
  console.log(`\n${kind}: ${dimension.title}, ${least} and ${most}\n`);
  console.log(
    table(["operation", "CPU ms, small", "large", "PostgreSQL's, small", "large", "ratio", "goal"], rows),
  );
  const starts = await Promise.all([small, large].map(startAgain));
  const [few, many] = memory.map((bytes) => `${(bytes / 2 ** 20).toFixed(0)} MB`);
  console.log(
    `\n${few} and ${many} resident; ready again after ${starts.map((ms) => ms.toFixed(0)).join(" and ")} ms`,
  );
  for (const { database, cpu } of [small, large]) {
    await cpu.close();
    await database.remove();
  }
}

async function openCase(kind: string, dimension: Dimension, size: number): Promise<Case> {
  const database = await newDatabase(kind);
  const { url } = database;
  const first = await startPoolhouse(url);
  const flows = ["USER_PASSWORD_AUTH", "REFRESH_TOKEN_AUTH", "USER_AUTH"];
  const pool = await makePool(first, {
    pool: {
      ...{ UserPoolTier: "PLUS", UserPoolAddOns: { AdvancedSecurityMode: "AUDIT" } },
      ...(dimension.name === "devices" && {
        DeviceConfiguration: { DeviceOnlyRememberedOnUserPrompt: true },
      }),
      Policies: { SignInPolicy: { AllowedFirstAuthFactors: ["PASSWORD", "WEB_AUTHN"] } },
    },
    client: { ExplicitAuthFlows: flows.map((flow) => `ALLOW_${flow}`) },
  });
  await first.close();
  await loadUsers({ database: { url, masterKey }, poolId: pool.poolId, users });
  await withDatabase(url, (db) => dimension.fill(db, { ...pool, size }));
  const stage: GrowthStage = { server: await startPoolhouse(url), url, ...pool, users, size };
  const cpu = await database.cpu();
  await cpu.vacuum();
  return { stage, database, cpu, operations: await dimension.operations(stage) };
}

/** CPU time per operation, in milliseconds. */
interface Measured {
  readonly cpu: number;
  /** PostgreSQL's; undefined with SQLite. */
  readonly databaseCpu: number | undefined;
}

/** So many operations, whatever time they take, over a few connections. */
async function measureOnce({ stage, cpu }: Case, operation: Operation, count: number): Promise<Measured> {
  const before = { server: await stage.server.usage(), database: await cpu.ms() };
  let turn = 0;
  const work = async () => {
    const connection = new PatientConnection(stage.server.port);
    while (turn < count) await operation(connection, turn++);
    connection.close();
  };
  await Promise.all(Array.from({ length: connections }, work));
  const after = { server: await stage.server.usage(), database: await cpu.ms() };
  return {
    cpu: (after.server.cpuMs - before.server.cpuMs) / count,
    databaseCpu:
      before.database === undefined || after.database === undefined
        ? undefined
        : (after.database - before.database) / count,
  };
}

function rowOf(
  title: string,
  measured: readonly { readonly small: Measured; readonly large: Measured }[],
): string[] {
  const whole = ({ cpu, databaseCpu = 0 }: Measured) => cpu + databaseCpu;
  const of = (value: (both: (typeof measured)[number]) => number | undefined) => median(measured.map(value));
  const cells = [
    of(({ small }) => small.cpu),
    of(({ large }) => large.cpu),
    of(({ small }) => small.databaseCpu),
    of(({ large }) => large.databaseCpu),
  ];
  const ratio = of(({ small, large }) => whole(large) / whole(small));
  const text = (value: number | undefined, digits: number) => value?.toFixed(digits) ?? "–";
  return [title, ...cells.map((value) => text(value, 3)), text(ratio, 2), `≤ ${goal}`];
}

function median(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined).sort((a, b) => a - b);
  return known.length === 0 ? undefined : quantile(known, 0.5);
}

async function startAgain({ stage }: Case): Promise<number> {
  await stage.server.close();
  const again = await startPoolhouse(stage.url);
  await again.close();
  return again.readyMs;
}
