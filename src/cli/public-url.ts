/** `poolhouse public-url`: the URL that the servers of a PostgreSQL database share; with --set it becomes that of the settings. */
import { join } from "node:path";
import { ConfigError, loadConfig } from "../config/config.ts";
import { openDatabase } from "../store/open.ts";
import { changePublicUrl, readPublicUrl } from "../store/public-url.ts";

export async function publicUrl(argv: readonly string[]): Promise<void> {
  const sets = argv.includes("--set");
  const config = loadConfig(argv.filter((flag) => flag !== "--set"));
  if (sets && !config.publicUrlConfigured) {
    throw new ConfigError("--set needs the new one: --public-url URL, or POOLHOUSE_PUBLIC_URL.");
  }
  const opened = await openDatabase({
    url: config.database,
    masterKey: config.masterKey,
    secretsFolder: join(config.data, "secrets"),
    secondary: true,
    log: { info: () => {}, warn: () => {}, error: (_fields, message) => console.error(message) },
  });
  try {
    const { db } = opened;
    if (db.kind === "sqlite") {
      throw new ConfigError("A server on SQLite is alone: it has the public URL it is started with.");
    }
    if (sets) await changePublicUrl(db, config.publicUrl);
    console.log((await readPublicUrl(db)) ?? "None yet: the first server to start writes it down.");
  } finally {
    await opened.close();
  }
}
