/** Servers whose pools' triggers run functions of the tests. */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../kit/databases.ts";
import { forEachServer } from "../kit/server.ts";

const handlers = join(import.meta.dirname, "handlers");
const scripts = temporaryFolder();
const config = join(scripts, "poolhouse.yaml");
writeFileSync(
  config,
  `functions:
  scripted: { run: worker, file: ${join(handlers, "scripted.mjs")}, environment: { SCRIPTS: ${scripts} } }
  riddles: { run: worker, file: ${join(handlers, "riddles.mjs")} }
`,
);

/** The ARN of a function in the configuration. */
export const arnOf = (name: string) => `arn:aws:lambda:us-east-1:000000000000:function:${name}`;

/** Answers what `script` says: test/triggers/handlers/scripted.mjs. */
export const scripted = arnOf("scripted");

/** The environment of a server with functions. */
export const environment = { POOLHOUSE_CONFIG: config };

/** As `forEachServer`, with functions. */
export const forEachServerWithFunctions = (title: string, suite: Parameters<typeof forEachServer>[1]) =>
  forEachServer(title, suite, environment);

/** What the function does with an event: fills in its response, answers something else, or throws. */
type Script = { readonly response: object } | { readonly answer: unknown } | { readonly throws: string };

const fileOf = (poolId: string, source: string) => join(scripts, `${poolId}.${source}.json`);

/** Says what the function does for a pool from now on; undefined: nothing, it returns the event. */
export function script(poolId: string, source: string, what: Script | undefined): void {
  if (what === undefined) rmSync(fileOf(poolId, source), { force: true });
  else writeFileSync(fileOf(poolId, source), JSON.stringify(what));
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
export function eventsOf(poolId: string): TriggerEvent[] {
  const file = join(scripts, `${poolId}.events`);
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").trimEnd().split("\n");
  rmSync(file);
  return lines.map((line) => JSON.parse(line) as TriggerEvent);
}

/** The trigger sources of the events that the function got for a pool. */
export const sourcesOf = (poolId: string) => eventsOf(poolId).map(({ triggerSource }) => triggerSource);
