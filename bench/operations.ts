/**
 * The main bench: every operation beside what it cannot do without. Limits and operations are measured for a short time
 * by turns, in rounds, so that other load of the machine meets them all; compared are figures of the same round. With
 * `against`, the same operations of another version; with several numbers of users, a server for each.
 */
import { statSync } from "node:fs";
import { loadavg } from "node:os";
import { resolve } from "node:path";
import { type BenchDatabase, newDatabase } from "./lib/database.ts";
import { LimitBench, type LimitName, type Limits } from "./lib/limits.ts";
import { type Measured, measure, type Operation } from "./lib/load.ts";
import type { DatabaseCpu } from "./lib/postgres-cpu.ts";
import {
  beyondTable,
  type Kind,
  limitTable,
  mainTable,
  type Pair,
  pairTable,
  type Round,
} from "./lib/report.ts";
import type { Scenario } from "./lib/scenario.ts";
import { here, startPoolhouse, type Usage } from "./lib/server.ts";
import { openStage, type Stage } from "./lib/stage.ts";
import { scenarios } from "./scenarios.ts";

export interface Options {
  readonly kinds: readonly string[];
  /** Scenarios; all of them if none is named. */
  readonly names: readonly string[];
  /** Numbers of users. */
  readonly sizes: readonly number[];
  readonly rounds: number;
  /** How long each sample is. */
  readonly seconds: number;
  readonly connections: number;
  /** The folder of another version's repository. */
  readonly against: string | undefined;
}

/** A server with its database. */
interface Place {
  readonly title: string;
  readonly checkout: string;
  readonly database: BenchDatabase;
  readonly stage: Stage;
  readonly cpu: DatabaseCpu;
  readonly idle: Usage;
  /** By scenario. */
  readonly operations: readonly Operation[];
}

export async function run(options: Options): Promise<void> {
  const { names } = options;
  const chosen = scenarios.filter(({ name }) => names.length === 0 || names.includes(name));
  const unknown = names.filter((name) => !scenarios.some((scenario) => scenario.name === name));
  if (unknown.length > 0) throw new Error(`There is no bench ${unknown.join(", ")}.`);
  for (const kind of options.kinds) await runOn(kind as Kind, chosen, options);
}

async function runOn(kind: Kind, chosen: readonly Scenario[], options: Options): Promise<void> {
  const checkouts = options.against === undefined ? [here] : [here, resolve(options.against)];
  const places: Place[] = [];
  for (const users of options.sizes)
    for (const checkout of checkouts) places.push(await openPlace(kind, users, checkout, chosen));
  const rounds = await measureAll(places, chosen, options);
  const { sizes } = options;
  const load = loadavg()[1]!.toFixed(1);
  console.log(
    `\n${kind}, ${sizes[0]} users, ${rounds.length} rounds of ${options.seconds} s; load average in the end, with this bench: ${load}\n`,
  );
  console.log(limitTable(rounds));
  console.log(`\n${mainTable(kind, chosen, rounds)}\n`);
  console.log(beyondTable(kind, chosen, rounds));
  for (const pair of pairsOf(sizes, checkouts.length))
    console.log(`\n${kind}: ${pair.titles.join(" to ")}\n\n${pairTable(chosen, rounds, pair)}`);
  for (const place of places) await close(kind, place);
}

/** This version to the other one with each number of users, and each number of users to the first. */
function pairsOf(sizes: readonly number[], versions: number): Pair[] {
  return sizes.flatMap((users, index): Pair[] => {
    const place = index * versions;
    return [
      ...(versions > 1
        ? [{ places: [place, place + 1], titles: ["this version", "the other"] } as const]
        : []),
      ...(index > 0
        ? [{ places: [place, 0], titles: [`${users} users`, `${sizes[0]} users`] } as const]
        : []),
    ];
  });
}

async function openPlace(
  kind: Kind,
  users: number,
  checkout: string,
  chosen: readonly Scenario[],
): Promise<Place> {
  const database = await newDatabase(kind);
  const [softwareTokens] = chosen.flatMap((scenario) => scenario.softwareTokens ?? []);
  const stage = await openStage(database.url, users, { softwareTokens, checkout });
  const idle = await stage.server.usage();
  const operations: Operation[] = [];
  for (const scenario of chosen) operations.push(counting(await scenario.prepare(stage)));
  const title = `${users} users${checkout === here ? "" : `, ${checkout}`}`;
  return { title, checkout, database, stage, cpu: await database.cpu(), idle, operations };
}

/** Its turns go on from one round to the next, since what is made in a turn may have its number. */
function counting(operation: Operation): Operation {
  let turn = 0;
  return (connection) => operation(connection, turn++);
}

async function measureAll(
  places: readonly Place[],
  chosen: readonly Scenario[],
  options: Options,
): Promise<Round[]> {
  const limitBench = new LimitBench();
  const used = new Set<LimitName>(["signature", "http", "hono", "net"]);
  for (const { limit = {} } of chosen) for (const name of Object.keys(limit)) used.add(name as LimitName);
  const rounds: Round[] = [];
  for (let round = 0; round < options.rounds; round++) {
    process.stderr.write(`round ${round + 1} of ${options.rounds}\n`);
    const limits = (await limitBench.measure([...used], options)) as Limits;
    const measured: Measured[][] = [];
    for (const [at, scenario] of chosen.entries()) {
      const inPlaces: Measured[] = [];
      const order = [...places.keys()];
      // Who begins alternates.
      for (const index of round % 2 === 0 ? order : order.reverse())
        inPlaces[index] = await measureOne(places[index]!, scenario, at, round === 0, options);
      measured.push(inPlaces);
    }
    rounds.push({ limits, measured });
  }
  await limitBench.close();
  return rounds;
}

async function measureOne(
  { stage, operations, cpu }: Place,
  scenario: Scenario,
  at: number,
  isFirst: boolean,
  { seconds, connections }: Options,
): Promise<Measured> {
  const many = Math.min(connections, scenario.connections ?? connections);
  const measured = await measure(stage.server, operations[at]!, {
    connections: many,
    seconds,
    atLeast: 3 * many,
    // Only the first time until V8 has compiled the code, and PostgreSQL has counted its rows.
    databaseCpu: isFirst ? cpu : { ...cpu, vacuum: async () => {} },
    ...(!isFirst && { warmUp: { operations: 100, seconds: 1 } }),
  });
  if (measured.refused > 0)
    process.stderr.write(
      `${scenario.title}: ${measured.refused} requests were turned away, and sent again\n`,
    );
  return measured;
}

/** Closes a place, and says what its server took, and how long a start takes. */
async function close(kind: Kind, { title, checkout, database, stage, cpu, idle }: Place): Promise<void> {
  const after = await stage.server.usage();
  await cpu.close();
  await stage.server.close();
  const again = await startPoolhouse(database.url, {}, checkout);
  const megabytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MB`;
  const size = kind === "sqlite" ? `; file ${(statSync(database.url).size / 1e6).toFixed(0)} MB` : "";
  console.log(
    `\n${kind}, ${title}: ready ${again.readyMs.toFixed(0)} ms after its start; ` +
      `${megabytes(idle.rss)} before the load, ${megabytes(after.rss)} after it${size}`,
  );
  await again.close();
  await database.remove();
}
