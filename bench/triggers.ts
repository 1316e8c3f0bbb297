/**
 * `npm run bench -- triggers`: what a trigger costs. The same refresh, which no password hash hides anything in, runs in a pool
 * without triggers and in pools whose PreTokenGeneration is run in each way and agrees; the processor's time of the functions
 * is told apart. Then refreshes are offered to a function that hangs, while those of the pool without triggers are measured.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { Connection, document } from "./lib/connection.ts";
import { newDatabase } from "./lib/database.ts";
import { type ProcessorTime, processorTime } from "./lib/function-cpu.ts";
import { type Measured, measure, median, type Operation } from "./lib/load.ts";
import { type BenchServer, startPoolhouse, startProgram, temporaryFolder } from "./lib/server.ts";
import { makePool, signedCall } from "./lib/stage.ts";
import { table } from "./lib/table.ts";

export const name = "triggers";

/** Each way is measured so often, by turns, so that other load of the machine meets them all. */
const rounds = 3;
const connections = 4;
/** Refreshes that wait for the function that hangs. */
const waiting = 50;
const none = "no trigger";
const ways = [none, "worker", "child", "invoke", "webhook"] as const;

interface Place {
  readonly server: BenchServer;
  readonly operations: ReadonlyMap<string, Operation>;
  close(): Promise<void>;
}

export async function run(options: { kinds: readonly string[]; seconds: number }): Promise<void> {
  for (const kind of options.kinds) {
    const database = await newDatabase(kind);
    const place = await open(database.url);
    console.log(`\n${kind}\n\n${await added(place, options.seconds)}\n`);
    console.log(await besideHanging(place, options.seconds));
    await place.close();
    await database.remove();
  }
}

async function open(database: string): Promise<Place> {
  const receiver = await startProgram("bench/lib/receiver.ts", []);
  const url = `http://127.0.0.1:${receiver.port}`;
  const file = join(import.meta.dirname, "lib", "agreeing.mjs");
  const functions = {
    worker: { run: "worker", file },
    child: { run: "child", file },
    invoke: { run: "invoke", url },
    webhook: { run: "webhook", url, secret: `whsec_${Buffer.alloc(32, 7).toString("base64")}` },
    hanging: { run: "worker", file, environment: { HANGS: "1" } },
  };
  const config = join(temporaryFolder(), "functions.yaml");
  writeFileSync(config, stringify({ functions }));
  const server = await startPoolhouse(database, { POOLHOUSE_CONFIG: config });
  const operations = new Map<string, Operation>();
  for (const way of [...ways, "hanging"]) operations.set(way, await refreshIn(server, way));
  const close = async () => {
    await server.close();
    await receiver.close();
  };
  return { server, operations, close };
}

/** Refreshes the tokens of one user of a new pool. */
async function refreshIn(server: BenchServer, way: string): Promise<Operation> {
  const PreTokenGeneration = `arn:aws:lambda:us-east-1:000000000000:function:${way}`;
  const { poolId: UserPoolId, clientId: ClientId } = await makePool(server, {
    pool: { LambdaConfig: way === none ? {} : { PreTokenGeneration } },
  });
  const connection = new Connection(server.port);
  const named = { UserPoolId, Username: "ann", Password: "Correct-Horse-7", Permanent: true };
  for (const operation of ["AdminCreateUser", "AdminSetUserPassword"])
    document(
      await signedCall(
        connection,
        server.port,
        operation,
        operation === "AdminCreateUser" ? { UserPoolId, Username: "ann" } : named,
      ),
    );
  const initiate = async (by: Connection, AuthFlow: string, AuthParameters: object) =>
    document(await by.call("InitiateAuth", { ClientId, AuthFlow, AuthParameters }));
  const first = await initiate(connection, "USER_PASSWORD_AUTH", {
    USERNAME: named.Username,
    PASSWORD: named.Password,
  });
  connection.close();
  const { RefreshToken } = first["AuthenticationResult"] as { RefreshToken: string };
  const refresh = (by: Connection) => initiate(by, "REFRESH_TOKEN_AUTH", { REFRESH_TOKEN: RefreshToken });
  return async (by) => {
    for (;;) {
      try {
        return await refresh(by);
      } catch (error) {
        // A server that other work on the machine holds up turns callers away.
        if (!/Rate exceeded/.test(String(error))) throw error;
        await pause(50);
      }
    }
  };
}

interface Told extends Measured {
  /** Processor's time of functions in milliseconds per operation. */
  readonly functions: number;
}

async function once(
  { server, operations }: Place,
  way: string,
  seconds: number,
  isFirst: boolean,
): Promise<Told> {
  const times: ProcessorTime[] = [];
  const usage = async () => {
    const time = processorTime(server.pid);
    times.push(time);
    return { cpuMs: time.server, rss: 0 };
  };
  const warmUp = isFirst ? { operations: 1_000, seconds: 10 } : { operations: 50, seconds: 2 };
  const load = { connections, seconds, warmUp };
  const measured = await measure({ ...server, usage }, operations.get(way)!, load);
  const [before, after] = times;
  return { ...measured, functions: (after!.functions - before!.functions) / measured.operations };
}

async function added(place: Place, seconds: number): Promise<string> {
  const measured = new Map<string, Told[]>(ways.map((way) => [way, []]));
  for (let round = 0; round < rounds; round++)
    for (const way of ways) measured.get(way)!.push(await once(place, way, seconds, round === 0));
  const of = (way: string, key: keyof Told) => median(measured.get(way)!.map((one) => one[key] ?? 0));
  const rows = ways.map((way) => [
    way,
    of(way, "cpu").toFixed(2),
    way === none ? "" : (of(way, "cpu") - of(none, "cpu")).toFixed(2),
    of(way, "functions").toFixed(2),
    of(way, "p50").toFixed(1),
    of(way, "p99").toFixed(1),
  ]);
  return table(["refresh", "server's CPU ms", "added", "function's CPU ms", "p50 ms", "p99 ms"], rows);
}

async function besideHanging(place: Place, seconds: number): Promise<string> {
  const quiet: Told[] = [];
  const beside: Told[] = [];
  for (let round = 0; round < rounds; round++) {
    quiet.push(await once(place, none, seconds, false));
    let isOver = false;
    const waiters = Array.from({ length: waiting }, async () => {
      const connection = new Connection(place.server.port, "127.0.0.2");
      // Refused after the attempts, or for want of room in the queue.
      while (!isOver) await place.operations.get("hanging")!(connection, 0).catch(() => pause(100));
      connection.close();
    });
    beside.push(await once(place, none, seconds, false));
    isOver = true;
    await Promise.all(waiters);
  }
  const row = (title: string, of: readonly Told[]) => [
    title,
    median(of.map(({ p50 }) => p50)).toFixed(1),
    median(of.map(({ p99 }) => p99)).toFixed(1),
  ];
  return table(
    ["refreshes of a pool without triggers", "p50 ms", "p99 ms"],
    [row("alone", quiet), row(`${waiting} others wait for a function that hangs`, beside)],
  );
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
