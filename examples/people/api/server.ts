/** Waits for its database, migrates it, and serves the People API at API_URL. */

import { setting } from "../settings.ts";
import { newApp } from "./app.ts";
import { openDatabase, Refusal, waitFor } from "./database.ts";
import { migrate } from "./migrate.ts";

const url = new URL(setting("API_URL"));
const patience = Number(setting("DATABASE_WAIT_SECONDS", "60"));
if (!(patience >= 0)) throw new Error("DATABASE_WAIT_SECONDS must be a number.");
const database = openDatabase(setting("DATABASE_URL", "people.sqlite"), patience);
try {
  await waitFor(database, patience);
  await migrate(database, patience);
} catch (error) {
  console.error(error instanceof Refusal ? error.message : error);
  process.exit(1);
}

const server = newApp(database).listen(Number(url.port), setting("HOST", "127.0.0.1"), (error) => {
  if (error) throw error;
  console.log(`The People API is at ${url.href}`);
});
process.once("SIGTERM", () => {
  server.close(() => database.destroy());
  // Browsers keep connections on which they ask nothing.
  setTimeout(() => server.closeAllConnections(), 3_000).unref();
});
