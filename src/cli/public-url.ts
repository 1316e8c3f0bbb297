/**
 * `poolhouse public-url`: shows the public URL that the servers of a PostgreSQL database share; --set changes it to
 * that of the settings.
 */
import { changePublicUrl, readPublicUrl } from "../store/public-url.ts";
import { CommandError } from "./command-error.ts";
import { readArguments } from "./command-line.ts";
import { withDatabase } from "./database.ts";
import { wrongUsage } from "./usage.ts";

export async function publicUrl(argv: readonly string[]): Promise<void> {
  const options = { set: { type: "boolean" } } as const;
  const { config, flag } = readArguments(argv, { options, operands: 0, wrong: wrongUsage("public-url") });
  if (flag("set") && !config.publicUrlConfigured) {
    throw new CommandError("--set needs the new one: --public-url URL, or POOLHOUSE_PUBLIC_URL.", 2);
  }
  await withDatabase(config, async ({ db }) => {
    if (db.kind === "sqlite") {
      throw new CommandError("A server on SQLite is alone: it has the public URL it is started with.", 2);
    }
    if (flag("set")) await changePublicUrl(db, config.publicUrl);
    console.log((await readPublicUrl(db)) ?? "None yet: the first server to start writes it down.");
  });
}
