/**
 * `poolhouse migrate`: brings the database's schema up to date before the servers start. Needs no master key; an empty
 * data folder gets its first one.
 */
import { explainError } from "../lib/operator-error.ts";
import {
  checkDistributable,
  distributeDatabase,
  migrateDatabase,
  type OpenOptions,
  readSchemaVersion,
} from "../store/open.ts";
import { CommandError } from "./command-error.ts";
import { readArguments } from "./command-line.ts";
import { openOptions } from "./database.ts";
import { wrongUsage } from "./usage.ts";

export async function migrate(argv: readonly string[]): Promise<void> {
  const options = { check: { type: "boolean" }, distribute: { type: "string" } } as const;
  const wrong = wrongUsage("migrate");
  const given = readArguments(argv, { options, operands: 0, wrong });
  const engine = given.text("distribute");
  if (engine !== undefined && engine !== "citus") throw wrong("--distribute takes citus only.");
  if (given.flag("check") && engine !== undefined)
    throw wrong("--check and --distribute do not go together.");
  if (given.flag("check")) return check(openOptions(given.config));
  const database = { ...openOptions(given.config), waitMs: 60_000 };
  // Before anything is changed.
  if (engine !== undefined) await checkDistributable(database);
  const { version, program } = await migrateDatabase(database);
  if (version >= program) console.log(`Schema ${version}: nothing to do.`);
  else console.log(`Migrated from schema ${version} to ${program}.`);
  if (engine === undefined) return;
  const tables = await distributeDatabase(database);
  if (tables.length === 0) console.log("Every table is distributed.");
  else console.log(`Distributed ${tables.length} tables: ${tables.join(", ")}.`);
}

async function check(options: OpenOptions): Promise<void> {
  const { version, program } = await readSchemaVersion(options).catch((error: unknown) => {
    throw new CommandError(explainError(error), 2);
  });
  if (version >= program) {
    console.log(`Schema ${version}: nothing to do.`);
    return;
  }
  console.log(`Schema ${version}: \`poolhouse migrate\` brings it to ${program}.`);
  process.exitCode = 1;
}
