/** `npm run example [name] [--keep DIR] [--port N]`: starts an example with everything it needs. */
import { parseArgs } from "node:util";
import { explainError, OperatorError } from "../../src/lib/operator-error.ts";
import { startExample } from "./start.ts";
import { examples } from "./table.ts";

const usage = `npm run example -- <name> [--keep DIR] [--port N]

${Object.entries(examples)
  .map(([name, { shows }]) => `  ${name.padEnd(14)} ${shows}`)
  .join("\n")}

--keep DIR keeps its data in DIR and uses it again the next time. --port N makes it use the first free ports from N on.
Ctrl-C ends it.`;

/** What was typed. Throws an OperatorError that says how it is written if it cannot be meant. */
function typed() {
  const options = {
    keep: { type: "string" },
    port: { type: "string" },
    help: { type: "boolean", short: "h" },
  } as const;
  const { values, positionals } = tryParse(() => parseArgs({ allowPositionals: true, options }));
  for (const option of ["keep", "port"] as const) {
    // npm leaves behind what it takes for a setting of its own.
    if (values[option] !== undefined || process.env[`npm_config_${option}`] === undefined) continue;
    const name = positionals.find((one) => Object.hasOwn(examples, one)) ?? "<name>";
    throw new OperatorError(
      `npm takes --${option} for itself unless -- stands before it:\n  npm run example -- ${name} --${option} ${option === "keep" ? "DIR" : "N"}`,
    );
  }
  return { ...values, positionals };
}

function tryParse<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new OperatorError(`${(error as Error).message}\n\n${usage}`);
  }
}

async function main(): Promise<void> {
  const { keep, port, help, positionals } = typed();
  const [name, ...more] = positionals;
  if (name === undefined || help) return console.log(usage);
  const example = Object.hasOwn(examples, name) ? examples[name] : undefined;
  if (example !== undefined && more.length > 0)
    throw new OperatorError(
      `The example ${name} takes no further argument, such as "${more.join(" ")}". Options come after --:\n  npm run example -- ${name} [--keep DIR] [--port N]`,
    );
  if (example === undefined)
    throw new OperatorError(`There is no example "${positionals.join(" ")}".\n${usage}`);
  if (port !== undefined && !(/^[1-9]\d{3,4}$/.test(port) && Number(port) <= 65_535))
    throw new OperatorError("--port must be a number from 1000 to 65535.");
  const running = startExample({
    name,
    example,
    keep,
    port: port === undefined ? undefined : Number(port),
  });
  let interrupted = false;
  const stop = (signal: NodeJS.Signals) => {
    interrupted ||= signal === "SIGINT";
    running.stop();
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, stop);
  process.exitCode = await running.ended;
  // After SIGHUP there is no terminal to say it to.
  if (interrupted) console.log(`\nEnded; its data is ${keep === undefined ? "removed" : `in ${keep}`}.`);
}

try {
  await main();
} catch (error) {
  console.error(explainError(error));
  process.exitCode = 1;
}
