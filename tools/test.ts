/**
 * `node tools/test.ts [pattern …]`: runs the test files that match the patterns, or all of them, one process per file.
 * Long ones come first, so that none of them runs alone at the end. Compiled code is cached for the next process, as by
 * the program itself, which saves half a second for each of two hundred.
 */
import { globSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, relative } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { supplySigningPairs } from "../test/kit/signing-pairs.ts";

const root = join(import.meta.dirname, "..");

/** Files that take longer than their share of a processor's time, longest first. */
const longFirst = [
  "test/api/guesses.test.ts",
  "test/oauth/redirects.test.ts",
  "test/browser/hosted-ui.test.ts",
  "test/api/guesses-factors.test.ts",
  "test/durability/crash.test.ts",
  "test/browser/amplify.test.ts",
  "test/clients/aws-cli.test.ts",
  "test/doors/expiries.test.ts",
];

/** Half of their time files of tests wait: for their servers' threads, for PostgreSQL, for other processes. */
const concurrency = 2 * availableParallelism();

const patterns = process.argv.slice(2);
const place = (file: string) => longFirst.indexOf(file) + 1 || longFirst.length + 1;
const files = globSync(patterns.length === 0 ? ["test/**/*.test.ts"] : patterns, { cwd: root })
  .sort()
  .sort((a, b) => place(a) - place(b));
if (files.length === 0) throw new Error(`There is no test file ${patterns.join(" ")}.`);

process.chdir(root);
await supplySigningPairs();
process.env["NODE_COMPILE_CACHE"] ??= join(root, "node_modules", ".cache", "poolhouse");

const seconds = new Map<string, number>();
const running = run({
  files,
  concurrency,
  execArgv: ["--import", join(import.meta.dirname, "untracked.mjs")],
});
running.on("test:summary", ({ file, success, duration_ms }) => {
  if (!success) process.exitCode = 1;
  if (file !== undefined) seconds.set(relative(root, file), duration_ms / 1000);
});
running.on("end", () => {
  const longest = [...seconds].sort(([, a], [, b]) => b - a).slice(0, 10);
  for (const [file, taken] of longest) console.log(`${taken.toFixed(0).padStart(5)} s ${file}`);
});
running.compose(new spec()).pipe(process.stdout);
