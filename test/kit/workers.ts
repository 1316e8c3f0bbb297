/** `poolhouse serve --workers`, as its clients and its machine see it. */
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { Agent, request } from "node:http";
import {
  CognitoIdentityProviderClient,
  DescribeUserPoolCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { type Child, endChild, startChild } from "./child.ts";
import { temporaryFolder } from "./databases.ts";
import { freePort } from "./ports.ts";
import { createPostgres, dropPostgres } from "./postgres.ts";
import { patient, rootKey } from "./sdk.ts";
import { until } from "./waiting.ts";

/** A server with two workers on a database of its own. */
export async function startWorkers(settings: Readonly<Record<string, string>> = {}) {
  const { name, url: database } = await createPostgres();
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const env = {
    POOLHOUSE_DATABASE: database,
    POOLHOUSE_MASTER_KEY: randomBytes(32).toString("base64"),
    POOLHOUSE_DATA: temporaryFolder(),
    POOLHOUSE_WORKERS: "2",
    POOLHOUSE_PORT: String(port),
    ...settings,
  };
  const server: Child = await startChild({ env });
  const drop = async () => {
    await endChild(server.process, "SIGKILL");
    await dropPostgres(name);
  };
  return { server, pid: server.process.pid!, endpoint, env, database, drop };
}

/** Kills a worker, and waits until another has taken its place. @param which its place in the list of process ids */
export async function replaceWorker(
  { pid, endpoint }: Pick<Awaited<ReturnType<typeof startWorkers>>, "pid" | "endpoint">,
  which: number,
): Promise<void> {
  const restarts = "poolhouse_worker_restarts_total";
  const before = (await metricsOf(endpoint)).get(restarts)!;
  process.kill(workerPids(pid)[which]!, "SIGKILL");
  await until("another has taken its place", async () => {
    const metrics = await metricsOf(endpoint);
    return metrics.get("poolhouse_workers") === 2 && metrics.get(restarts) === before + 1;
  });
}

/** The process ids of the workers of a server. */
export function workerPids(primary: number): number[] {
  const text = readFileSync(`/proc/${primary}/task/${primary}/children`, "utf8");
  return text.split(" ").filter(Boolean).map(Number);
}

/** Whether there is such a process that has not ended. */
export function isAlive(pid: number): boolean {
  if (!existsSync(`/proc/${pid}/stat`)) return false;
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return !/^ [ZX]/.test(stat.slice(stat.lastIndexOf(")") + 1));
}

/**
 * The metrics of a server, by name and labels as the text has them. It asks again where the worker that was asked has been
 * killed.
 */
export async function metricsOf(endpoint: string): Promise<ReadonlyMap<string, number>> {
  let text: string | undefined;
  await until("the metrics are read", async () => {
    const answer = await fetch(`${endpoint}/metrics`, { headers: { connection: "close" } }).catch(() => {});
    text = await answer?.text().catch(() => undefined);
    return text !== undefined;
  });
  const lines = text!.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(lines.map((line) => [line.replace(/ \S+$/, ""), Number(/ (\S+)$/.exec(line)?.[1])]));
}

/** A client with one connection, which stays with one worker. */
export interface AtWorker {
  readonly sdk: CognitoIdentityProviderClient;
  /** The number of that worker. */
  readonly worker: number;
  /** Asks that worker for something else: the text of its answer. */
  ask(method: string, path: string): Promise<string>;
  close(): void;
}

/** Clients at each of a server's two workers, in the order of their numbers. Any call begins with the worker's first. */
export async function atBothWorkers(endpoint: string): Promise<[AtWorker, AtWorker]> {
  const found = new Map<number, AtWorker>();
  await until("both workers have answered", async () => {
    const one = await connectSomewhere(endpoint);
    if (found.has(one.worker)) one.close();
    else found.set(one.worker, one);
    return found.size === 2;
  });
  return [found.get(1)!, found.get(2)!];
}

async function connectSomewhere(endpoint: string): Promise<AtWorker> {
  const httpAgent = new Agent({ keepAlive: true, maxSockets: 1 });
  const sdk = patient(
    new CognitoIdentityProviderClient({
      endpoint,
      region: "us-east-1",
      credentials: rootKey,
      maxAttempts: 1,
      requestHandler: { httpAgent },
    }),
  );
  const calls = async () => {
    const metrics = await metricsOf(endpoint);
    return [1, 2].map((number) => metrics.get(`poolhouse_worker_calls_total{worker="${number}"}`) ?? 0);
  };
  const before = await calls();
  await sdk.send(new DescribeUserPoolCommand({ UserPoolId: "us-east-1_Nobody000" })).catch(() => {});
  const after = await calls();
  const close = () => {
    sdk.destroy();
    httpAgent.destroy();
  };
  const ask = (method: string, path: string) =>
    new Promise<string>((resolve, reject) => {
      const asked = request(`${endpoint}${path}`, { method, agent: httpAgent }, async (answer) => {
        let text = "";
        for await (const chunk of answer) text += chunk;
        resolve(text);
      });
      asked.once("error", reject);
      asked.end();
    });
  return { sdk, worker: after[0]! > before[0]! ? 1 : 2, ask, close };
}
