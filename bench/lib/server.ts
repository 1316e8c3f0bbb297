/** A server in a separate process, which reports its CPU time and memory over the process channel. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as limits from "../../src/config/limits.ts";
import * as nodeFlags from "../../src/lib/node-flags.ts";

export interface Usage {
  /** CPU time of all its threads since it started, in milliseconds. */
  readonly cpuMs: number;
  /** Bytes. */
  readonly rss: number;
}

export interface BenchServer {
  readonly port: number;
  readonly pid: number;
  /** Milliseconds from spawn to its ready line. */
  readonly readyMs: number;
  usage(): Promise<Usage>;
  /** @param signal SIGTERM unless it is to be cut off */
  close(signal?: "SIGTERM" | "SIGKILL"): Promise<void>;
}

export const rootKey = { accessKeyId: "BENCHROOTKEY", secretAccessKey: "bench-root-secret-access-key" };
export const masterKey = Buffer.alloc(32, 7).toString("base64");

/** Set by `--profile DIR` for the measured programs: V8 writes a .cpuprofile there when they exit. */
let profiling: readonly string[] = [];

export function profileInto(folder: string): void {
  profiling = ["--cpu-prof", `--cpu-prof-dir=${folder}`];
}

/** This repository. */
export const here = join(import.meta.dirname, "..", "..");

/**
 * Starts a program of this repository and waits for the first line that contains a port.
 * @param checkout the folder of another version's repository, whose program, and flags for Node, are used instead
 */
export async function startProgram(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  checkout = here,
): Promise<BenchServer> {
  // An older version has no environment of its own.
  const {
    heapFlags,
    threadPoolSize,
    launchEnvironment = () => ({}),
  }: Partial<typeof nodeFlags> & Pick<typeof nodeFlags, "heapFlags" | "threadPoolSize"> = checkout === here
    ? nodeFlags
    : await import(join(checkout, "src/lib/node-flags.ts"));
  // As the launcher would set both; it does not restart itself if the variable is set.
  const settings = { ...launchEnvironment(), UV_THREADPOOL_SIZE: threadPoolSize(), ...env };
  return startScript(join(checkout, file), { args, env: settings, flags: heapFlags });
}

interface Script {
  readonly args?: readonly string[];
  /** In addition to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** For Node. */
  readonly flags?: readonly string[];
  readonly folder?: string;
}

/** Starts a program of Node's and waits for the first line that contains a port. */
export async function startScript(
  path: string,
  { args = [], env = {}, flags = [], folder }: Script,
): Promise<BenchServer> {
  const began = performance.now();
  const child = fork(path, [...args], {
    execArgv: [...flags, "--import", join(import.meta.dirname, "usage.ts"), ...profiling],
    env: { ...process.env, ...env },
    ...(folder !== undefined && { cwd: folder }),
    stdio: ["ignore", "pipe", "ignore", "ipc"],
  });
  const port = await portOf(child);
  return {
    port,
    pid: child.pid!,
    readyMs: performance.now() - began,
    usage: async () => {
      const answer = once(child, "message");
      child.send("usage");
      const [usage] = (await answer) as [Usage];
      return usage;
    },
    close: async (signal = "SIGTERM") => {
      const ended = once(child, "exit");
      child.kill(signal);
      await ended;
    },
  };
}

async function portOf(child: ChildProcess): Promise<number> {
  let printed = "";
  child.stdout!.setEncoding("utf8");
  for await (const [chunk] of on(child)) {
    printed += chunk;
    const [, port] = /(?:ready at|listens on|running on) http:\/\/[^\s:]+:(\d+)/.exec(printed) ?? [];
    if (port !== undefined) return Number(port);
  }
  throw new Error(`The program ended before it was ready:\n${printed}`);
}

async function* on(child: ChildProcess): AsyncGenerator<[string]> {
  const lines: string[] = [];
  let wake = () => {};
  let ended = false;
  child.stdout!.on("data", (chunk: string) => {
    lines.push(chunk);
    wake();
  });
  child.once("exit", () => {
    ended = true;
    wake();
  });
  for (;;) {
    while (lines.length > 0) yield [lines.shift()!];
    if (ended) return;
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
}

const ports = new Map<string, number>();

/**
 * A free port that stays the same for a database: one in PostgreSQL belongs to one public URL, which contains the port.
 */
export async function portFor(database: string): Promise<number> {
  const known = ports.get(database);
  if (known !== undefined) return known;
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  ports.set(database, port);
  return port;
}

/**
 * Starts Poolhouse on a database that is empty or was prepared by the caller.
 * @param checkout the folder of another version's repository, to compare with
 */
export async function startPoolhouse(
  database: string,
  env: Readonly<Record<string, string>> = {},
  checkout = here,
): Promise<BenchServer> {
  const { capacityNames, limitNames }: typeof limits =
    checkout === here ? limits : await import(join(checkout, "src/config/limits.ts"));
  const hourlyNames = limitNames.filter((name) => !capacityNames.some((capacity) => capacity === name));
  const args = ["serve", "--port", String(await portFor(database)), "--database", database];
  const settings = {
    POOLHOUSE_DATA: join(temporaryFolder(), "data"),
    POOLHOUSE_MASTER_KEY: masterKey,
    // All the load comes from one address.
    POOLHOUSE_LIMITS: hourlyNames.map((limit) => `${limit}=999999999`).join(","),
    POOLHOUSE_ROOT_ACCESS_KEY_ID: rootKey.accessKeyId,
    POOLHOUSE_ROOT_SECRET_ACCESS_KEY: rootKey.secretAccessKey,
    ...env,
  };
  return startProgram("src/main.ts", args, settings, checkout);
}

let folder: string | undefined;

/** A folder that is removed when the bench ends. */
export function temporaryFolder(): string {
  if (folder === undefined) {
    const made = mkdtempSync(join(tmpdir(), "poolhouse-bench-"));
    process.on("exit", () => rmSync(made, { recursive: true, force: true }));
    folder = made;
  }
  return folder;
}
