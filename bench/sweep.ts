/**
 * `npm run bench -- sweep`: how long the slices of a sweep take if everything has expired. With SQLite the thread
 * answers nobody during a slice.
 */
import { randomBytes } from "node:crypto";
import { pino } from "pino";
import { uuid7 } from "../src/lib/uuid.ts";
import type { Db } from "../src/store/db.ts";
import { openDatabase } from "../src/store/open.ts";
import { Pace } from "../src/store/slices.ts";
import { sweep, sweepEvents } from "../src/store/sweep.ts";
import { newDatabase } from "./lib/database.ts";
import { quantile } from "./lib/load.ts";
import { masterKey } from "./lib/server.ts";
import { openStage } from "./lib/stage.ts";
import { table } from "./lib/table.ts";

export const name = "sweep";

/** Rows of each table. */
const rows = 120_000;
const day = 24 * 60 * 60 * 1000;

/** Bytes of a sign-in's sealed state. */
const stateBytes = 700;

/** The longest that a slice may take, in milliseconds. */
const goal = 20;

export async function run({ kinds }: { readonly kinds: readonly string[] }): Promise<void> {
  const measured: string[][] = [];
  for (const kind of kinds) {
    const database = await newDatabase(kind);
    const stage = await openStage(database.url, 1_000, {});
    await stage.server.close();
    const opened = await openDatabase({ url: database.url, masterKey, log: pino({ level: "silent" }) });
    const now = Date.now();
    await fill(opened.db, stage.poolId, now);
    measured.push(row(`sign-ins, ${kind}`, await slices((pace) => sweep(opened.db, now, { pace }))));
    const retention = { audit: 1, auth: 1 };
    measured.push(
      row(`events, ${kind}`, await slices((pace) => sweepEvents(opened.db, now, retention, { pace }))),
    );
    await opened.close();
    await database.remove();
  }
  console.log(table(["swept", "slices", "p50 ms", "p99 ms", "longest", "goal", "in all, s"], measured));
}

async function fill({ kysely }: Db, poolId: string, now: number): Promise<void> {
  const users = await kysely.selectFrom("users").select("number").where("pool_id", "=", poolId).execute();
  const signIn = (_: unknown, index: number) => ({
    pool_id: poolId,
    sign_in_id: randomBytes(16).toString("base64url"),
    client_id: "bench",
    user_id: null,
    version: 1,
    state_sealed: randomBytes(stateBytes),
    created_at: now - day - index,
    expires_at: now - day + index,
  });
  const event = (_: unknown, index: number) => ({
    pool_id: poolId,
    user_number: users[index % users.length]!.number,
    event_id: uuid7(now - 3 * day + index, randomBytes),
    at: now - 3 * day + index,
    type: "SignIn" as const,
    response: "Pass" as const,
    steps: 1,
    challenges: JSON.stringify([{ ChallengeName: "Password", ChallengeResponse: "Success" }]),
    address: "127.0.0.1",
    device_name: "Chrome 120, Windows 10",
    feedback: null,
    feedback_provider: null,
    feedback_at: null,
    times: null,
  });
  const many = 60;
  for (let filled = 0; filled < rows; filled += many) {
    const numbered = Array.from({ length: many }, (_, index) => filled + index);
    await kysely
      .insertInto("sign_ins")
      .values(numbered.map((index) => signIn(null, index)))
      .execute();
    await kysely
      .insertInto("auth_events")
      .values(numbered.map((index) => event(null, index)))
      .execute();
  }
}

/** The duration of each slice, and of the whole sweep, in milliseconds. */
async function slices(
  work: (pace: Pace) => Promise<void>,
): Promise<{ readonly took: number[]; readonly seconds: number }> {
  const took: number[] = [];
  const began = performance.now();
  await work(
    new (class extends Pace {
      override async measured(slice: (limit: number) => Promise<number>): Promise<number> {
        const since = performance.now();
        const removed = await super.measured(slice);
        took.push(performance.now() - since);
        return removed;
      }
    })(),
  );
  return { took: took.sort((a, b) => a - b), seconds: (performance.now() - began) / 1000 };
}

function row(title: string, { took, seconds }: Awaited<ReturnType<typeof slices>>): string[] {
  const times = [quantile(took, 0.5), quantile(took, 0.99), took.at(-1) ?? 0];
  return [title, `${took.length}`, ...times.map((ms) => ms.toFixed(1)), `≤ ${goal}`, seconds.toFixed(1)];
}
