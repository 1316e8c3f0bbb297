/**
 * `node tools/checks.ts`: everything that `npm test` asks of the sources before it runs tests, side by side. Prints the
 * output of what failed.
 */
import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";

const checks = ["types", "lint", "knip", "generated"];

async function run(script: string): Promise<{ script: string; passed: boolean; output: string }> {
  const child = spawn("npm", ["run", "-s", script], { stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { script, passed: code === 0, output: out + err };
}

for (const { script, passed, output } of await Promise.all(checks.map(run))) {
  console.log(`${passed ? "✔" : "✖"} npm run ${script}`);
  if (passed) continue;
  process.stdout.write(output);
  process.exitCode = 1;
}
