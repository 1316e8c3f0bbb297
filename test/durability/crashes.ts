/**
 * kill -9 at random points of a server that is at work, and sometimes of one that is starting. kill -9 loses nothing of
 * what the operating system holds: that nothing is acknowledged before the disk has it is the matter of trace.test.ts.
 */

import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { type Child, clientOf, endChild, spawnServer, startChild } from "../kit/child.ts";
import { freePort } from "../kit/ports.ts";
import { until } from "../kit/waiting.ts";
import { audit, type Ledger, newLedger, work } from "./ledger.ts";

export interface Crashes {
  readonly kills: number;
  readonly duringStart: number;
  readonly acknowledged: number;
  /** From spawn to "ready" after each kill, in milliseconds, sorted. */
  readonly starts: readonly number[];
}

const workers = 8;
/** Of so many kills one hits a server that is starting. */
const startKillEvery = 8;

/** @param most how many writes are acknowledged at most before the next kill */
export async function crash(kills: number, data: string, most: number): Promise<Crashes> {
  const port = await freePort();
  const flags = ["--port", String(port), "--data", data];
  const database = join(data, "db", "poolhouse.sqlite");
  const starts: number[] = [];
  let duringStart = 0;
  let ledger: Ledger | undefined;
  let server = await startChild({ flags });
  for (let kill = 1; kill <= kills; kill++) {
    const sdk = clientOf(server.url);
    ledger ??= await newLedger(sdk);
    const people = ledger.people.length;
    await workUntilKilled(server, ledger, kill, most);
    sdk.destroy();
    checkIntegrity(database);
    if (kill % startKillEvery === 0) {
      const starting = spawnServer({ flags });
      await delay(Math.random() * 900);
      await endChild(starting.process, "SIGKILL");
      checkIntegrity(database);
      duringStart++;
      kill++;
    }
    server = await startChild({ flags });
    starts.push(server.readyAfter);
    const after = clientOf(server.url);
    await audit(after, ledger, ledger.people.slice(people));
    after.destroy();
    // After the audit, since the log is written a little later than the answers.
    assert.deepEqual(server.log, [], "a start after a crash is an ordinary one");
  }
  const sdk = clientOf(server.url);
  await audit(sdk, ledger!, ledger!.people);
  sdk.destroy();
  assert.equal(await endChild(server.process, "SIGTERM"), 0);
  starts.sort((a, b) => a - b);
  return { kills, duringStart, acknowledged: ledger!.acknowledged, starts };
}

async function workUntilKilled(server: Child, ledger: Ledger, round: number, most: number): Promise<void> {
  const sdk = clientOf(server.url);
  const working = Array.from({ length: workers }, (_, index) => work(sdk, ledger, `w${round}-${index}`));
  // By what was done rather than by time, so that a slow machine is killed at work too.
  const enough = ledger.acknowledged + Math.floor(Math.random() * most);
  await until("enough is acknowledged", () => ledger.acknowledged >= enough);
  await delay(Math.random() * 50);
  await endChild(server.process, "SIGKILL");
  sdk.destroy();
  for (const reason of await Promise.all(working)) {
    // Every worker ends because its connection did, not because it was refused.
    const { name, $metadata } = reason as Error & { $metadata?: { httpStatusCode?: number } };
    assert.equal($metadata?.httpStatusCode, undefined, `${name} was answered: ${String(reason)}`);
  }
}

/** On a copy, so that the server is the first to open what the crash left. */
function checkIntegrity(database: string): void {
  const folder = mkdtempSync(join(tmpdir(), "poolhouse-crash-"));
  const copy = join(folder, "copy.sqlite");
  for (const suffix of ["", "-wal"])
    if (existsSync(`${database}${suffix}`)) copyFileSync(`${database}${suffix}`, `${copy}${suffix}`);
  const opened = new DatabaseSync(copy);
  try {
    const found = opened.prepare("pragma integrity_check").all();
    assert.deepEqual(
      found.map((row) => ({ ...row })),
      [{ integrity_check: "ok" }],
    );
  } finally {
    opened.close();
    rmSync(folder, { recursive: true });
  }
}

/** One line of figures. */
export function report({ kills, duringStart, acknowledged, starts }: Crashes): string {
  const at = (share: number) => Math.round(starts[Math.floor((starts.length - 1) * share)]!);
  return (
    `${kills} kills (${duringStart} of a server that was starting), ${acknowledged} acknowledged writes, none lost; ` +
    `ready after ${at(0.5)} ms (median), ${at(0.9)} ms (p90), ${at(1)} ms (longest)`
  );
}
