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
import { CommandError, openOptions, readArguments } from "./command-line.ts";

const usage = `poolhouse migrate          migrates the database
poolhouse migrate --check  says whether there is anything to do, and exits with 1 if so; 2 if it cannot be told
poolhouse migrate --distribute citus
                           also spreads the tables over the machines of a Citus cluster, by pool
The flags of serve choose the database.`;

export async function migrate(argv: readonly string[]): Promise<void> {
  const options = { check: { type: "boolean" }, distribute: { type: "string" } } as const;
  const given = readArguments(argv, { options, operands: 0, usage });
  const engine = given.text("distribute");
  if (engine !== undefined && engine !== "citus")
    throw new CommandError(`--distribute takes citus only.\n${usage}`, 2);
  if (given.flag("check") && engine !== undefined)
    throw new CommandError(`--check and --distribute do not go together.\n${usage}`, 2);
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
