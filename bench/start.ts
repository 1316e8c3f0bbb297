/**
 * `npm run bench -- start`: what a start costs, and what an idle server takes. The server is started as its users start it, by
 * the launcher, with an existing store, in turns with a bare HTTP server and with Node alone, which load the machine alike.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { newDatabase } from "./lib/database.ts";
import { readStat } from "./lib/process-stat.ts";
import { masterKey, rootKey, temporaryFolder } from "./lib/server.ts";
import { table } from "./lib/table.ts";

export const name = "start";

/** How long after its start a server counts as idle: it has then collected its garbage (src/cli/idle-memory.ts). */
const idleSeconds = 25;

interface Program {
  readonly title: string;
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

interface Started {
  readonly readyMs: number;
  /** CPU time of all threads until it was ready. */
  readonly cpuMs: number;
  /** Bytes. */
  readonly resident: number;
  /** Resident memory that no file backs. Bytes. */
  readonly anonymous: number;
}

const at = (path: string) => join(import.meta.dirname, "..", path);

/** @param rounds how often each program is started @param idle whether to wait until each is idle */
export async function run({
  kinds,
  rounds,
  idle,
}: {
  readonly kinds: readonly string[];
  readonly rounds: number;
  readonly idle: boolean;
}): Promise<void> {
  const databases = await Promise.all(kinds.map(newDatabase));
  const programs: Program[] = [
    { title: "bare http", argv: [at("bench/lib/bare-start.mjs")] },
    ...databases.map(({ url }, index) => ({
      title: `poolhouse, ${kinds[index]}`,
      argv: [at("bin/poolhouse.js"), "serve", "--port", String(47_900 + index), "--database", url],
      env: {
        POOLHOUSE_DATA: join(temporaryFolder(), `start-${kinds[index]}`),
        POOLHOUSE_MASTER_KEY: masterKey,
        POOLHOUSE_ROOT_ACCESS_KEY_ID: rootKey.accessKeyId,
        POOLHOUSE_ROOT_SECRET_ACCESS_KEY: rootKey.secretAccessKey,
      },
    })),
  ];
  // The first start makes the store, and the second one keeps what was compiled for it; it is the one that counts.
  const modules: string[] = [];
  for (const program of programs) {
    await start(program, 0);
    modules.push(await countModules(program));
    await start(program, 0);
  }
  const seen = new Map<Program, Started[]>();
  for (let round = 0; round < rounds; round += 1)
    for (const program of programs)
      seen.set(program, [...(seen.get(program) ?? []), await start(program, idle ? idleSeconds : 1)]);
  const bare = seen.get(programs[0]!)!;
  const rows = programs.map((program, index) => {
    const of = (key: keyof Started) => median(seen.get(program)!.map((one) => one[key]));
    const ratios = seen.get(program)!.map(({ cpuMs }, round) => cpuMs / bare[round]!.cpuMs);
    const megabytes = (bytes: number) => (bytes / 2 ** 20).toFixed(0);
    return [
      program.title,
      of("readyMs").toFixed(0),
      of("cpuMs").toFixed(0),
      median(ratios).toFixed(1),
      megabytes(of("resident")),
      megabytes(of("anonymous")),
      modules[index]!,
    ];
  });
  const head = ["program", "ready ms", "CPU ms", "to bare", "MB", "of it not files", "modules"];
  console.log(
    `${rounds} starts of each by turns, medians; memory ${idle ? idleSeconds : 1} s after "ready"\n`,
  );
  console.log(table(head, rows));
  for (const database of databases) await database.remove();
}

const median = (values: readonly number[]) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

/** Starts a program, waits for its line, and `seconds` later looks at its memory and ends it. */
async function start(
  { argv, env }: Program,
  seconds: number,
  flags: readonly string[] = [],
): Promise<Started> {
  const began = performance.now();
  const child = spawn(process.execPath, [...flags, ...argv], {
    env: { PATH: process.env["PATH"] ?? "", ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout });
  // Not `for await`, which would close the pipe that the program goes on writing to.
  await new Promise<void>((resolve) =>
    lines.on("line", (line) => /ready at|listens/.test(line) && resolve()),
  );
  const readyMs = performance.now() - began;
  const { cpuMs } = readStat(`/proc/${child.pid}`);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const memory = readFileSync(`/proc/${child.pid}/smaps_rollup`, "utf8");
  const bytes = (key: string) => Number(new RegExp(`^${key}: +(\\d+)`, "m").exec(memory)?.[1]) * 1024;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  await ended;
  return { readyMs, cpuMs, resident: bytes("Rss"), anonymous: bytes("Anonymous") };
}

/** How many files of JavaScript and TypeScript a program loads until it is ready, without Node's own. */
async function countModules(program: Program): Promise<string> {
  const file = join(temporaryFolder(), "modules");
  const env = { ...program.env, BENCH_MODULES: file };
  await start({ ...program, env }, 0, ["--import", at("bench/lib/count-modules.mjs")]);
  return readFileSync(file, "utf8");
}
