/**
 * `node tools/test.ts [pattern …]`: runs the test files that match the patterns, or all of them. Long ones come first, so
 * that none of them runs alone at the end. With TEST_WHOLE set and no pattern: the files of which that runs a part, whole.
 * Compiled code is cached for the next process, as by the program itself.
 *
 * Files share a process with others of their folder, where that is listed: a third of what such a file cost was loading the
 * program again, and running it before it was optimized.
 */
import { globSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { basename, dirname, join, relative } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { pathToFileURL } from "node:url";
import { folderInMemory } from "../test/kit/memory.ts";
import { findSocket } from "../test/kit/postgres.ts";
import { supplySigningPairs } from "../test/kit/signing-pairs.ts";
import { whole } from "../test/kit/whole.ts";

const root = join(import.meta.dirname, "..");
const cache = join(root, "node_modules", ".cache");

/** Files that take longer than their share of a processor's time, longest first. Each has a process of its own. */
const longFirst = [
  "test/durability/crash.test.ts",
  "test/terraform/terraform.test.ts",
  "test/api/guesses.test.ts",
  "test/api/guesses-factors.test.ts",
  "test/browser/hosted-ui.test.ts",
  "test/clients/aws-cli.test.ts",
  "test/oauth/redirects.test.ts",
  "test/cli/container.test.ts",
  "test/cli/keys.test.ts",
  "test/durability/trace.test.ts",
  "test/clients/key-rotation.test.ts",
  "test/browser/hosted-ui-reach.test.ts",
  "test/servers/hostile.test.ts",
  "test/trust/trust.test.ts",
  "test/triggers/killed.test.ts",
  "test/cli/package.test.ts",
  "test/cli/commands.test.ts",
  "test/examples/web-app.test.ts",
  "test/cli/doctor.test.ts",
  "test/cli/functions.test.ts",
  "test/examples/run.test.ts",
  "test/examples/people-migrations.test.ts",
  "test/servers/rolling-restart.test.ts",
  "test/examples/accounts-failures.test.ts",
  "test/cli/messages.test.ts",
  "test/cli/audit.test.ts",
];

/** How many files of a folder share a process, one after another. */
const together: Readonly<Record<string, number>> = {
  // Long, since it waits for programs that it starts: it comes first.
  examples: 8,
  ...{ api: 8, doors: 5, "hosted-ui": 10, oauth: 10, store: 9, mail: 5, fidelity: 4, front: 9 },
  ...{ domain: 25, lib: 22, wire: 22, clients: 5, triggers: 9, federation: 6 },
  // Most of their time passes in processes that they start.
  ...{ cli: 6, functions: 7, servers: 4 },
  // Chromium, too, is started once for several files.
  browser: 5,
  ...{ "identity-pools": 8, sigv4: 7, iam: 5, gateway: 8 },
};

/**
 * Files of these folders that stay by themselves: they are long, change the clock of their process, or look at all that it
 * has loaded.
 */
const apart = [
  "test/clients/by-name.test.ts",
  "test/clients/durability.test.ts",
  "test/clients/readme.test.ts",
  "test/clients/seed.test.ts",
  "test/front/alone.test.ts",
  "test/functions/loading.test.ts",
  "test/federation/not-loaded.test.ts",
  "test/store/one-pool.test.ts",
];

/** Half of their time files of tests wait: for their servers' threads, for PostgreSQL, for other processes. */
const concurrency = 3 * availableParallelism();

/**
 * A program that imports all files of a process. Its own test comes first and ends once all are imported. Without it the
 * tests of files that wait for nothing can end while others are still being imported. The runner then takes the process for
 * done and runs its hooks (`after` outside a suite), which it does once: what later tests open keeps the process alive.
 */
const entryOf = (imports: readonly string[]): string =>
  [`import { loaded } from ${JSON.stringify(pathToFileURL(join(import.meta.dirname, "loaded.mjs")).href)};\n`]
    .concat(imports, "loaded();\n")
    .join("");

/** The files as they are run: long ones, then those that share a process, then all others. */
function processes(files: readonly string[]): string[] {
  const groups = join(cache, "poolhouse-test", `groups-${process.pid}`);
  process.once("exit", () => rmSync(groups, { recursive: true, force: true }));
  mkdirSync(groups, { recursive: true });
  const long = longFirst.filter((file) => files.includes(file));
  const rest = files.filter((file) => !longFirst.includes(file));
  const shareable = rest.filter((file) => !apart.includes(file) && basename(dirname(file)) in together);
  const shared = Object.entries(together).flatMap(([folder, size]) => {
    const own = shareable.filter((file) => basename(dirname(file)) === folder);
    const count = Math.ceil(own.length / size);
    return Array.from({ length: count }, (_, group) => {
      const imports = own
        .filter((_file, index) => index % count === group)
        .map((file) => `import ${JSON.stringify(pathToFileURL(join(root, file)).href)};\n`);
      const entry = join(groups, `${folder}-${group + 1}-of-${count}.test.mjs`);
      writeFileSync(entry, entryOf(imports));
      return entry;
    });
  });
  return [...long, ...shared, ...rest.filter((file) => !shareable.includes(file))];
}

/** Whether `npm test` runs a part of a file: it says so, or what it imports from beside it. */
function isPartial(file: string): boolean {
  const text = readFileSync(join(root, file), "utf8");
  const beside = [...text.matchAll(/ from "\.\/([\w-]+\.ts)";/g)].map(([, name]) =>
    join(root, dirname(file), name!),
  );
  return (
    /kit\/whole\.ts"|\bforOne(?:Server|Database)/.test(text) ||
    beside.some((one) => readFileSync(one, "utf8").includes('kit/whole.ts"'))
  );
}

const patterns = process.argv.slice(2);
const found = globSync(patterns.length === 0 ? ["test/**/*.test.ts"] : patterns, { cwd: root }).sort();
const files = whole && patterns.length === 0 ? found.filter(isPartial) : found;
if (files.length === 0) throw new Error(`There is no test file ${patterns.join(" ")}.`);

process.chdir(root);
process.env["NODE_COMPILE_CACHE"] ??= join(cache, "poolhouse");
await supplySigningPairs();
const socket = await findSocket();
if (socket !== undefined) process.env["POOLHOUSE_TEST_POSTGRES_SOCKET"] = socket;

// A file costs many times as much on a disk, of the processor's time, too.
const memory = process.env["TMPDIR"] === undefined ? folderInMemory() : undefined;
if (memory !== undefined) {
  process.env["TMPDIR"] = memory;
  process.once("exit", () => rmSync(memory, { recursive: true, force: true }));
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));
}

const times = join(cache, "poolhouse-test", `times-${process.pid}`);
mkdirSync(times, { recursive: true });
process.env["POOLHOUSE_TEST_TIMES"] = times;
process.once("exit", () => rmSync(times, { recursive: true, force: true }));

/** Prints which files cost most: the processor's time with that of the processes they started, and how long they took. */
function printCosts(): void {
  const costs = readdirSync(times).map(
    (one) => JSON.parse(readFileSync(join(times, one), "utf8")) as { processor: number; file: string },
  );
  const name = (file: string) => (file.startsWith(cache) ? basename(file) : relative(root, file));
  const line = (processor: number, what: string) =>
    console.log(`${processor.toFixed(0).padStart(5)} s ${what}`);
  costs.sort((a, b) => b.processor - a.processor);
  line(
    costs.reduce((sum, one) => sum + one.processor, 0),
    "of the processor, all files:",
  );
  for (const { processor, file } of costs.slice(0, 40))
    line(processor, `${name(file)} (${seconds.get(file)?.toFixed(0) ?? "?"} s)`);
}

const seconds = new Map<string, number>();
const running = run({
  files: processes(files),
  concurrency,
  execArgv: ["untracked.mjs", "processor-time.mjs"].flatMap((one) => [
    "--import",
    join(import.meta.dirname, one),
  ]),
});
running.on("test:summary", ({ file, success, duration_ms }) => {
  if (!success) process.exitCode = 1;
  if (file !== undefined) seconds.set(file, duration_ms / 1000);
});
running.on("end", printCosts);
running.compose(new spec()).pipe(process.stdout);
