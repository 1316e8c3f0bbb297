/** `poolhouse serve` as a process of its own, as it runs in production. */

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after } from "node:test";
import type { CognitoIdentityProviderClient } from "@aws-sdk/client-cognito-identity-provider";
import { compileCache } from "./compile-cache.ts";
import { manySockets, newSdk, patient, rootKey } from "./sdk.ts";

export const main = join(import.meta.dirname, "..", "..", "src", "main.ts");

const running = new Set<ChildProcess>();
const clients = new Set<CognitoIdentityProviderClient>();
/** For scripts; in a test file it happens by itself. */
export function endAll(): void {
  for (const child of running) child.kill("SIGKILL");
  for (const client of clients) client.destroy();
}
after(endAll);

export interface Child {
  readonly process: ChildProcess;
  readonly url: string;
  /** From spawn to "ready", in milliseconds. */
  readonly readyAfter: number;
  /** Lines of standard error: the log. */
  readonly log: string[];
}

export interface Start {
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** What runs the program, for example strace. */
  readonly under?: readonly string[];
}

const everywhere = {
  ...compileCache,
  PATH: process.env["PATH"] ?? "",
  POOLHOUSE_LOG_LEVEL: "warn",
  POOLHOUSE_ROOT_ACCESS_KEY_ID: rootKey.accessKeyId,
  POOLHOUSE_ROOT_SECRET_ACCESS_KEY: rootKey.secretAccessKey,
};

/** Starts a server without waiting for it. */
export function spawnServer({ flags = [], env = {}, under = [] }: Start): {
  readonly process: ChildProcess;
  /** Undefined: it ended before it was ready. */
  readonly ready: Promise<{ url: string; readyAfter: number } | undefined>;
  readonly log: string[];
} {
  const since = performance.now();
  const [command = process.execPath, ...rest] = [...under, process.execPath, main, "serve", ...flags];
  const child = spawn(command, rest, { env: { ...everywhere, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  child.once("exit", () => running.delete(child));
  const log: string[] = [];
  createInterface({ input: child.stderr! }).on("line", (line) => log.push(line));
  const line = new Promise<{ url: string; readyAfter: number }>((resolve) => {
    createInterface({ input: child.stdout! }).on("line", (text) => {
      const url = /^Poolhouse ready at (https?:\/\/\S+)/.exec(text)?.[1];
      if (url !== undefined) resolve({ url, readyAfter: performance.now() - since });
    });
  });
  // `close`, not `exit`: only then everything it said has been read.
  const ended = once(child, "close").then(() => undefined);
  return { process: child, ready: Promise.race([line, ended]), log };
}

export async function startChild(start: Start): Promise<Child> {
  const spawned = spawnServer(start);
  const ready = await spawned.ready;
  assert.ok(ready, `the server ended:\n${spawned.log.join("\n")}`);
  return { process: spawned.process, log: spawned.log, ...ready };
}

/** What a server that refuses to start says. */
export async function refusal(start: Start): Promise<string> {
  const spawned = spawnServer(start);
  const ready = await spawned.ready;
  if (ready !== undefined) {
    await endChild(spawned.process, "SIGKILL");
    assert.fail("it started");
  }
  return spawned.log.join("\n");
}

export async function endChild(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const closed = once(child, "close");
  child.kill(signal);
  const [code] = (await closed) as [number | null];
  return code;
}

/**
 * With the root key, and sockets enough that calls do run side by side. One attempt unless told otherwise, but as many as it
 * takes while the server is behind.
 */
export function clientOf(endpoint: string, maxAttempts = 1): CognitoIdentityProviderClient {
  const client = patient(newSdk(endpoint, { maxAttempts, ...manySockets }));
  clients.add(client);
  return client;
}
