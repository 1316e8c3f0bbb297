/**
 * `node tools/checks.ts [script]`: everything that `npm test` asks of the sources, side by side, and beside a script of
 * package.json, whose output is passed on. Prints the output of checks that failed, and their names once more at the end.
 */
import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";

const checks = ["types", "lint", "knip", "generated"];

interface Result {
  readonly script: string;
  readonly passed: boolean;
}

async function check(script: string): Promise<Result> {
  const child = spawn("npm", ["run", "-s", script], { stdio: ["ignore", "pipe", "pipe"] });
  const ended = endOf(child);
  const [out, err, passed] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  console.log(`${passed ? "✔" : "✖"} npm run ${script}`);
  if (!passed) process.stdout.write(out + err);
  return { script, passed };
}

async function runBeside(script: string): Promise<Result> {
  const child = spawn("npm", ["run", "-s", script], { stdio: "inherit" });
  return { script, passed: await endOf(child) };
}

/** Whether a process ended with 0. */
function endOf(child: ReturnType<typeof spawn>): Promise<boolean> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code === 0));
  });
}

const scripts = process.argv.slice(2);
const results = await Promise.all([...checks.map(check), ...scripts.map(runBeside)]);
for (const { script } of results.filter(({ passed }) => !passed)) {
  console.error(`✖ npm run ${script} failed`);
  process.exitCode = 1;
}
