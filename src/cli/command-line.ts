/**
 * What the commands share: parsing of arguments besides the flags of `serve`, and how times are printed.
 */
import { parseArgs } from "node:util";
import { type Config, loadConfig } from "../config/config.ts";
import { settings } from "../config/settings.ts";
import { suggestion } from "../lib/closest.ts";
import type { CommandError } from "./command-error.ts";

export type Options = Readonly<
  Record<string, { readonly type: "string" | "boolean"; readonly multiple?: boolean }>
>;

export interface Given {
  readonly config: Config;
  /** The arguments that are not flags, as many as the command takes. */
  readonly operands: readonly string[];
  text(option: string): string | undefined;
  /** The values of an option that can be given several times (`multiple`), in their order. */
  texts(option: string): readonly string[];
  flag(option: string): boolean;
}

/** The flags of `serve`, for parseArgs. */
const settingOptions: Options = Object.fromEntries(
  Object.values(settings).map((setting) => [
    setting.flag,
    { type: "boolean" in setting ? "boolean" : "string" },
  ]),
);

interface Expected {
  readonly options: Options;
  readonly operands: number;
  /** What the help calls them, if they are to be named where one is missing. */
  readonly operandNames?: readonly string[];
  /** The error for wrong usage. */
  readonly wrong: (problem: string) => CommandError;
}

/** Parses a command's arguments. Throws CommandError with the usage text if one is unknown, missing or too many. */
export function readArguments(argv: readonly string[], expected: Expected): Given {
  const { values, positionals } = parse(argv, expected);
  if (positionals.length !== expected.operands) {
    const surplus = positionals.slice(expected.operands);
    const missing = expected.operandNames?.slice(positionals.length).join(" and ") || "Something";
    throw expected.wrong(
      surplus.length > 0 ? `Too much is given: ${surplus.join(" ")}.` : `${missing} is missing.`,
    );
  }
  const flags = Object.entries(values).filter(([name]) => !Object.hasOwn(expected.options, name));
  return {
    config: loadConfig(flags.map(([flag, value]) => `--${flag}=${value}`)),
    operands: positionals,
    text: (option) => (typeof values[option] === "string" ? values[option] : undefined),
    texts: (option) => [values[option] ?? []].flat().filter((value) => typeof value === "string"),
    flag: (option) => values[option] === true,
  };
}

function parse(argv: readonly string[], { options, wrong }: Expected) {
  const known = { ...settingOptions, ...options };
  try {
    return parseArgs({ args: [...argv], options: known, allowPositionals: true });
  } catch (error) {
    const { message } = error as Error;
    const [, unknown] = /^Unknown option '--?([\w-]+)/.exec(message) ?? [];
    const problem =
      unknown === undefined
        ? message
        : `Unknown option --${unknown}.${suggestion(unknown, Object.keys(known), "--")}`;
    throw wrong(problem);
  }
}

/** A time as commands print it: UTC, to the second. @param milliseconds since the epoch */
export function timeText(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/\.\d{3}Z$/, "Z");
}
