/** Every prepared statement of the program. */
import { globSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Db } from "../../src/store/db.ts";
import { preparedStatements } from "../../src/store/prepared.ts";

export async function everyStatement({
  kysely,
  kind,
}: Db): Promise<{ readonly name: string; readonly text: string }[]> {
  const src = join(import.meta.dirname, "..", "..", "src");
  for (const file of globSync("store/{*,keys/*,rotation/*,engine/*}.ts", { cwd: src }))
    await import(pathToFileURL(join(src, file)).href);
  return preparedStatements(kysely, kind);
}
