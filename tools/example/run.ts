/** `npm run example [name] [--keep DIR] [--port N]`: starts an example with everything it needs. */
import { parseArgs } from "node:util";
import { explainError, OperatorError } from "../../src/lib/operator-error.ts";
import { startExample } from "./start.ts";
import { examples } from "./table.ts";

const usage = `npm run example -- <name> [--keep DIR] [--port N]

${Object.entries(examples)
  .map(([name, { shows }]) => `  ${name.padEnd(14)} ${shows}`)
  .join("\n")}

--keep DIR keeps its data in DIR and goes on with it the next time. --port N has it use the free ports from N on.
Ctrl-C ends it.`;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { keep: { type: "string" }, port: { type: "string" } },
  });
  const [name, ...more] = positionals;
  if (name === undefined) return console.log(usage);
  const example = examples[name];
  if (example === undefined || more.length > 0)
    throw new OperatorError(`There is no example "${positionals.join(" ")}".\n${usage}`);
  const { keep, port } = values;
  if (port !== undefined && !(/^[1-9]\d{3,4}$/.test(port) && Number(port) <= 65_000))
    throw new OperatorError("--port must be a number from 1000 to 65000.");
  const running = startExample({
    name,
    example,
    keep,
    port: port === undefined ? undefined : Number(port),
  });
  const stop = () => running.stop();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, stop);
  process.exitCode = await running.ended;
}

try {
  await main();
} catch (error) {
  console.error(explainError(error));
  process.exitCode = 1;
}
