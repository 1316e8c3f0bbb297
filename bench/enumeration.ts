/**
 * Can the time of an answer tell who exists? One client asks for names of every kind, in random order, and the times are
 * compared by the area under the ROC curve (Mann-Whitney): 0.5 is a coin, 1 is certainty. Goal: at most 0.02 from 0.5.
 *
 * `node bench/enumeration.ts [--samples 10000] [--operations ForgotPassword,SignUp] [--database postgres://…]`
 * Samples are those of each kind of name.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { Agent, request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { limitNames } from "../src/config/limits.ts";
import { signRequest } from "../src/lib/sigv4.ts";
import { openDatabase } from "../src/store/open.ts";

export const name = "enumeration";
export const title = "Time of an answer by who is named";

export interface Options {
  /** Of each kind of name and operation. */
  readonly samples?: number | undefined;
  /** Which operations; all unless given. */
  readonly operations?: readonly string[] | undefined;
  /** An empty PostgreSQL database; SQLite in a temporary folder unless given. */
  readonly database?: string | undefined;
}

/** Users of each kind. */
const people = 20;
const password = "Correct-Horse-7";
const rootKey = { accessKeyId: "AKIABENCHROOTKEY0000", secretAccessKey: randomBytes(24).toString("hex") };

const kinds = ["unknown", "known", "disabled", "hash-only", "unconfirmed"] as const;
type Kind = (typeof kinds)[number];

interface Server {
  readonly port: number;
  stop(): Promise<void>;
}

type Send = (operation: string, body: object, signed?: boolean) => Promise<Record<string, unknown>>;

interface Stage {
  readonly send: Send;
  readonly ClientId: string;
}

/** What is timed is `ask`; what must come before is done by `prepare`. */
interface Operation {
  readonly name: string;
  readonly kinds: readonly Kind[];
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
    kinds: accounts,
    ask: ({ ClientId }, USERNAME) =>
      initiate(ClientId, "USER_PASSWORD_AUTH", { USERNAME, PASSWORD: "Wrong-Guess-1" }),
  },
  {
    name: "InitiateAuth USER_SRP_AUTH",
    kinds: accounts,
    ask: ({ ClientId }, USERNAME) => initiate(ClientId, "USER_SRP_AUTH", { USERNAME, SRP_A: srpA() }),
  },
  {
    name: "RespondToAuthChallenge",
    kinds: accounts,
    prepare: async ({ send, ClientId }, USERNAME) => {
      const [operation, body] = initiate(ClientId, "USER_SRP_AUTH", { USERNAME, SRP_A: srpA() });
      return (await send(operation, body))["ChallengeParameters"] as Record<string, string>;
    },
    ask: ({ ClientId }, _username, parameters) => [
      "RespondToAuthChallenge",
      { ClientId, ChallengeName: "PASSWORD_VERIFIER", ChallengeResponses: wrongProof(parameters) },
    ],
  },
  {
    name: "ForgotPassword",
    kinds: accounts,
    ask: ({ ClientId }, Username) => ["ForgotPassword", { ClientId, Username }],
  },
  {
    name: "ConfirmForgotPassword",
    kinds: accounts,
    ask: ({ ClientId }, Username) => [
      "ConfirmForgotPassword",
      { ClientId, Username, ConfirmationCode: "12345", Password: "Another-horse-2" },
    ],
  },
  {
    name: "ResendConfirmationCode",
    kinds,
    ask: ({ ClientId }, Username) => ["ResendConfirmationCode", { ClientId, Username }],
  },
  {
    name: "ConfirmSignUp",
    kinds,
    ask: ({ ClientId }, Username) => ["ConfirmSignUp", { ClientId, Username, ConfirmationCode: "12345" }],
  },
  {
    // A name that is free becomes a user: what is compared is the work, since the answer tells anyway.
    name: "SignUp",
    kinds: accounts,
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

/** Measures and prints. */
export async function run(options: Options = {}): Promise<void> {
  const { samples = 10_000 } = options;
  const chosen = operations.filter((one) => options.operations?.includes(one.name) ?? true);
  const folder = mkdtempSync(join(tmpdir(), "poolhouse-bench-"));
  const database = options.database ?? join(folder, "db", "poolhouse.sqlite");
  const masterKey = randomBytes(32).toString("base64");
  const start = () => startServer(folder, database, masterKey);
  try {
    let server = await start();
    const { pool, ClientId } = await makePeople(sender(server.port));
    await server.stop();
    await dropVerifiers(database, masterKey, pool);
    server = await start();
    const stage: Stage = { send: sender(server.port), ClientId };
    print(`${title}: ${samples} samples a kind, ${options.database === undefined ? "SQLite" : "PostgreSQL"}`);
    for (const operation of chosen) print(line(operation, await measure(stage, operation, samples)));
    await server.stop();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const print = (text: string) => process.stdout.write(`${text}\n`);

/** Times of each kind, in milliseconds, taken in turns of random order. */
async function measure(stage: Stage, operation: Operation, samples: number): Promise<Map<Kind, number[]>> {
  const times = new Map<Kind, number[]>(operation.kinds.map((kind) => [kind, []]));
  const warmUp = Math.min(200, samples);
  for (let turn = -warmUp; turn < samples; turn++) {
    for (const kind of shuffled(operation.kinds)) {
      const username = `${kind}-${Math.abs(turn) % people}`;
      const prepared = (await operation.prepare?.(stage, username)) ?? {};
      const [target, body] = operation.ask(stage, username, prepared);
      const began = performance.now();
      await stage.send(target, body);
      if (turn >= 0) times.get(kind)!.push(performance.now() - began);
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
  const parts = operation.kinds.map((kind) => {
    const own = times.get(kind)!;
    const median = own.toSorted((a, b) => a - b)[own.length >> 1]!;
    const area = kind === "unknown" ? "" : ` ${auc(unknown, own).toFixed(3)}`;
    return `${kind}${area} (${median.toFixed(2)} ms)`;
  });
  return `${operation.name.padEnd(32)} ${parts.join("  ")}`;
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

async function makePeople(send: Send): Promise<{ pool: string; ClientId: string }> {
  const { UserPool } = (await send(
    "CreateUserPool",
    { PoolName: "bench", AutoVerifiedAttributes: ["email"] },
    true,
  )) as { UserPool: { Id: string } };
  const UserPoolId = UserPool.Id;
  const ExplicitAuthFlows = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"];
  const client = {
    UserPoolId,
    ClientName: "bench",
    ExplicitAuthFlows,
    PreventUserExistenceErrors: "ENABLED",
  };
  const made = (await send("CreateUserPoolClient", client, true)) as { UserPoolClient: { ClientId: string } };
  const { ClientId } = made.UserPoolClient;
  for (let at = 0; at < people; at++) {
    for (const kind of ["known", "disabled", "hash-only"] as const) {
      const user = { UserPoolId, Username: `${kind}-${at}` };
      const UserAttributes = [
        { Name: "email", Value: `${kind}-${at}@mail.example` },
        { Name: "email_verified", Value: "true" },
      ];
      await send("AdminCreateUser", { ...user, MessageAction: "SUPPRESS", UserAttributes }, true);
      await send("AdminSetUserPassword", { ...user, Password: password, Permanent: true }, true);
      if (kind === "disabled") await send("AdminDisableUser", user, true);
    }
    const UserAttributes = [{ Name: "email", Value: `unconfirmed-${at}@mail.example` }];
    await send("SignUp", { ClientId, Username: `unconfirmed-${at}`, Password: password, UserAttributes });
  }
  return { pool: UserPoolId, ClientId };
}

/** As an import of hashes leaves users. Whoever asks is a stranger to those who signed up here. */
async function dropVerifiers(database: string, masterKey: string, pool: string): Promise<void> {
  const log = { info: () => {}, warn: () => {}, error: () => {} };
  const { db, close } = await openDatabase({ url: database, masterKey, log });
  const users = db.kysely.selectFrom("users").select("user_id").where("username", "like", "hash-only-%");
  await db.kysely
    .updateTable("credentials")
    .set({ srp_sealed: null })
    .where("user_id", "in", users)
    .execute();
  await db.kysely.deleteFrom("known_sources").where("pool_id", "=", pool).execute();
  await close();
}

async function startServer(data: string, database: string, masterKey: string): Promise<Server> {
  const main = join(import.meta.dirname, "..", "src", "main.ts");
  const child = spawn(process.execPath, [main, "serve"], {
    stdio: ["ignore", "pipe", "inherit"],
    env: {
      PATH: process.env["PATH"],
      POOLHOUSE_PORT: "0",
      POOLHOUSE_DATA: data,
      POOLHOUSE_DATABASE: database,
      POOLHOUSE_MASTER_KEY: masterKey,
      POOLHOUSE_LOG_LEVEL: "error",
      POOLHOUSE_ROOT_ACCESS_KEY_ID: rootKey.accessKeyId,
      POOLHOUSE_ROOT_SECRET_ACCESS_KEY: rootKey.secretAccessKey,
      // Out of the way: what is measured is who is named, not who has asked too often.
      POOLHOUSE_LIMITS: limitNames.map((limit) => `${limit}=999999999`).join(","),
    },
  });
  return { port: await readyPort(child), stop: () => stop(child) };
}

function readyPort(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let text = "";
    child.once("exit", (code) => reject(new Error(`the server ended with ${code}: ${text}`)));
    child.stdout!.on("data", (chunk: Buffer) => {
      text += chunk;
      const port = /ready at http:\/\/[^\s:]+:(\d+)/.exec(text)?.[1];
      if (port !== undefined) resolve(Number(port));
    });
  });
}

function stop(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once("exit", () => resolve());
    child.kill("SIGTERM");
  });
}

/** Sends one call at a time over one connection. */
function sender(port: number): Send {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const host = `localhost:${port}`;
  return (operation, body, signed = false) => {
    const text = JSON.stringify(body);
    const headers: Record<string, string> = {
      host,
      "content-type": "application/x-amz-json-1.1",
      "x-amz-target": `AWSCognitoIdentityProviderService.${operation}`,
    };
    if (signed) {
      const wire = {
        method: "POST",
        path: "/",
        query: "",
        headers: Object.entries(headers),
        body: Buffer.from(text),
      };
      const scope = { ...rootKey, region: "us-east-1", service: "cognito-idp", now: Date.now() };
      Object.assign(headers, signRequest(wire, scope));
    }
    return new Promise((resolve, reject) => {
      const options = { agent, port, host: "127.0.0.1", method: "POST", headers };
      const request = httpRequest(options, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => {
          const answer = Buffer.concat(chunks).toString();
          if (signed && response.statusCode !== 200) reject(new Error(`${operation}: ${answer}`));
          else resolve(answer === "" ? {} : JSON.parse(answer));
        });
      });
      request.on("error", reject);
      request.end(text);
    });
  };
}

if (process.argv[1] === import.meta.filename) {
  const { values } = parseArgs({
    options: { samples: { type: "string" }, operations: { type: "string" }, database: { type: "string" } },
  });
  await run({
    samples: values.samples === undefined ? undefined : Number(values.samples),
    operations: values.operations?.split(","),
    database: values.database,
  });
}
