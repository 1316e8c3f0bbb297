/**
 * Ten times the load that the server can handle: how much is still answered, how fast the rest is refused, and how it
 * affects other requests. The server has one processor and the load generator another, so that neither affects the
 * other's measurements.
 */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { parseArgs } from "node:util";
import { limitTable } from "../src/config/limits.ts";
import { Connection } from "./lib/connection.ts";
import { measure, quantile } from "./lib/load.ts";
import { OpenLoop, type Request } from "./lib/open-loop.ts";
import { type BenchServer, temporaryFolder } from "./lib/server.ts";
import { SrpClient } from "./lib/srp-client.ts";
import { openStage, type Stage } from "./lib/stage.ts";
import { stallBodies } from "./lib/stalled.ts";
import { table } from "./lib/table.ts";
import { password, userName } from "./lib/users.ts";

export const name = "overload";
export const title = "Ten times the load";

/** Addresses of this machine, beginning with 127.<net>.0.1. */
const addresses = (net: number, count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `127.${net}.${index >> 8}.${index & 255 || 250}`);

function floods(stage: Stage): Readonly<Record<string, Request>> {
  const srp = new SrpClient(stage.poolId, password);
  const user = (turn: number) => userName((turn * 7919) % stage.users);
  const initiate = (flow: string, parameters: (turn: number) => object): Request => {
    return (connection, turn) =>
      connection.call("InitiateAuth", {
        AuthFlow: flow,
        ClientId: stage.clientId,
        AuthParameters: parameters(turn),
      });
  };
  return {
    password: initiate("USER_PASSWORD_AUTH", (turn) => ({ USERNAME: user(turn), PASSWORD: password })),
    srp: initiate("USER_SRP_AUTH", (turn) => ({ USERNAME: user(turn), SRP_A: srp.srpA })),
  };
}

/** Other requests meanwhile, at a rate that costs the server little. */
async function probes(stage: Stage): Promise<Readonly<Record<"GetUser" | "Refresh", OpenLoop>>> {
  const connection = new Connection(stage.server.port);
  const signIn = await connection.call("InitiateAuth", {
    AuthFlow: "USER_PASSWORD_AUTH",
    ClientId: stage.clientId,
    AuthParameters: { USERNAME: userName(0), PASSWORD: password },
  });
  connection.close();
  const { AccessToken, RefreshToken } = JSON.parse(signIn.body).AuthenticationResult;
  const probe = (request: Request) =>
    new OpenLoop(stage.server, {
      connections: 8,
      request,
      addresses: addresses(99, 8),
    });
  return {
    GetUser: probe((one) => one.call("GetUser", { AccessToken })),
    Refresh: probe((one) =>
      one.call("InitiateAuth", {
        AuthFlow: "REFRESH_TOKEN_AUTH",
        ClientId: stage.clientId,
        AuthParameters: { REFRESH_TOKEN: RefreshToken },
      }),
    ),
  };
}

const probeRates = { GetUser: 50, Refresh: 20 } as const;

function start(watched: Awaited<ReturnType<typeof probes>>): OpenLoop[] {
  for (const probe of ["GetUser", "Refresh"] as const) {
    watched[probe].reset();
    watched[probe].start(probeRates[probe]);
  }
  return Object.values(watched);
}

type Times = Record<"GetUser" | "Refresh", { p50: number; p99: number; failed: number }>;

async function during(seconds: number, watched: Awaited<ReturnType<typeof probes>>): Promise<Times> {
  return timesOf([await watch(seconds, watched)]);
}

type Watched = Record<"GetUser" | "Refresh", { latencies: readonly number[]; failed: number }>;

async function watch(seconds: number, watched: Awaited<ReturnType<typeof probes>>): Promise<Watched> {
  const loops = start(watched);
  await pause(seconds);
  for (const loop of loops) loop.stop();
  const seen = ({ latencies, tally: { refused, other, unsent } }: OpenLoop) => ({
    latencies: [...latencies],
    failed: refused.length + other + unsent,
  });
  return { GetUser: seen(watched.GetUser), Refresh: seen(watched.Refresh) };
}

/** The times of several spans together. */
function timesOf(spans: readonly Watched[]): Times {
  const times = (probe: "GetUser" | "Refresh") => {
    const sorted = spans.flatMap((span) => span[probe].latencies).sort((a, b) => a - b);
    const failed = spans.reduce((sum, span) => sum + span[probe].failed, 0);
    return { p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99), failed };
  };
  return { GetUser: times("GetUser"), Refresh: times("Refresh") };
}

const pause = (seconds: number) => new Promise<void>((resolve) => setTimeout(resolve, seconds * 1000));

/** Pins server and load generator, with all their threads, to a processor each. */
function separate(server: BenchServer): void {
  try {
    execFileSync("taskset", ["-acp", "0", String(server.pid)], { stdio: "ignore" });
    execFileSync("taskset", ["-acp", "1", String(process.pid)], { stdio: "ignore" });
  } catch {
    console.log("(no taskset, or one processor: the load takes from the server what it measures)");
  }
}

const bodyBytes = limitTable["body-bytes"].fallback;

/** How long the bodies are held before they are cut off for lack of progress, including two seconds to send them. */
const heldSeconds = 6;

/** The number of rounds: the 99th percentile of a single one would be that of three requests. */
const stalledRounds = 5;

/**
 * One address takes the whole budget for bodies, and sends all of them again whenever they are cut off. Compares the
 * times of other requests, while it holds them and while it sends them, with those of the same server undisturbed.
 */
async function stalled(
  { server }: Stage,
  watched: Awaited<ReturnType<typeof probes>>,
  seconds: number,
): Promise<string[][]> {
  const alone: Watched[] = [];
  const held: Watched[] = [];
  const taken: Watched[] = [];
  let cut = 0;
  let rss = 0;
  for (let round = 0; round < stalledRounds; round++) {
    alone.push(await watch(seconds, watched));
    const bodies = stallBodies(server, "127.4.0.1", bodyBytes + 2 ** 20);
    await pause(2);
    held.push(await watch(heldSeconds, watched));
    taken.push(await watch(seconds, watched));
    ({ rss } = await server.usage());
    cut += await bodies.stop();
    await pause(1);
  }
  console.log(`${cut} bodies that stopped short were refused or cut off`);
  const quiet = timesOf(alone);
  const spans = { "bodies: none": quiet, "stop short, held": timesOf(held), "taken anew": timesOf(taken) };
  return Object.entries(spans).map(([label, times]) => {
    const ratio = (probe: "GetUser" | "Refresh") => (times[probe].p99 / quiet[probe].p99).toFixed(2);
    console.log(`${label}: p99 to none: GetUser ${ratio("GetUser")}, Refresh ${ratio("Refresh")} (goal 2)`);
    return [label, "", "", "", "", ...latencies(times), `${Math.round(rss / 2 ** 20)}`];
  });
}

/** After all floods. */
const quietSeconds = 60;

/** @param loads which floods to run; `stalled` is that of unfinished bodies */
export async function run({ seconds = 10, users = 1000, loads = ["stalled", "password", "srp"] } = {}) {
  const stage = await openStage(join(temporaryFolder(), "overload.sqlite"), users, {
    env: { POOLHOUSE_HASH_CONCURRENCY: "1" },
  });
  const { server } = stage;
  separate(server);
  const watched = await probes(stage);
  await during(seconds / 2, watched);
  const quiet = await during(seconds, watched);
  const rows: string[][] = [
    ["quiet", "", "", "", "", ...latencies(quiet), `${Math.round((await server.usage()).rss / 2 ** 20)}`],
  ];
  const judged: string[][] = [];
  if (loads.includes("stalled")) rows.push(...(await stalled(stage, watched, seconds)));
  for (const [kind, request] of Object.entries(floods(stage)))
    if (loads.includes(kind)) {
      const both = await floodedTwice(stage, watched, kind, request, seconds);
      rows.push(...both.map(({ row }) => row));
      judged.push(...both.map((one) => judge(kind as keyof typeof goals, one, quiet)));
    }
  // How much of it the server gives back once nobody asks for anything.
  await pause(quietSeconds);
  rows.push(["a minute later", ...Array(8).fill(""), `${Math.round((await server.usage()).rss / 2 ** 20)}`]);
  const head = [
    "load",
    "offered/s",
    "goodput",
    "refused p50",
    "refused p99",
    "GetUser p50",
    "p99",
    "Refresh p50",
    "p99",
    "MB",
  ];
  console.log(table(head, rows));
  if (judged.length > 0)
    console.log(
      `\n${table(judgedHead, judged)}\n\nThe load generator runs beside the server, on a processor of its own: its times contain its own ` +
        "lateness, and mean nothing if that is of their size, as with other work on the machine.",
    );
  await server.close();
}

/** Runs a flood from many addresses, and one from a single address while others ask. */
async function floodedTwice(
  { server }: Stage,
  watched: Awaited<ReturnType<typeof probes>>,
  kind: string,
  request: Request,
  seconds: number,
): Promise<Flooded[]> {
  // The other requests run here as well, so that what they take is not attributed to the flood.
  const loops = start(watched);
  const { perSecond: peak } = await measure(server, (connection, turn) => request(connection, turn), {
    connections: 8,
    seconds,
  });
  for (const loop of loops) loop.stop();
  const options = { peak, seconds, watched, server };
  const many = new OpenLoop(server, { connections: 1500, request, addresses: addresses(1, 1000) });
  const fromMany = await flooded(`${kind}, 1000 addresses`, many, options);
  const one = new OpenLoop(server, { connections: 1500, request, addresses: addresses(2, 1) });
  const honest = new OpenLoop(server, { connections: 50, request, addresses: addresses(3, 20) });
  honest.start(peak / 10);
  const fromOne = await flooded(`${kind}, one address`, one, options);
  honest.stop();
  const { good, refused, other, unsent } = honest.tally;
  console.log(
    `${kind}: of 20 other addresses ${good} sign-ins done, ${refused.length} refused, ${other + unsent} failed`,
  );
  return [fromMany, fromOne];
}

async function flooded(
  label: string,
  flood: OpenLoop,
  options: {
    peak: number;
    seconds: number;
    watched: Awaited<ReturnType<typeof probes>>;
    server: BenchServer;
  },
): Promise<Flooded> {
  const { peak, seconds, watched, server } = options;
  flood.start(peak * 10);
  await pause(2);
  flood.reset();
  const lateness = monitorEventLoopDelay({ resolution: 5 });
  lateness.enable();
  const before = [await server.usage(), process.cpuUsage()] as const;
  const meanwhile = await during(seconds, watched);
  const { user, system } = process.cpuUsage(before[1]);
  const serverMs = (await server.usage()).cpuMs - before[0].cpuMs;
  lateness.disable();
  const { good, other, unsent } = flood.tally;
  const refused = [...flood.tally.refused].sort((a, b) => a - b);
  flood.stop();
  if (other + unsent > 0) console.log(`${label}: ${other} failed otherwise, ${unsent} could not be sent`);
  const { rss } = await server.usage();
  await pause(3);
  const goodput = (good / seconds / peak) * 100;
  const megabytes = Math.round(rss / 2 ** 20);
  const refusedP99 = quantile(refused, 0.99);
  const row = [
    label,
    (peak * 10).toFixed(0),
    `${goodput.toFixed(0)} % of ${peak.toFixed(0)}/s`,
    quantile(refused, 0.5).toFixed(1),
    refusedP99.toFixed(1),
    ...latencies(meanwhile),
    `${megabytes}`,
  ];
  return {
    ...{ label, row, goodput, refusedP99, megabytes, meanwhile },
    serverCpu: serverMs / (seconds * 10),
    loadCpu: (user + system) / 1000 / (seconds * 10),
    loadLateMs: Math.max(0, lateness.percentile(99) / 1e6 - 5),
  };
}

/** One flood: its row, and what is compared with goals. */
interface Flooded {
  readonly label: string;
  readonly row: string[];
  /** Percent of the capacity. */
  readonly goodput: number;
  /** Milliseconds. */
  readonly refusedP99: number;
  readonly megabytes: number;
  readonly meanwhile: Times;
  /** Percent of a processor. */
  readonly serverCpu: number;
  /** That of the load generator, percent of a processor: near 100 it is the bottleneck. */
  readonly loadCpu: number;
  /** How late its thread was, 99th percentile: contained in every time that it measures. */
  readonly loadLateMs: number;
}

const goals = {
  password: { goodput: 90, refusedP99: 10, getUser: 2, megabytes: 250 },
  srp: { goodput: 80, refusedP99: 10, getUser: 2, megabytes: 300 },
} as const;

const judgedHead = [
  "load",
  "goodput, % of capacity",
  "refused p99, ms",
  "GetUser p99 to quiet",
  "MB",
  "server's CPU, %",
  "load's own CPU, %",
  "load's thread late, p99 ms",
];

/** Each figure beside its goal, and what the load generator took. */
function judge(kind: keyof typeof goals, flooded: Flooded, quiet: Times): string[] {
  const goal = goals[kind];
  const ratio = flooded.meanwhile.GetUser.p99 / quiet.GetUser.p99;
  return [
    flooded.label,
    `${flooded.goodput.toFixed(0)} (≥ ${goal.goodput})`,
    `${Number.isNaN(flooded.refusedP99) ? "none" : flooded.refusedP99.toFixed(1)} (≤ ${goal.refusedP99})`,
    `${ratio.toFixed(1)} × (≤ ${goal.getUser} ×)`,
    `${flooded.megabytes} (≤ ${goal.megabytes})`,
    flooded.serverCpu.toFixed(0),
    flooded.loadCpu.toFixed(0),
    flooded.loadLateMs.toFixed(1),
  ];
}

function latencies(probed: Awaited<ReturnType<typeof during>>): string[] {
  return (["GetUser", "Refresh"] as const).flatMap((probe) => {
    const { p50, p99, failed } = probed[probe];
    return [p50.toFixed(1), `${p99.toFixed(1)}${failed > 0 ? ` (${failed} failed)` : ""}`];
  });
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { seconds: { type: "string" }, users: { type: "string" }, loads: { type: "string" } },
  });
  await run({
    ...(values.seconds !== undefined && { seconds: Number(values.seconds) }),
    ...(values.users !== undefined && { users: Number(values.users) }),
    ...(values.loads !== undefined && { loads: values.loads.split(",") }),
  });
  process.exit(0);
}
