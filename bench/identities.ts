/**
 * `npm run bench -- identities`: what identity pools and STS cost, beside what they cannot do without: the check of a token,
 * the signature of one, the seal of credentials, and a bare HTTP answer. With `--users 1000,1000000` also whether GetId
 * costs more in a pool with more identities; the servers then run at once. To compare two versions, call `openPlace` for the
 * program of each, and `once` by turns.
 */
import { setTimeout as pause } from "node:timers/promises";
import { type Answer, Connection } from "./lib/connection.ts";
import { type BenchDatabase, newDatabase } from "./lib/database.ts";
import {
  guestOf,
  guests,
  type IdentityStage,
  openIdentityStage,
  ownerOf,
  role,
  subjectOf,
  userKey,
} from "./lib/identities.ts";
import { LimitBench, type Limits } from "./lib/limits.ts";
import { type Measured, measure, median, type Operation } from "./lib/load.ts";
import { signedPost } from "./lib/stage.ts";
import { table } from "./lib/table.ts";

export const name = "identities";

/** Everything is measured so often, by turns, so that other load of the machine meets it all. */
const rounds = 5;
const connections = 8;
/** Different callers with a known login, spread over all identities. */
const callers = 500;

interface Work {
  readonly title: string;
  /** Measured with each number of identities. */
  readonly grows?: true;
  readonly limit: (limits: CredentialLimits) => number;
  readonly limitText: string;
  readonly goal?: number;
  /** Called in each round. */
  readonly prepare: (stage: IdentityStage) => Promise<Operation> | Operation;
}

const nothing = { limit: () => 0, limitText: "" };
/** What temporary credentials and the tokens that lead to them cannot do without. */
type CredentialLimits = Pick<Limits, "signature" | "check" | "seal">;

const checked = { limit: ({ check }: CredentialLimits) => check, limitText: "RS256 verified" };
const sealed = { limit: ({ seal }: CredentialLimits) => seal, limitText: "HMAC, AES" };
const issued = {
  limit: ({ check, seal }: CredentialLimits) => check + seal,
  limitText: "RS256 verified, HMAC, AES",
};
const minted = {
  limit: ({ check, signature }: CredentialLimits) => check + signature,
  limitText: "RS256 verified and signed",
};

export const works: readonly Work[] = [
  { title: "GetId, known login", grows: true, ...checked, prepare: getKnown },
  { title: "GetId, new login", grows: true, ...checked, prepare: getNew },
  {
    title: "GetId, new guest",
    ...nothing,
    prepare: ({ identityPoolId: IdentityPoolId }) => {
      return async (connection) => identityCall(connection, "GetId", { IdentityPoolId });
    },
  },
  {
    title: "GetOpenIdToken",
    ...minted,
    goal: 0.6,
    prepare: (stage) => async (by, turn) => identityCall(by, "GetOpenIdToken", knownOf(stage, turn)),
  },
  { title: "GetCredentialsForIdentity, login", ...issued, prepare: getCredentials },
  { title: "the same, beside minting a token", ...minted, goal: 0.6, prepare: getCredentials },
  { title: "the same, token shown before", ...sealed, prepare: getCredentialsAgain },
  {
    title: "GetCredentialsForIdentity, guest",
    ...sealed,
    prepare: ({ identityPoolId }) => {
      return async (by, turn) => {
        const IdentityId = guestOf(identityPoolId, turn % guests);
        return identityCall(by, "GetCredentialsForIdentity", { IdentityId });
      };
    },
  },
  { title: "AssumeRoleWithWebIdentity", ...issued, prepare: assumeWithWebIdentity },
  { title: "GetCallerIdentity, access key", ...nothing, prepare: () => callerIdentity(userKey) },
  {
    title: "GetCallerIdentity, session",
    ...sealed,
    prepare: async ({ server }) => callerIdentity(await sessionOf(server.port)),
  },
  {
    title: "AssumeRole",
    ...sealed,
    prepare: () => async (by) => ok(() => signedSts(by, assumeRole, userKey)),
  },
];

/** Asks until it is answered: a server that other work on the machine holds up turns callers away. */
async function ok(ask: () => Promise<Answer>): Promise<string> {
  for (;;) {
    const { status, body } = await ask();
    if (status === 200) return body;
    if (!/TooManyRequests|Throttling/.test(body)) throw new Error(`${status} ${body}`);
    await pause(50);
  }
}

function identityCall(connection: Connection, operation: string, input: object): Promise<string> {
  const headers = { "x-amz-target": `AWSCognitoIdentityService.${operation}` };
  return ok(() => connection.post(JSON.stringify(input), headers));
}

/** The input of a request with a new token of one of the callers: identities at equal distances. */
function knownOf({ identityPoolId, provider, identities, idToken }: IdentityStage, turn: number) {
  const index = Math.floor(((turn % callers) * identities) / callers);
  return { IdentityId: ownerOf(identityPoolId, index), Logins: { [provider]: idToken(subjectOf(index)) } };
}

function getKnown(stage: IdentityStage): Operation {
  const { identityPoolId: IdentityPoolId } = stage;
  return async (by, turn) => {
    const { Logins } = knownOf(stage, turn);
    return identityCall(by, "GetId", { IdentityPoolId, Logins });
  };
}

let newcomers = 0;

function getNew({ identityPoolId: IdentityPoolId, provider, idToken }: IdentityStage): Operation {
  return async (by) => {
    const Logins = { [provider]: idToken(`newcomer-${newcomers++}`) };
    return identityCall(by, "GetId", { IdentityPoolId, Logins });
  };
}

function getCredentials(stage: IdentityStage): Operation {
  return async (by, turn) => identityCall(by, "GetCredentialsForIdentity", knownOf(stage, turn));
}

function getCredentialsAgain(stage: IdentityStage): Operation {
  const known = Array.from({ length: callers }, (_, at) => knownOf(stage, at));
  return async (by, turn) => identityCall(by, "GetCredentialsForIdentity", known[turn % callers]!);
}

/** The last step of the basic flow. Its tokens are valid for ten minutes: a round's. */
async function assumeWithWebIdentity(stage: IdentityStage): Promise<Operation> {
  const connection = new Connection(stage.server.port);
  const bodies: string[] = [];
  for (let caller = 0; caller < 64; caller++) {
    const { Token } = JSON.parse(await identityCall(connection, "GetOpenIdToken", knownOf(stage, caller)));
    const Action = "AssumeRoleWithWebIdentity";
    const input = { RoleArn: role.arn, RoleSessionName: "bench", WebIdentityToken: Token };
    bodies.push(new URLSearchParams({ Action, Version: version, ...input }).toString());
  }
  connection.close();
  return async (by, turn) => ok(() => by.post(bodies[turn % bodies.length]!, form));
}

const version = "2011-06-15";
const form = { "content-type": "application/x-www-form-urlencoded" };
const assumeRole = { Action: "AssumeRole", RoleArn: role.arn, RoleSessionName: "bench" };

type Key = Parameters<typeof signedPost>[2]["key"];

function signedSts(connection: Connection, input: Readonly<Record<string, string>>, key: Key) {
  const body = new URLSearchParams({ ...input, Version: version }).toString();
  return signedPost(connection, connection.port, { service: "sts", headers: form, body, key });
}

function callerIdentity(key: Key): Operation {
  return async (by) => ok(() => signedSts(by, { Action: "GetCallerIdentity" }, key));
}

/** Credentials of the role. */
async function sessionOf(port: number): Promise<Key> {
  const connection = new Connection(port);
  const body = await ok(() => signedSts(connection, assumeRole, userKey));
  connection.close();
  const of = (member: string) => new RegExp(`<${member}>([^<]*)<`).exec(body)![1]!;
  const [accessKeyId, secretAccessKey, sessionToken] = ["AccessKeyId", "SecretAccessKey", "SessionToken"].map(
    of,
  );
  return { accessKeyId: accessKeyId!, secretAccessKey: secretAccessKey!, sessionToken: sessionToken! };
}

export async function run(options: {
  readonly kinds: readonly string[];
  readonly sizes: readonly number[];
  readonly seconds: number;
}): Promise<void> {
  for (const kind of options.kinds) {
    const places: Place[] = [];
    for (const size of options.sizes) places.push(await openPlace(kind, size));
    const measured = await measureAll(places, options.seconds);
    console.log(`\n${kind}, ${options.sizes[0]} identities\n\n${costs(measured)}`);
    if (places.length > 1) console.log(`\n${kind}\n\n${growth(measured, options.sizes)}`);
    for (const place of places) await place.close();
  }
}

interface Place {
  readonly database: BenchDatabase;
  readonly stage: IdentityStage;
  readonly cpu: Awaited<ReturnType<BenchDatabase["cpu"]>>;
  close(): Promise<void>;
}

/** @param checkout the folder of another version's repository, to compare with */
export async function openPlace(kind: string, identities: number, checkout?: string): Promise<Place> {
  const database = await newDatabase(kind);
  const stage = await openIdentityStage(database.url, identities, checkout);
  const cpu = await database.cpu();
  const close = async () => {
    await cpu.close();
    await stage.server.close();
    await database.remove();
  };
  return { database, stage, cpu, close };
}

/** Warm-up until V8 has compiled the code, and PostgreSQL has counted its rows, is only needed in the first round. */
export async function once({ stage, cpu }: Place, work: Work, seconds: number, isFirst: boolean) {
  const warmUp = isFirst ? { operations: 1_500, seconds: 10 } : { operations: 50, seconds: 2 };
  const databaseCpu = isFirst ? cpu : { ...cpu, vacuum: async () => {} };
  return measure(stage.server, await work.prepare(stage), { connections, seconds, databaseCpu, warmUp });
}

interface Round {
  readonly limits: CredentialLimits;
  readonly http: number;
  /** By work, then by place; of most works only in the first place. */
  readonly measured: readonly (readonly Measured[])[];
}

async function measureAll(places: readonly Place[], seconds: number): Promise<Round[]> {
  const all: Round[] = [];
  const limitBench = new LimitBench();
  for (let round = 0; round < rounds; round++) {
    const options = { seconds: seconds / 2, connections: 16 };
    const limits = await limitBench.measure(["signature", "check", "seal"], options);
    const { hono: http } = await limitBench.measure(["hono"], options);
    const measured: Measured[][] = [];
    for (const work of works) {
      const own: Measured[] = [];
      for (const place of work.grows ? places : places.slice(0, 1))
        own.push(await once(place, work, seconds, round === 0));
      measured.push(own);
    }
    all.push({ limits, http, measured });
  }
  await limitBench.close();
  return all;
}

function costs(all: readonly Round[]): string {
  const http = median(all.map((round) => round.http));
  const limits = Object.entries(all[0]!.limits).map(([key]) => {
    const ms = median(all.map((round) => round.limits[key as keyof CredentialLimits]));
    return `${key} ${ms.toFixed(3)}`;
  });
  const rows = works.map(({ title, limit, limitText, goal }, at) => {
    const of = (value: (one: Measured, round: Round) => number) =>
      median(all.map((round) => value(round.measured[at]![0]!, round)));
    const ms = of((_, round) => limit(round.limits));
    const database = all[0]!.measured[at]![0]!.databaseCpu;
    return [
      title,
      of(({ cpu }) => cpu).toFixed(3),
      database === undefined ? "–" : of((one) => one.databaseCpu!).toFixed(3),
      of(({ p50 }) => p50).toFixed(1),
      of(({ p99 }) => p99).toFixed(1),
      ms === 0 ? "" : `${limitText} (${ms.toFixed(3)})`,
      ms === 0 ? "" : of(({ cpu }, round) => limit(round.limits) / cpu).toFixed(2),
      goal?.toFixed(2) ?? "",
      of(({ cpu }, round) => (limit(round.limits) + round.http) / cpu).toFixed(2),
    ];
  });
  const head = [
    "operation",
    "CPU ms",
    "PostgreSQL's",
    "p50 ms",
    "p99 ms",
    "limit",
    "ratio",
    "goal",
    "with HTTP",
  ];
  return `limits in CPU ms: ${limits.join(", ")}, a bare answer of Hono ${http.toFixed(3)}\n\n${table(head, rows)}`;
}

/** CPU per operation with each number of identities, and the ratio of the last to the first. */
function growth(all: readonly Round[], sizes: readonly number[]): string {
  const rows = works.flatMap(({ title, grows }, at) => {
    if (!grows) return [];
    const of = (value: (own: readonly Measured[]) => number | undefined) =>
      median(all.map((round) => value(round.measured[at]!) ?? Number.NaN));
    const cpu = sizes.map((_, place) => of((own) => own[place]!.cpu).toFixed(3));
    const total = (one: Measured) => one.cpu + (one.databaseCpu ?? 0);
    const ratio = of((own) => own.at(-1)!.cpu / own[0]!.cpu).toFixed(2);
    return [[title, ...cpu, ratio, "≤ 1.3", of((own) => total(own.at(-1)!) / total(own[0]!)).toFixed(2)]];
  });
  const titles = sizes.map((size) => `CPU ms, ${size} identities`);
  return table(["operation", ...titles, "ratio", "goal", "with PostgreSQL's"], rows);
}
