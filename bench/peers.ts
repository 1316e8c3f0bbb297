/**
 * `npm run bench -- peers`: other servers that can be had from npm beside this one with SQLite, at the same work, by
 * turns: cognito-local at the API, oidc-provider at OAuth. What each checks and keeps is asked of each as it runs, since
 * a server that does less work is faster.
 */
import { join } from "node:path";
import { newDatabase } from "./lib/database.ts";
import { type Measured, measure, median, type Operation } from "./lib/load.ts";
import {
  installCognitoLocal,
  oidcProviderVersion,
  openCognitoLocal,
  openOidcProvider,
  startCognitoLocal,
  startOidcProvider,
} from "./lib/peers.ts";
import { type Finding, probeApi, probeOidc } from "./lib/probes.ts";
import { type BenchServer, startPoolhouse, temporaryFolder } from "./lib/server.ts";
import { openStage, type Stage } from "./lib/stage.ts";
import { table } from "./lib/table.ts";
import { oauthOperations, openAuthorization } from "./oauth-peers.ts";
import { scenarios } from "./scenarios.ts";

export const name = "peers";

/** Fewer than elsewhere, for servers of one thread. */
const connections = 4;
const starts = 3;

interface Options {
  readonly rounds: number;
  readonly seconds: number;
}

/** One operation at both servers. */
interface Pair {
  readonly title: string;
  /** As findings name it. */
  readonly name: string;
  readonly ours: readonly [BenchServer, Operation];
  readonly peers: readonly [BenchServer, Operation];
}

export async function run(options: Options): Promise<void> {
  await besideCognitoLocal(options);
  await besideOidcProvider(options);
}

async function besideCognitoLocal(options: Options): Promise<void> {
  const { folder, version } = installCognitoLocal();
  const title = `cognito-local ${version}`;
  for (const users of [1, 1_000]) {
    const database = await newDatabase("sqlite");
    const ours = await openStage(database.url, users);
    const data = join(temporaryFolder(), `cognito-local-${users}`);
    const peer = await openCognitoLocal(folder, data, users);
    const again = {
      ours: () => startPoolhouse(database.url),
      peer: () => startCognitoLocal(folder, data),
    };
    const idle = await rssOf(ours.server, peer.server);
    console.log(`\n${title}, ${users === 1 ? "one user" : `${users} users`}\n`);
    const told = await measureAll(await apiPairs(ours, peer), options);
    const loaded = await rssOf(ours.server, peer.server);
    const findings = await probeApi(ours, peer, { ...again, folders: [join(database.url, "../.."), data] });
    console.log(costs(title, told, findings));
    console.log(`\n${await startTable(title, again, idle, loaded)}`);
    if (users > 1) console.log(`\n${findingTable(title, findings)}`);
  }
}

async function besideOidcProvider(options: Options): Promise<void> {
  const title = `oidc-provider ${oidcProviderVersion()}`;
  const database = await newDatabase("sqlite");
  const stage = await openStage(database.url, 1_000);
  const ours = await openAuthorization(stage);
  const peer = await openOidcProvider();
  const idle = await rssOf(ours.server, peer.server);
  const operations = [await oauthOperations(ours), await oauthOperations(peer)] as const;
  const pairs = Object.keys(operations[0]).map((title): Pair => {
    const key = title as keyof (typeof operations)[0];
    return {
      title,
      name: title,
      ours: [ours.server, operations[0][key]],
      peers: [peer.server, operations[1][key]],
    };
  });
  console.log(`\n${title}, its adapter in memory\n`);
  const told = await measureAll(pairs, options);
  const loaded = await rssOf(ours.server, peer.server);
  const again = { ours: () => startPoolhouse(database.url), peer: startOidcProvider };
  const findings = await probeOidc(ours, peer, again);
  console.log(costs(title, told, findings));
  console.log(`\n${await startTable(title, again, idle, loaded)}`);
  console.log(`\n${findingTable(title, findings)}`);
}

/** The scenarios of the main bench, which are the same requests at both. */
async function apiPairs(ours: Stage, peer: Stage): Promise<Pair[]> {
  const pairs: Pair[] = [];
  for (const scenario of scenarios) {
    if (!["password", "refresh", "get-user", "admin-get-user"].includes(scenario.name)) continue;
    pairs.push({
      title: scenario.title,
      name: scenario.name,
      ours: [ours.server, await scenario.prepare(ours)],
      peers: [peer.server, await scenario.prepare(peer)],
    });
  }
  return pairs;
}

type Told = Pair & { readonly measured: readonly { readonly ours: Measured; readonly peer: Measured }[] };

async function measureAll(pairs: readonly Pair[], { rounds, seconds }: Options): Promise<Told[]> {
  const measured = pairs.map((): { ours: Measured; peer: Measured }[] => []);
  for (let round = 0; round < rounds; round++)
    for (const [at, { ours, peers }] of pairs.entries()) {
      // Not the usual 3,000: cognito-local writes all that it keeps at every sign-in, and keeps more each time.
      const warmUp = round === 0 ? { operations: 1_000, seconds: 10 } : { operations: 50, seconds: 1 };
      const load = { connections, seconds, warmUp, atLeast: 3 * connections };
      measured[at]!.push({ ours: await measure(...ours, load), peer: await measure(...peers, load) });
    }
  return pairs.map((pair, at) => ({ ...pair, measured: measured[at]! }));
}

function costs(peer: string, told: readonly Told[], findings: readonly Finding[]): string {
  const rows = told.map(({ title, name, measured }) => {
    const less = findings.filter(({ about, peer }) => about.includes(name) && peer.isLess);
    const both = (value: (one: Measured) => number, digits: number) =>
      (["ours", "peer"] as const).map((who) =>
        median(measured.map((round) => value(round[who]))).toFixed(digits),
      );
    const ratio = median(measured.map((round) => round.peer.cpu / round.ours.cpu));
    return [
      title,
      ...both(({ cpu }) => cpu, 3),
      `${ratio.toFixed(2)} ×`,
      ...both(({ perSecond }) => perSecond, 0),
      ...both(({ p99 }) => p99, 1),
      less.length === 0 ? "" : `does less work: ${less.map(({ peer }) => peer.text).join("; ")}`,
    ];
  });
  const head = ["operation", "CPU ms, Poolhouse", peer, "ratio", "a second, Poolhouse", "peer"];
  return table([...head, "p99 ms, Poolhouse", "peer", "the peer"], rows);
}

const rssOf = async (...servers: readonly BenchServer[]) =>
  Promise.all(servers.map(async (server) => (await server.usage()).rss));

/** Starts with what is stored, by turns. */
async function startTable(
  peer: string,
  again: { readonly ours: () => Promise<BenchServer>; readonly peer: () => Promise<BenchServer> },
  idle: readonly number[],
  loaded: readonly number[],
): Promise<string> {
  const all: { readonly readyMs: number; readonly cpuMs: number }[][] = [[], []];
  for (let turn = 0; turn < starts; turn++)
    for (const [who, start] of [again.ours, again.peer].entries()) {
      const server = await start();
      all[who]!.push({ readyMs: server.readyMs, cpuMs: (await server.usage()).cpuMs });
      await server.close();
    }
  const megabytes = (bytes: number | undefined) => ((bytes ?? 0) / 2 ** 20).toFixed(0);
  const rows = ["Poolhouse", peer].map((title, who) => [
    title,
    median(all[who]!.map(({ readyMs }) => readyMs)).toFixed(0),
    median(all[who]!.map(({ cpuMs }) => cpuMs)).toFixed(0),
    megabytes(idle[who]),
    megabytes(loaded[who]),
  ]);
  const head = ["server", "ready after ms", "CPU ms until then", "MB before the load", "MB after it"];
  return table(head, rows);
}

function findingTable(peer: string, findings: readonly Finding[]): string {
  const rows = findings.map(({ question, ours, peer }) => [question, ours.text, peer.text]);
  return table(["asked of each as it ran", "Poolhouse", peer], rows);
}
