/** The servers, the proxy and the clients of hostile.test.ts, put together. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { type Child, clientOf, endChild, freePort, startChild } from "../kit/child.ts";
import { administer, testPostgresUrl } from "../kit/databases.ts";
import { newPlace, Rounds, type Tally } from "./hostile.ts";
import { type Counts, type Harm, startHostileProxy } from "./hostile-proxy.ts";

export interface Survived {
  readonly tally: Tally;
  readonly counts: Counts;
}

/** Of a hundred statements five are refused, five delayed, and one is cut. */
function atRandom(statement: string): Harm | undefined {
  if (statement === "rollback") return undefined;
  const dice = Math.random();
  if (dice < 0.05) return "refuse";
  if (dice < 0.1) return "delay";
  if (dice < 0.11) return Math.random() < 0.5 ? "cut before" : "cut after";
  return undefined;
}

const peopleAtOnce = 8;

/** Asks at least so many times. */
export async function survive(operations: number): Promise<Survived> {
  const name = `poolhouse_test_${randomBytes(8).toString("hex")}`;
  await administer(`create database ${name} template template0`);
  const url = new URL(testPostgresUrl);
  const proxy = await startHostileProxy({ host: url.hostname, port: Number(url.port || 5432) });
  url.host = `127.0.0.1:${proxy.port}`;
  url.pathname = `/${name}`;
  const env = {
    POOLHOUSE_DATABASE: url.href,
    POOLHOUSE_MASTER_KEY: randomBytes(32).toString("base64"),
    POOLHOUSE_PUBLIC_URL: "http://localhost:4747",
  };
  const servers: Child[] = [];
  try {
    const ports = [await freePort(), await freePort()];
    const start = (port: number) => startChild({ env: { ...env, POOLHOUSE_PORT: String(port) } });
    servers.push(...(await Promise.all(ports.map(start))));
    const endpoints = ports.map((port) => `http://127.0.0.1:${port}`);
    const sdks = endpoints.map((endpoint) => clientOf(endpoint));
    const rounds = new Rounds(sdks, endpoints[0]!, await newPlace(sdks[0]!));
    proxy.plan = atRandom;
    const person = async () => {
      while (rounds.tally.operations < operations) await rounds.life();
    };
    await Promise.all(Array.from({ length: peopleAtOnce }, person));
    proxy.plan = undefined;
    for (const server of servers) assert.equal(await endChild(server.process, "SIGTERM"), 0);
    check(
      rounds.tally,
      proxy.counts,
      servers.flatMap(({ log }) => log),
    );
    return { tally: rounds.tally, counts: { ...proxy.counts } };
  } finally {
    for (const server of servers) await endChild(server.process, "SIGKILL");
    proxy.close();
    await administer(`drop database if exists ${name} with (force)`);
  }
}

/** Every error that was answered or logged is one of a write whose connection was cut. */
function check(tally: Tally, counts: Counts, log: readonly string[]): void {
  assert.ok(
    tally.unknown <= counts.inDoubt,
    `${tally.unknown} answers in doubt, but only ${counts.inDoubt} writes were cut: ${JSON.stringify(tally.refusals)}`,
  );
  const errors = log
    .map((line) => JSON.parse(line) as { level: number; err?: { type: string; message: string } })
    .filter(({ level }) => level >= 50);
  for (const error of errors) {
    assert.equal(error.err?.type, "ConnectionLost", JSON.stringify(error));
    assert.match(error.err.message, /is not known/, JSON.stringify(error));
  }
  for (const kind of ["refused", "delayed", "cut", "inDoubt"] as const) assert.ok(counts[kind] > 0, kind);
}

/** One line of figures. */
export function report({ tally, counts }: Survived): string {
  return (
    `${tally.operations} operations, ${counts.statements} statements, of which ${counts.refused} refused, ` +
    `${counts.delayed} delayed, ${counts.cut} cut (${counts.inDoubt} in doubt); ${tally.unknown} answers in doubt`
  );
}
