/**
 * What the commands share: parsing of arguments besides the flags of `serve`, exit codes, and access to the database.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Config, loadConfig } from "../config/config.ts";
import { settings } from "../config/settings.ts";
import { OperatorError } from "../lib/operator-error.ts";
import { commandName } from "../store/engine/postgres/clients.ts";
import { type OpenedDatabase, type OpenOptions, openDatabase } from "../store/open.ts";

/** Ends the command with a message and an exit code. 1: it failed. 2: wrong usage. */
export class CommandError extends OperatorError {
  override name = "CommandError";
  readonly exitCode: number;

  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

export type Options = Readonly<Record<string, { readonly type: "string" | "boolean" }>>;

export interface Given {
  readonly config: Config;
  /** The arguments that are not flags, as many as the command takes. */
  readonly operands: readonly string[];
  text(option: string): string | undefined;
  flag(option: string): boolean;
}

/** The flags of `serve`, for parseArgs. */
const settingOptions: Options = Object.fromEntries(
  Object.values(settings).map((setting) => [
    setting.flag,
    { type: "boolean" in setting ? "boolean" : "string" },
  ]),
);

/** Parses a command's arguments. Throws CommandError with the usage text if one is unknown, missing or too many. */
export function readArguments(
  argv: readonly string[],
  expected: { readonly options: Options; readonly operands: number; readonly usage: string },
): Given {
  const { values, positionals } = parse(argv, expected);
  if (positionals.length !== expected.operands) throw new CommandError(expected.usage, 2);
  const flags = Object.entries(values).filter(([name]) => !Object.hasOwn(expected.options, name));
  return {
    config: loadConfig(flags.map(([flag, value]) => `--${flag}=${value}`)),
    operands: positionals,
    text: (option) => (typeof values[option] === "string" ? values[option] : undefined),
    flag: (option) => values[option] === true,
  };
}

function parse(argv: readonly string[], { options, usage }: { options: Options; usage: string }) {
  try {
    return parseArgs({
      args: [...argv],
      options: { ...settingOptions, ...options },
      allowPositionals: true,
    });
  } catch (error) {
    throw new CommandError(`${(error as Error).message}\n${usage}`, 2);
  }
}

/** The options with which a command opens the configured database. */
export function openOptions(config: Config): OpenOptions {
  return {
    url: config.database,
    masterKey: config.masterKey,
    previousMasterKey: config.previousMasterKey,
    namedStatements: config.namedStatements,
    secretsFolder: join(config.data, "secrets"),
    applicationName: commandName,
    poolSize: 4,
    waitMs: 10_000,
    log: { info: () => {}, warn: () => {}, error: (_fields, message) => console.error(message) },
  };
}

/** Opens the database, with or without a running server, for as long as the work takes. */
export async function withDatabase<T>(
  config: Config,
  work: (opened: OpenedDatabase) => Promise<T>,
): Promise<T> {
  const opened = await openDatabase({ ...openOptions(config), secondary: true });
  try {
    return await work(opened);
  } finally {
    await opened.close();
  }
}

/** A time as commands print it: UTC, to the second. @param milliseconds since the epoch */
export function timeText(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/\.\d{3}Z$/, "Z");
}
