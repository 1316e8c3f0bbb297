/**
 * Guesses at one thing that are sent at once: how many of them are told their result. PostgreSQL is behind a proxy, which
 * holds statements until all have come, or makes each take its time.
 */
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { pino } from "pino";
import { startServer } from "../../src/server.ts";
import { locked, minute } from "../api/crowd.ts";
import type { Answer } from "../doors/wire.ts";
import type { Fresh } from "../kit/databases.ts";
import { testPostgresUrl } from "../kit/postgres.ts";
import { besideTests, startTestServer, type TestServer } from "../kit/server.ts";
import { until } from "../kit/waiting.ts";
import type { Place, Target } from "./guessed.ts";
import { makePlace } from "./guessed.ts";
import { type HostileProxy, startHostileProxy } from "./hostile-proxy.ts";

export interface Stage {
  readonly place: Place;
  /** Undefined on SQLite, which has no network. */
  readonly proxy: HostileProxy | undefined;
  close(): Promise<void>;
}

/** So many servers on one database. */
export async function openStage(
  database: "sqlite" | "postgres",
  fresh: Fresh,
  options: { servers?: 1 | 2; limits?: string } = {},
): Promise<Stage> {
  let proxy: HostileProxy | undefined;
  const behindProxy: Fresh = async () => {
    const given = await fresh();
    if (database === "sqlite") return given;
    const real = new URL(testPostgresUrl);
    proxy = await startHostileProxy({ host: real.hostname, port: Number(real.port || 5432) });
    const url = new URL(given.url);
    url.host = `127.0.0.1:${proxy.port}`;
    return { ...given, url: url.href };
  };
  const { server, test } = await startTestServer(database, behindProxy, {
    POOLHOUSE_TRUSTED_PROXIES: "127.0.0.1/32",
    ...(options.limits && { POOLHOUSE_LIMITS: options.limits }),
  });
  test.clock.freeze();
  const second = options.servers === 2 ? await startBeside(test) : undefined;
  const doors = [test.endpoint, ...(second ? [`http://127.0.0.1:${second.app.config.port}`] : [])];
  const close = async () => {
    test.client.destroy();
    await second?.close();
    await server.close();
    proxy?.close();
  };
  return { place: await makePlace(test, doors), proxy, close };
}

function startBeside({ app }: TestServer) {
  return startServer(
    { ...app.config, port: 0 },
    { log: pino({ level: "silent" }), clock: app.clock, ...besideTests },
  );
}

/** Fresh: five are free. Otherwise five have been wrong, and the lock after them has just lapsed: one is. */
export type Standing = "fresh" | "after a lock";
export const free = { fresh: 5, "after a lock": 1 } as const;

/** Brings the target there, long after whatever was before. */
async function reach({ place }: Stage, target: Target, standing: Standing): Promise<void> {
  place.server.clock.advance(61 * minute);
  if (standing === "fresh") return;
  const { wrong } = await target.begin(free.fresh);
  for (let at = 0; at < free.fresh; at++) assert.ok(isTold(target, await wrong(at)), "on the way to a lock");
  place.server.clock.advance(1_000);
}

const isTold = ({ looked }: Target, { message }: Answer) => looked.includes(message);
const isAccepted = ({ status }: Answer) => status === 200;

export interface Line {
  readonly wrongs: readonly (() => Promise<Answer>)[];
  readonly right: () => Promise<Answer>;
  /** The statement by which a guess takes its place. */
  readonly takesPlace: (statement: string, inTransaction: boolean) => boolean;
}

/**
 * Wrong guesses and then the right one come to where they take their places, and all are there before the first is let go.
 * Then each is let go once the one before it was answered: in the order in which they came, or the right one first.
 */
export async function lineUp(
  { proxy }: Stage,
  { wrongs, right, takesPlace }: Line,
  order: "as they came" | "the right one first",
): Promise<{ wrong: Answer[]; right: Answer }> {
  if (proxy === undefined) assert.fail("without a network nothing can be held");
  proxy.plan = (statement, inTransaction) => (takesPlace(statement, inTransaction) ? "hold" : undefined);
  const answers: Promise<Answer>[] = [];
  for (const wrong of wrongs) {
    answers.push(wrong());
    await until("the guess is held", () => proxy.held.length === answers.length);
  }
  let isAnswered = false;
  const last = right().finally(() => {
    isAnswered = true;
  });
  await until("the right one is held or answered", () => isAnswered || proxy.held.length > wrongs.length);
  proxy.plan = undefined;
  const line = proxy.held.splice(0).map((pass, at) => ({ pass, answer: answers[at] ?? last }));
  if (order === "the right one first") line.unshift(...line.splice(wrongs.length));
  for (const { pass, answer } of line) {
    pass();
    await answer;
  }
  return { wrong: await Promise.all(answers), right: await last };
}

const counts = (statement: string) => statement.startsWith('insert into "attempts"');
const locks = (statement: string) => statement.includes("attempts.locked_until <=");

/** As many wrong guesses at the target as are free there, and the right one. */
export async function lineUpAt(
  stage: Stage,
  target: Target,
  standing: Standing,
  order: "as they came" | "the right one first",
): Promise<{ told: number; right: Answer }> {
  await reach(stage, target, standing);
  const { wrong, right } = await target.begin(free[standing]);
  const wrongs = Array.from({ length: free[standing] }, (_, at) => () => wrong(at));
  const answers = await lineUp(stage, { wrongs, right, takesPlace: counts }, order);
  return { told: answers.wrong.filter((answer) => isTold(target, answer)).length, right: answers.right };
}

/** Which statement counts for an address: of a password alone, of a code together with the code. */
export const countsForAddress = {
  password: (statement: string) => counts(statement) && !locks(statement),
  code: (statement: string, inTransaction: boolean) =>
    counts(statement) && !locks(statement) && inTransaction,
} as const;

export interface Flood {
  /** Of the wrong ones. */
  readonly told: number;
  readonly accepted: boolean;
}

/** So many guesses at once, the right one among them, wherever chance puts it. */
export async function flood(
  stage: Stage,
  target: Target,
  standing: Standing,
  guesses: number,
): Promise<Flood> {
  await reach(stage, target, standing);
  const { wrong, right } = await target.begin(guesses);
  const place = randomInt(guesses);
  const sent = Array.from({ length: guesses }, (_, at) => (at === place ? right(at) : wrong(at)));
  const answers = await Promise.all(sent);
  const seen = new Set(answers.map(({ message, status }) => (status === 200 ? "accepted" : message)));
  const known = new Set([...target.looked, ...target.refused, locked, "Rate exceeded", "accepted"]);
  assert.deepEqual(
    [...seen].filter((message) => !known.has(message)),
    [],
    "answers that nobody expects",
  );
  return {
    told: answers.filter((answer) => isTold(target, answer)).length,
    accepted: isAccepted(answers[place]!),
  };
}

/** A success forgets the failures before it, so that after it there may be as many again as are free. */
export function assertBound({ told, accepted }: Flood, target: Target, standing: Standing): void {
  const bound = target.hourly ?? free[standing];
  const afterwards = accepted && target.hourly === undefined ? free.fresh : 0;
  const looked = told + Number(accepted);
  assert.ok(looked <= bound + afterwards, `${target.name}: ${looked} were looked at, ${bound} may be`);
}

/**
 * How often the right one may be accepted in so many floods, if it is where chance puts it and `bound` of `guesses` are
 * looked at: more than this happens to an honest server once in a thousand million runs.
 */
export function mostAccepted(floods: number, bound: number, guesses: number): number {
  const chance = Math.min(1, bound / guesses);
  if (chance === 1) return floods;
  let tail = 0;
  let most = floods;
  for (; most > 0; most--) {
    tail += choose(floods, most) * chance ** most * (1 - chance) ** (floods - most);
    if (tail > 1e-9) return most;
  }
  return most;
}

function choose(n: number, k: number): number {
  let ways = 1;
  for (let i = 1; i <= k; i++) ways = (ways * (n - k + i)) / i;
  return ways;
}
