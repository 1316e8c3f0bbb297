/** Commands of several actions: `poolhouse keys list`, `poolhouse roles create …`. */
import { randomBytes } from "node:crypto";
import type { Db } from "../store/db.ts";
import { type Given, type Options, readArguments } from "./command-line.ts";
import { noSuchAction, operandNames, wrongUsage } from "./usage.ts";

export interface Action {
  readonly options: Options;
  readonly operands: number;
  run(given: Given): Promise<void>;
}

/**
 * Runs the action that the arguments of a command begin with. Throws CommandError with the usage text if there is none, or
 * its own arguments are wrong.
 * @param words of how many words its name is
 */
export async function runAction(
  command: Parameters<typeof noSuchAction>[0],
  actions: Readonly<Record<string, Action>>,
  argv: readonly string[],
  words = 1,
): Promise<void> {
  const name = argv.slice(0, words).join(" ");
  const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
  if (action === undefined) throw noSuchAction(command, name);
  const { options, operands } = action;
  const called = argv.slice(0, words);
  const wrong = wrongUsage(command, called);
  const expected = { options, operands, operandNames: operandNames(command, called), wrong };
  await action.run(readArguments(argv.slice(words), expected));
}

/** What the rules take of a command, which has a database but no request. */
export const program = (db: Db) => ({
  db,
  random: (bytes: number) => randomBytes(bytes),
  clock: Date.now,
});
