/**
 * Do response times reveal who exists? One client asks for names of every kind in random order, and the times are
 * compared by the area under the ROC curve (Mann-Whitney): 0.5 is chance, 1 is certainty. The goal is to be within 0.02
 * of 0.5.
 *
 * `npm run bench -- enumeration [--database sqlite|postgres|both] [--samples N] [--operations ForgotPassword,SignUp]`
 */
import { pino } from "pino";
import { readCredential, writeCredential } from "../src/store/credentials.ts";
import type { Db } from "../src/store/db.ts";
import { openDatabase } from "../src/store/open.ts";
import { type Answer, Connection, document } from "./lib/connection.ts";
import { newDatabase } from "./lib/database.ts";
import { type BenchServer, masterKey, startPoolhouse } from "./lib/server.ts";
import { makePool, signedCall } from "./lib/stage.ts";
import { type Kind, type Operation, operations, password, type Stage } from "./lib/subjects.ts";

export const name = "enumeration";
export const title = "Time of an answer by who is named";

export interface Options {
  readonly kinds: readonly string[];
  /** Samples per kind of name and operation. */
  readonly samples: number;
  /** The operations, by their names or the first words of those; all by default. */
  readonly names?: readonly string[] | undefined;
}

/** Users of each kind. */
const people = 20;

type Document = Readonly<Record<string, unknown>>;

/** Measures and prints. Throws an Error if a name matches no operation. */
export async function run({ kinds, samples, names }: Options): Promise<void> {
  const chosen = names === undefined ? operations : names.flatMap(operationsNamed);
  // Twice the standard deviation of the area if there is no difference (Mann-Whitney's U).
  const chance = 2 * Math.sqrt((2 * samples + 1) / (12 * samples * samples));
  for (const kind of kinds) {
    const database = await newDatabase(kind);
    const { server, ClientId } = await openHouse(database.url);
    const stage: Stage = { connection: new Connection(server.port), ClientId };
    console.log(`${title}: ${kind}, ${samples} samples a kind; chance alone is 0.500 ± ${chance.toFixed(3)}`);
    for (const operation of chosen) console.log(line(operation, await measure(stage, operation, samples)));
    stage.connection.close();
    await server.close();
    await database.remove();
  }
}

function operationsNamed(wanted: string): readonly Operation[] {
  const found = operations.filter(({ name }) => `${name} `.startsWith(`${wanted} `));
  if (found.length > 0) return found;
  throw new Error(`--operations are of ${operations.map(({ name }) => name).join(", ")}; not ${wanted}.`);
}

interface Sampled {
  /** Milliseconds. */
  readonly times: number[];
  /** The shapes of the answers, without their values. */
  readonly shapes: Set<string>;
}

/** Times of each kind, measured in random order. */
async function measure(stage: Stage, operation: Operation, samples: number): Promise<Map<Kind, Sampled>> {
  const sampled = new Map<Kind, Sampled>(
    operation.among.map((kind) => [kind, { times: [], shapes: new Set() }]),
  );
  const warmUp = Math.min(200, samples);
  for (let turn = -warmUp; turn < samples; turn++) {
    for (const kind of shuffled(operation.among)) {
      const username = `${kind}-${Math.abs(turn) % people}`;
      const prepared = (await operation.prepare?.(stage, username)) ?? {};
      const [target, body] = operation.ask(stage, username, prepared);
      const began = performance.now();
      const answer = await stage.connection.call(target, body);
      const took = performance.now() - began;
      // Requests that are refused early must not be compared.
      if (/Internal|TooMany|LimitExceeded|attempts exceeded/.test(answer.body)) throw new Error(answer.body);
      if (turn < 0) continue;
      const own = sampled.get(kind)!;
      own.times.push(took);
      own.shapes.add(shapeOf(answer));
    }
  }
  return sampled;
}

/** The members of an answer, and its text without values that are random or belong to a user. */
function shapeOf({ status, body }: Answer): string {
  const told = ["__type", "message", "ChallengeName", "CODE_DELIVERY_DELIVERY_MEDIUM"];
  const without = (key: string, value: unknown) =>
    typeof value === "string" && !told.includes(key) ? "" : value;
  const { AvailableChallenges, ...document } = JSON.parse(body);
  return JSON.stringify([status, AvailableChallenges, JSON.stringify(document, without)]);
}

function shuffled<T>(list: readonly T[]): T[] {
  return list
    .map((item) => ({ item, order: Math.random() }))
    .toSorted((a, b) => a.order - b.order)
    .map(({ item }) => item);
}

/** A row of the table; kinds with another answer than names that do not exist are marked, whatever their times. */
function line(operation: Operation, sampled: ReadonlyMap<Kind, Sampled>): string {
  const unknown = sampled.get("unknown")!;
  const parts = operation.among.map((kind) => {
    const { times, shapes } = sampled.get(kind)!;
    const median = times.toSorted((a, b) => a - b)[times.length >> 1]!;
    const area = kind === "unknown" ? "" : ` ${auc(unknown.times, times).toFixed(3)}`;
    const alike = [...shapes].toSorted().join() === [...unknown.shapes].toSorted().join();
    return `${kind}${area} (${median.toFixed(2)} ms${alike ? "" : ", another answer"})`;
  });
  return `${operation.name.padEnd(48)} ${parts.join("  ")}`;
}

/** How often one of `b` took longer than one of `a`; ties count half. Computed by ranks. */
export function auc(a: readonly number[], b: readonly number[]): number {
  const all = [...a.map((time) => ({ time, b: 0 })), ...b.map((time) => ({ time, b: 1 }))];
  all.sort((x, y) => x.time - y.time);
  let ranks = 0;
  for (let from = 0; from < all.length; ) {
    let to = from;
    while (to < all.length && all[to]!.time === all[from]!.time) to += 1;
    const rank = (from + 1 + to) / 2;
    for (const one of all.slice(from, to)) ranks += one.b * rank;
    from = to;
  }
  return (ranks - (b.length * (b.length + 1)) / 2) / (a.length * b.length);
}

/** A server with users of every kind. The client that asks is a stranger to all of them. */
async function openHouse(database: string): Promise<{ server: BenchServer; ClientId: string }> {
  const first = await startPoolhouse(database);
  const pool = await makePool(first, {
    pool: {
      AutoVerifiedAttributes: ["email"],
      Policies: { SignInPolicy: { AllowedFirstAuthFactors: ["PASSWORD", "EMAIL_OTP", "WEB_AUTHN"] } },
    },
    client: {
      PreventUserExistenceErrors: "ENABLED",
      ExplicitAuthFlows: ["ALLOW_USER_SRP_AUTH", "ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_AUTH"],
    },
  });
  const imported = await makePeople(first.port, pool.poolId, pool.clientId);
  await first.close();
  const { db, close } = await openDatabase({ url: database, masterKey, log: pino({ level: "error" }) });
  for (const id of imported) await dropVerifier(db, pool.poolId, id);
  await db.kysely.deleteFrom("known_sources").where("pool_id", "=", pool.poolId).execute();
  await close();
  return { server: await startPoolhouse(database), ClientId: pool.clientId };
}

/** Creates the users; returns the ids of those that shall only have a hash. */
async function makePeople(port: number, UserPoolId: string, ClientId: string): Promise<string[]> {
  const connection = new Connection(port);
  const administer = async (operation: string, input: object): Promise<Document> =>
    document(await signedCall(connection, port, operation, { UserPoolId, ...input }));
  const imported: string[] = [];
  for (let at = 0; at < people; at++) {
    for (const kind of ["known", "disabled", "hash-only", "passwordless"] as const) {
      const user = { Username: `${kind}-${at}` };
      const UserAttributes = [
        { Name: "email", Value: `${kind}-${at}@mail.example` },
        { Name: "email_verified", Value: "true" },
      ];
      const made = await administer("AdminCreateUser", {
        ...user,
        MessageAction: "SUPPRESS",
        UserAttributes,
      });
      if (kind === "passwordless") continue;
      await administer("AdminSetUserPassword", { ...user, Password: password, Permanent: true });
      if (kind === "disabled") await administer("AdminDisableUser", user);
      if (kind === "hash-only") imported.push(subOf(made));
    }
    const UserAttributes = [{ Name: "email", Value: `unconfirmed-${at}@mail.example` }];
    const signUp = { ClientId, Username: `unconfirmed-${at}`, Password: password, UserAttributes };
    document(await connection.call("SignUp", signUp));
  }
  connection.close();
  return imported;
}

function subOf({ User }: Document): string {
  const { Attributes } = User as { Attributes: readonly { Name: string; Value: string }[] };
  return Attributes.find(({ Name }) => Name === "sub")!.Value;
}

/** Removes the SRP verifier, as for users imported with a hash. */
async function dropVerifier(db: Db, poolId: string, userId: string): Promise<void> {
  const { version, ...credential } = (await readCredential(db, poolId, userId))!;
  await writeCredential(db, poolId, userId, version, { ...credential, srp: undefined }, Date.now());
}
