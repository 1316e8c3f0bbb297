/** Waits for its database, migrates it, and serves the People API at API_URL. */
import type { Knex } from "knex";
import { setting } from "../settings.ts";
import { newApp } from "./app.ts";
import { openDatabase, Refusal, waitFor } from "./database.ts";
import { migrate } from "./migrate.ts";

/** What the operator chose; a Refusal says what is wrong with it. */
function patience(): number {
  const value = setting("DATABASE_WAIT_SECONDS", "60");
  if (/^\d{1,4}$/.test(value)) return Number(value);
  throw new Refusal(
    `DATABASE_WAIT_SECONDS must be a whole number of seconds from 0 to 9999, and is "${value}".`,
  );
}

/** The database, once it is there and migrated. */
async function ready(): Promise<Knex> {
  const databaseUrl = setting("DATABASE_URL", "people.sqlite");
  const seconds = patience();
  const migrating = openDatabase(databaseUrl, seconds);
  await waitFor(migrating, seconds);
  await migrate(migrating, seconds);
  await migrating.destroy();
  return openDatabase(databaseUrl);
}

// Files that are made here, such as people.sqlite, are for their owner alone.
process.umask(0o077);
const url = new URL(setting("API_URL"));
const database = await ready().catch((error: unknown) => {
  console.error(error instanceof Refusal ? error.message : error);
  process.exit(1);
});

const server = newApp(database).listen(Number(url.port), setting("HOST", "127.0.0.1"), (error) => {
  if (error) throw error;
  console.log(`The People API is at ${url.href}`);
});
process.once("SIGTERM", () => {
  server.close(() => database.destroy());
  // Browsers keep connections on which they ask nothing.
  setTimeout(() => server.closeAllConnections(), 3_000).unref();
});
