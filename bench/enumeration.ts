/**
 * Can the time of an answer tell who exists? One client asks for names of every kind, in random order, and the times are
 * compared by the area under the ROC curve (Mann-Whitney): 0.5 is a coin, 1 is certainty. Goal: at most 0.02 from 0.5.
 *
 * `npm run bench -- enumeration [--database sqlite|postgres|both] [--samples N] [--operations ForgotPassword,SignUp]`
 */
import { randomBytes } from "node:crypto";
import { pino } from "pino";
import { readCredential, writeCredential } from "../src/store/credentials.ts";
import type { Db } from "../src/store/db.ts";
import { openDatabase } from "../src/store/open.ts";
import { Connection, document } from "./lib/connection.ts";
import { newDatabase } from "./lib/database.ts";
import { type BenchServer, masterKey, startPoolhouse } from "./lib/server.ts";
import { makePool, signedCall } from "./lib/stage.ts";

export const name = "enumeration";
export const title = "Time of an answer by who is named";

export interface Options {
  readonly kinds: readonly string[];
  /** Of each kind of name and operation. */
  readonly samples: number;
  /** Which operations, by their names or the first words of those; all unless given. */
  readonly names?: readonly string[] | undefined;
}

/** Users of each kind. */
const people = 20;
const password = "Correct-Horse-7";

const subjects = ["unknown", "known", "disabled", "hash-only", "unconfirmed"] as const;
type Kind = (typeof subjects)[number];

type Document = Readonly<Record<string, unknown>>;

interface Stage {
  readonly connection: Connection;
  readonly ClientId: string;
}

/** What is timed is `ask`; what must come before is done by `prepare`. */
interface Operation {
  readonly name: string;
  readonly among: readonly Kind[];
  prepare?(stage: Stage, username: string): Promise<Record<string, string>>;
  ask(stage: Stage, username: string, prepared: Record<string, string>): [operation: string, body: object];
}

const accounts: readonly Kind[] = ["unknown", "known", "disabled", "hash-only"];
const srpA = () => randomBytes(383).toString("hex").replace(/^/, "01");
const initiate = (ClientId: string, AuthFlow: string, AuthParameters: object): [string, object] => [
  "InitiateAuth",
  { ClientId, AuthFlow, AuthParameters },
];

const operations: readonly Operation[] = [
  {
    name: "InitiateAuth USER_PASSWORD_AUTH",
    among: accounts,
    ask: ({ ClientId }, USERNAME) =>
      initiate(ClientId, "USER_PASSWORD_AUTH", { USERNAME, PASSWORD: "Wrong-Guess-1" }),
  },
  {
    name: "InitiateAuth USER_SRP_AUTH",
    among: accounts,
    ask: ({ ClientId }, USERNAME) => initiate(ClientId, "USER_SRP_AUTH", { USERNAME, SRP_A: srpA() }),
  },
  {
    name: "RespondToAuthChallenge PASSWORD_VERIFIER",
    among: accounts,
    prepare: async ({ connection, ClientId }, USERNAME) => {
      const [operation, body] = initiate(ClientId, "USER_SRP_AUTH", { USERNAME, SRP_A: srpA() });
      return document(await connection.call(operation, body))["ChallengeParameters"] as Record<
        string,
        string
      >;
    },
    ask: ({ ClientId }, _username, parameters) => [
      "RespondToAuthChallenge",
      { ClientId, ChallengeName: "PASSWORD_VERIFIER", ChallengeResponses: wrongProof(parameters) },
    ],
  },
  {
    name: "ForgotPassword",
    among: accounts,
    ask: ({ ClientId }, Username) => ["ForgotPassword", { ClientId, Username }],
  },
  {
    name: "ConfirmForgotPassword",
    among: accounts,
    ask: ({ ClientId }, Username) => [
      "ConfirmForgotPassword",
      { ClientId, Username, ConfirmationCode: "12345", Password: "Another-horse-2" },
    ],
  },
  {
    name: "ResendConfirmationCode",
    among: subjects,
    ask: ({ ClientId }, Username) => ["ResendConfirmationCode", { ClientId, Username }],
  },
  {
    name: "ConfirmSignUp",
    among: subjects,
    ask: ({ ClientId }, Username) => ["ConfirmSignUp", { ClientId, Username, ConfirmationCode: "12345" }],
  },
  {
    // A name that is free becomes a user: what is compared is the work, since the answer tells anyway.
    name: "SignUp",
    among: accounts,
    prepare: async (_stage, username) => ({ free: `${username}-${randomBytes(8).toString("hex")}` }),
    ask: ({ ClientId }, username, { free }) => {
      const Username = username.startsWith("unknown") ? free : username;
      const email = `${randomBytes(8).toString("hex")}@mail.example`;
      return [
        "SignUp",
        { ClientId, Username, Password: password, UserAttributes: [{ Name: "email", Value: email }] },
      ];
    },
  },
];

function wrongProof(parameters: Record<string, string>): object {
  const [day, date, month, year, time] = new Date().toUTCString().replace(",", "").split(" ");
  return {
    USERNAME: parameters["USER_ID_FOR_SRP"],
    PASSWORD_CLAIM_SECRET_BLOCK: parameters["SECRET_BLOCK"],
    PASSWORD_CLAIM_SIGNATURE: randomBytes(32).toString("base64"),
    TIMESTAMP: `${day} ${month} ${Number(date)} ${time} UTC ${year}`,
  };
}

/** Measures and prints. Throws Error when a name is none of an operation. */
export async function run({ kinds, samples, names }: Options): Promise<void> {
  const chosen = names === undefined ? operations : names.flatMap(operationsNamed);
  // Twice the standard deviation of the area where there is no difference (Mann-Whitney's U).
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

/** Times of each kind, in milliseconds, taken in turns of random order. */
async function measure(stage: Stage, operation: Operation, samples: number): Promise<Map<Kind, number[]>> {
  const times = new Map<Kind, number[]>(operation.among.map((kind) => [kind, []]));
  const warmUp = Math.min(200, samples);
  for (let turn = -warmUp; turn < samples; turn++) {
    for (const kind of shuffled(operation.among)) {
      const username = `${kind}-${Math.abs(turn) % people}`;
      const prepared = (await operation.prepare?.(stage, username)) ?? {};
      const [target, body] = operation.ask(stage, username, prepared);
      const began = performance.now();
      const answer = await stage.connection.call(target, body);
      const took = performance.now() - began;
      // Whoever is turned away early is not compared with anybody.
      if (/Internal|TooMany|LimitExceeded|attempts exceeded/.test(answer.body)) throw new Error(answer.body);
      if (turn >= 0) times.get(kind)!.push(took);
    }
  }
  return times;
}

function shuffled<T>(list: readonly T[]): T[] {
  return list
    .map((item) => ({ item, order: Math.random() }))
    .toSorted((a, b) => a.order - b.order)
    .map(({ item }) => item);
}

function line(operation: Operation, times: ReadonlyMap<Kind, readonly number[]>): string {
  const unknown = times.get("unknown")!;
  const parts = operation.among.map((kind) => {
    const own = times.get(kind)!;
    const median = own.toSorted((a, b) => a - b)[own.length >> 1]!;
    const area = kind === "unknown" ? "" : ` ${auc(unknown, own).toFixed(3)}`;
    return `${kind}${area} (${median.toFixed(2)} ms)`;
  });
  return `${operation.name.padEnd(40)} ${parts.join("  ")}`;
}

/** How often one of `b` took longer than one of `a`; ties count half. By ranks. */
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

/** A server with people of every kind. Whoever asks is a stranger to those who signed up here. */
async function openHouse(database: string): Promise<{ server: BenchServer; ClientId: string }> {
  const first = await startPoolhouse(database);
  const pool = await makePool(first, {
    pool: { AutoVerifiedAttributes: ["email"] },
    client: { PreventUserExistenceErrors: "ENABLED" },
  });
  const imported = await makePeople(first.port, pool.poolId, pool.clientId);
  await first.close();
  const { db, close } = await openDatabase({ url: database, masterKey, log: pino({ level: "error" }) });
  for (const id of imported) await dropVerifier(db, pool.poolId, id);
  await db.kysely.deleteFrom("known_sources").where("pool_id", "=", pool.poolId).execute();
  await close();
  return { server: await startPoolhouse(database), ClientId: pool.clientId };
}

/** Answers the ids of those who are to be left with a hash only. */
async function makePeople(port: number, UserPoolId: string, ClientId: string): Promise<string[]> {
  const connection = new Connection(port);
  const administer = async (operation: string, input: object): Promise<Document> =>
    document(await signedCall(connection, port, operation, { UserPoolId, ...input }));
  const imported: string[] = [];
  for (let at = 0; at < people; at++) {
    for (const kind of ["known", "disabled", "hash-only"] as const) {
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

/** As an import of hashes leaves users. */
async function dropVerifier(db: Db, poolId: string, userId: string): Promise<void> {
  const { version, ...credential } = (await readCredential(db, poolId, userId))!;
  await writeCredential(db, poolId, userId, version, { ...credential, srp: undefined }, Date.now());
}
