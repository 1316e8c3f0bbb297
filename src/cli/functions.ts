/** `poolhouse functions`: the functions of the configuration file, and calls of them without a pool. */
import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { functionsOf } from "../domain/triggers/configured-functions.ts";
import { FunctionError } from "../integrations/functions/functions.ts";
import { closest } from "../lib/closest.ts";
import { fileProblem } from "../lib/file-problem.ts";
import type { FunctionSettings } from "../lib/function-settings.ts";
import { CommandError } from "./command-error.ts";
import { type Given, readArguments } from "./command-line.ts";
import { noSuchAction, wrongUsage } from "./usage.ts";

export async function functions(argv: readonly string[]): Promise<void> {
  const [action = "", ...rest] = argv;
  const wrong = wrongUsage("functions", [action]);
  if (action === "list")
    return list(readArguments(rest, { options: { json: { type: "boolean" } }, operands: 0, wrong }));
  if (action === "invoke")
    return invoke(readArguments(rest, { options: { event: { type: "string" } }, operands: 1, wrong }));
  if (action === "events") {
    const operands = rest.length > 0 && !rest[0]!.startsWith("-") ? 1 : 0;
    return events(readArguments(rest, { options: {}, operands, wrong }));
  }
  if (action === "logs") {
    const options = {
      follow: { type: "boolean" },
      json: { type: "boolean" },
      log: { type: "string" },
    } as const;
    return (await import("./functions-logs.ts")).logs(readArguments(rest, { options, operands: 1, wrong }));
  }
  if (action === "serve") return (await import("./functions-serve.ts")).serveFunctions(rest);
  throw noSuchAction("functions", action);
}

function list({ config, flag }: Given): void {
  const rows = config.functions.map((one) => ({
    name: one.name,
    run: one.run,
    runs: targetOf(one),
    timeout: one.timeoutMs / 1000,
    attempts: one.attempts,
    concurrency: one.concurrency,
  }));
  if (flag("json")) {
    console.log(JSON.stringify(rows, null, 2));
    return;
  }
  if (rows.length === 0) {
    console.log(noFunctions);
    return;
  }
  const widest = Math.max(4, ...rows.map(({ name }) => name.length));
  const row = (...cells: string[]) =>
    console.log(cells.map((cell, index) => cell.padEnd([widest, 7, 0][index]!)).join("  "));
  row("NAME", "RUN", "RUNS");
  for (const { name, run, runs } of rows) row(name, run, runs);
}

/** Prints the sample event of a source, or of each. */
async function events({ config, operands: [source] }: Given): Promise<void> {
  const { isSampleSource, sampleEvent, sampleSources } = await import("../domain/triggers/samples.ts");
  if (source === undefined) {
    const all = await Promise.all(
      sampleSources.map(async (one) => [one, await sampleEvent(one, config)] as const),
    );
    console.log(JSON.stringify(Object.fromEntries(all), null, 2));
    return;
  }
  if (!isSampleSource(source)) {
    const meant = closest(source, sampleSources);
    const known = meant ? `did you mean ${meant}?` : `there are ${sampleSources.join(", ")}.`;
    throw new CommandError(`There is no trigger source ${source}: ${known}`);
  }
  console.log(JSON.stringify(await sampleEvent(source, config), null, 2));
}

/** What a function runs, without secrets: the query of a URL may be one. */
function targetOf(settings: FunctionSettings): string {
  switch (settings.run) {
    case "worker":
    case "child":
      return `${settings.handler} of ${settings.file}`;
    case "invoke":
      return `${settings.function} at ${settings.url}`;
    case "webhook":
      return settings.url.replace(/\?.*$/s, "?…");
  }
}

async function invoke({ config, operands: [name = ""], text: option }: Given): Promise<void> {
  const path = option("event");
  if (path === undefined) throw wrongUsage("functions", ["invoke"])("--event is missing.");
  const event = parseEvent(path === "-" ? await text(process.stdin) : await fileText(path));
  const print = (_fields: object, message: string) => console.error(message);
  const running = await functionsOf(config, { log: { info: print, warn: print }, clock: Date.now });
  try {
    console.log(JSON.stringify(await running.invoke(name, event), null, 2));
  } catch (error) {
    if (!(error instanceof FunctionError)) throw error;
    if (error.message === "ResourceNotFoundException" && !config.functions.some((one) => one.name === name))
      throw new CommandError(unknown(name, config.functions));
    throw new CommandError(`The function ${explained[error.fault]}: ${error.message}`);
  } finally {
    await running.close();
  }
}

const explained: Readonly<Record<FunctionError["fault"], string>> = {
  failed: "failed",
  unreachable: "could not be run",
  late: "took too long",
  unreadable: "answered something else than JSON",
};

async function fileText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new CommandError(
      `--event ${path} cannot be read: ${fileProblem(error)}. An event to begin with: poolhouse functions events SOURCE`,
    );
  }
}

function parseEvent(json: string): object {
  try {
    const event: unknown = JSON.parse(json);
    if (typeof event === "object" && event !== null) return event;
  } catch {
    // Said below.
  }
  throw new CommandError("The event must be a JSON object.");
}

const noFunctions = "No functions are configured: give the configuration file by --config.";

function unknown(name: string, known: readonly FunctionSettings[]): string {
  const names = known.map((one) => one.name);
  if (names.length === 0) return noFunctions;
  const meant = closest(name, names);
  return `There is no function ${name}: ${meant ? `did you mean ${meant}?` : `there are ${names.join(", ")}.`}`;
}
