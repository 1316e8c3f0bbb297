/**
 * Databases that are migrated already: what is tested is seldom the migration, and a copy is made in a tenth of the time.
 * The first test of a schema makes the original, and leaves it for all that follow.
 */
import { createHash, randomBytes } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { StoreLog } from "../../src/store/engine/log.ts";
import { commandName } from "../../src/store/engine/postgres/clients.ts";
import { migrateDatabase } from "../../src/store/open.ts";
import { citusUrl, makeTemplate } from "./citus.ts";
import { createPostgres, dropPostgres, withClient } from "./postgres.ts";

const root = join(import.meta.dirname, "..", "..");
const silent: StoreLog = { info: () => {}, warn: () => {}, error: () => {} };

/** Of whatever decides what a schema looks like. */
function fingerprint(): string {
  const hash = createHash("sha256");
  for (const file of globSync("src/store/{migrations,schema,engine}/**/*.ts", { cwd: root }).sort())
    hash.update(readFileSync(join(root, file)));
  return hash.digest("hex").slice(0, 16);
}

let name: string | undefined;
const schema = () => {
  name ??= fingerprint();
  return name;
};

/** Puts a migrated SQLite file there, and a master key beside it: a file without one has lost it. */
export async function copySqlite(path: string, secretsFolder: string): Promise<void> {
  const folder = join(root, "node_modules", ".cache", "poolhouse-test");
  const original = join(folder, `${schema()}.sqlite`);
  if (!existsSync(original)) {
    const making = join(folder, `${schema()}-${randomBytes(8).toString("hex")}`);
    const url = join(making, "poolhouse.sqlite");
    await migrateDatabase({ url, secretsFolder: making, log: silent });
    renameSync(url, original);
  }
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  mkdirSync(secretsFolder, { recursive: true, mode: 0o700 });
  copyFileSync(original, path);
  writeFileSync(join(secretsFolder, "master-key"), randomBytes(32).toString("base64"), { mode: 0o600 });
}

const originals = "poolhouse_original_";

/** A new PostgreSQL database that is migrated. Whoever makes it drops it. */
export async function copyPostgres(): Promise<{ name: string; url: string }> {
  const original = `${originals}${schema()}`;
  for (;;) {
    try {
      return await createPostgres(original);
    } catch (error) {
      // There is none: it was never made, or tests of another schema have taken its place just now.
      if ((error as { code?: string }).code !== "3D000") throw error;
    }
    await makeOriginal(original);
  }
}

/** One process makes it, under another name until it is whole; those of former schemas go. */
function makeOriginal(original: string): Promise<void> {
  return withClient(async (client) => {
    await client.query("select pg_advisory_lock(hashtext($1))", [originals]);
    const { rows } = await client.query<{ name: string }>(
      "select datname as name from pg_database where starts_with(datname, $1)",
      [originals],
    );
    const names = rows.map((row) => row.name);
    if (names.includes(original)) return;
    for (const name of names) await dropPostgres(name);
    const { name, url } = await createPostgres();
    await migrateDatabase({ url, log: silent, applicationName: commandName });
    if (citusUrl === undefined) await client.query(`alter database ${name} rename to ${original}`);
    else await makeTemplate(citusUrl, name, original);
  });
}
