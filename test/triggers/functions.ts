/** Servers whose pools' triggers run functions of the tests. */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { insertAccessKey } from "../../src/store/access-keys.ts";
import { type DatabaseName, temporaryFolder } from "../kit/databases.ts";
import { forEachServer, forOneServer, type TestServer } from "../kit/server.ts";
import { hangingMs } from "../kit/waiting.ts";

export const handlers = join(import.meta.dirname, "handlers");
const scripts = temporaryFolder();

/** The KMS key of the pools whose messages functions send. */
export const kmsKey = "arn:aws:kms:us-east-1:000000000000:key/11111111-2222-3333-4444-555555555555";

/** The access key of a function; `lendKeys` makes the servers know it. */
export const keyOfFunction = (name: string) => ({
  accessKeyId: `AKIA${name.toUpperCase().padEnd(16, "X")}`,
  secretAccessKey: `secret-of-${name}`.padEnd(40, "x"),
});

const senders = ["mailer", "texter", "borrower"] as const;

/** The settings of a function with an access key of its own, whose handler decrypts codes. */
const decrypting = (name: string, run: "worker" | "child", environment: object = {}) => ({
  run,
  file: join(handlers, "decrypts.mjs"),
  // Loading AWS's library takes long on a busy machine.
  timeout: hangingMs / 1000,
  memory: 512,
  environment: {
    SCRIPTS: scripts,
    KEY_ID: kmsKey,
    KEY_ALIAS: "arn:aws:kms:us-east-1:000000000000:alias/codes",
    ...environment,
  },
  "access-key-id": keyOfFunction(name).accessKeyId,
  "secret-access-key": keyOfFunction(name).secretAccessKey,
});

export const scriptedModule = {
  run: "worker",
  file: join(handlers, "scripted.mjs"),
  environment: { SCRIPTS: scripts },
};

/** A configuration file with these functions; returns its path. */
export function configuration(name: string, functions: Readonly<Record<string, object>>): string {
  const file = join(scripts, `${name}.yaml`);
  writeFileSync(file, stringify({ functions }));
  return file;
}

const config = configuration("poolhouse", {
  scripted: scriptedModule,
  plain: { ...scriptedModule, "plain-text-codes": true },
  waiting: {
    run: "worker",
    file: join(handlers, "waits.mjs"),
    ...{ environment: { SCRIPTS: scripts }, timeout: (hangingMs / 1000) * 1.5, attempts: 1 },
    "plain-text-codes": true,
  },
  riddles: { run: "worker", file: join(handlers, "riddles.mjs") },
  mailer: decrypting("mailer", "worker"),
  texter: decrypting("texter", "child"),
  // Has another function's key, wherever it is from.
  borrower: decrypting("borrower", "worker", {
    AWS_ACCESS_KEY_ID: keyOfFunction("texter").accessKeyId,
    AWS_SECRET_ACCESS_KEY: keyOfFunction("texter").secretAccessKey,
  }),
});

/** Makes the access keys of the functions. They may do nothing by their policy. */
export async function lendKeys({ app }: Pick<TestServer, "app">): Promise<void> {
  const policy = JSON.stringify({
    Version: "2012-10-17",
    Statement: { Effect: "Allow", Action: "cognito-idp:DescribeUserPool", Resource: "*" },
  });
  for (const name of senders) {
    const { accessKeyId: id, secretAccessKey: secret } = keyOfFunction(name);
    await insertAccessKey(app.db, { id, principal: name, secret, policy, status: "Active", createdAt: 1 });
  }
}

/** The ARN of a function in the configuration. */
export const arnOf = (name: string) => `arn:aws:lambda:us-east-1:000000000000:function:${name}`;

/** Answers what `script` says: test/triggers/handlers/scripted.mjs. */
export const scripted = arnOf("scripted");

/** LambdaConfig with the scripted function for each trigger whose member is an ARN. */
export const plainTriggers = {
  PreSignUp: scripted,
  PostConfirmation: scripted,
  PreAuthentication: scripted,
  PostAuthentication: scripted,
  DefineAuthChallenge: scripted,
  CreateAuthChallenge: scripted,
  VerifyAuthChallengeResponse: scripted,
  UserMigration: scripted,
  CustomMessage: scripted,
} as const;

/** The environment of a server with functions. Its processes write into the folder of the tests, as their user. */
export const environment = {
  POOLHOUSE_CONFIG: config,
  POOLHOUSE_FUNCTIONS_USER: String(process.getuid?.() ?? 0),
};

/** As `forEachServer`, with functions. */
export const forEachServerWithFunctions = (
  title: string,
  suite: Parameters<typeof forEachServer>[1],
  more: Readonly<Record<string, string>> = {},
) => forEachServer(title, suite, { ...environment, ...more });

/** As `forOneServer`, with functions. */
export const forOneServerWithFunctions = (
  usual: DatabaseName,
  title: string,
  suite: Parameters<typeof forEachServer>[1],
  more: Readonly<Record<string, string>> = {},
) => forOneServer(usual, title, suite, { ...environment, ...more });

/** What the function does with an event: fills in its response, answers something else, throws, ends or never answers. */
export type Script =
  | { readonly response: object }
  | { readonly answer: unknown }
  | { readonly throws: string }
  /** Any of these as JSON that this thread could not write. */
  | { readonly json: string }
  /** Its process, or thread, ends with this status. */
  | { readonly exits: number }
  | { readonly hangs: true };

const fileOf = (poolId: string, source: string) => join(scripts, `${poolId}.${source}.json`);

/** Says what the function does for a pool from now on; undefined: nothing, it returns the event. */
export function script(poolId: string, source: string, what: Script | undefined): void {
  if (what === undefined) rmSync(fileOf(poolId, source), { force: true });
  else writeFileSync(fileOf(poolId, source), "json" in what ? what.json : JSON.stringify(what));
}

export interface TriggerEvent {
  readonly version: string;
  readonly triggerSource: string;
  readonly region: string;
  readonly userPoolId: string;
  readonly userName: string;
  readonly callerContext: { readonly awsSdkVersion: string; readonly clientId: string };
  readonly request: Readonly<Record<string, unknown>>;
  readonly response: Readonly<Record<string, unknown>>;
}

/** The events that the function got for a pool, in order, and forgets them. */
export const eventsOf = (poolId: string): TriggerEvent[] => linesOf(poolId, "events");

/** What a handler that sends codes made of an event. */
export interface Sent {
  readonly event: TriggerEvent;
  readonly code?: string;
  readonly suite?: number;
  readonly context?: Readonly<Record<string, string>>;
  readonly refused?: string;
}

/** What the handlers that decrypt codes have sent for a pool, in order, and forgets them. */
export const sentOf = (poolId: string): Sent[] => linesOf(poolId, "sent");

function linesOf<Line>(poolId: string, kind: string): Line[] {
  const file = join(scripts, `${poolId}.${kind}`);
  if (!existsSync(file)) return [];
  const text = readFileSync(file, "utf8");
  // A line is being written.
  if (!text.endsWith("\n")) return [];
  rmSync(file);
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
}

/** The trigger sources of the events that the function got for a pool. */
export const sourcesOf = (poolId: string) => eventsOf(poolId).map(({ triggerSource }) => triggerSource);
