/**
 * `poolhouse migrate`: brings the database's schema up to date before the servers start. Needs no master key; an empty
 * data folder gets its first one.
 */
import { explainError } from "../lib/operator-error.ts";
import { migrateDatabase, type OpenOptions, readSchemaVersion } from "../store/open.ts";
import { CommandError, openOptions, readArguments } from "./command-line.ts";

const usage = `poolhouse migrate          migrates the database
poolhouse migrate --check  says whether there is anything to do, and exits with 1 if so; 2 if it cannot be told
The flags of serve choose the database.`;

export async function migrate(argv: readonly string[]): Promise<void> {
  const given = readArguments(argv, { options: { check: { type: "boolean" } }, operands: 0, usage });
  if (given.flag("check")) return check(openOptions(given.config));
  const options = { ...openOptions(given.config), waitMs: 60_000 };
  const { version, program } = await migrateDatabase(options);
  if (version >= program) console.log(`Schema ${version}: nothing to do.`);
  else console.log(`Migrated from schema ${version} to ${program}.`);
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
