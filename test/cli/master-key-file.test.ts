/** The master key by a file or a credential of systemd, instead of the environment. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ConfigError, loadConfig } from "../../src/config/config.ts";
import { temporaryFolder } from "../kit/databases.ts";
import { runWith } from "./program.ts";

const key = randomBytes(32).toString("base64");
const former = randomBytes(32).toString("base64");

/** A folder with files of these contents; the mode is 0600 unless a name is followed by another, `name 640`. */
function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = temporaryFolder();
  for (const [given, text] of Object.entries(files)) {
    const [name = "", mode = "600"] = given.split(" ");
    writeFileSync(join(folder, name), text);
    chmodSync(join(folder, name), Number.parseInt(mode, 8));
  }
  return folder;
}

const keysOf = (env: Readonly<Record<string, string>>, ...argv: string[]) => {
  const { masterKey, previousMasterKey } = loadConfig(argv, env);
  return [masterKey, previousMasterKey];
};

test("both master keys may come by file: a flag, a variable, or a line of the configuration", () => {
  const folder = folderWith({ new: `${key}\n`, "old 640": former });
  const file = (name: string) => join(folder, name);
  const config = file("poolhouse.yaml");
  writeFileSync(config, `master-key-file: ${file("new")}\nprevious-master-key-file: ${file("old")}\n`);
  const both = [key, former];
  assert.deepEqual(keysOf({ POOLHOUSE_MASTER_KEY_FILE: file("new") }), [key, undefined]);
  assert.deepEqual(keysOf({}, "--config", config), both);
  const flags = ["--master-key-file", file("new"), "--previous-master-key-file", file("old")];
  assert.deepEqual(keysOf({}, ...flags), both);
  const half = { POOLHOUSE_MASTER_KEY: key, POOLHOUSE_PREVIOUS_MASTER_KEY_FILE: file("old") };
  assert.deepEqual(keysOf(half), both);
});

test("systemd's credentials are used if the unit has them, whatever their rights look like", () => {
  const CREDENTIALS_DIRECTORY = folderWith({ "master-key 440": key, "previous-master-key 440": former });
  assert.deepEqual(keysOf({ CREDENTIALS_DIRECTORY }), [key, former]);
  const named = { POOLHOUSE_MASTER_KEY_FILE: join(CREDENTIALS_DIRECTORY, "master-key") };
  assert.deepEqual(keysOf({ CREDENTIALS_DIRECTORY, ...named }), [key, former]);
  assert.deepEqual(keysOf({ CREDENTIALS_DIRECTORY: folderWith({ other: "x" }) }), [undefined, undefined]);
});

test("a key that is given twice, or whose file is no good, refuses to start and is not quoted", () => {
  const folder = folderWith({
    good: key,
    "public 644": key,
    "written 660": key,
    short: "c2hvcnQgc2VjcmV0",
    empty: "",
  });
  mkdirSync(join(folder, "folder"));
  const file = (name: string) => ({ POOLHOUSE_MASTER_KEY_FILE: join(folder, name) });
  const credentials = { CREDENTIALS_DIRECTORY: folderWith({ "master-key": key }) };
  const cases: readonly (readonly [Readonly<Record<string, string>>, RegExp])[] = [
    [
      { ...file("good"), POOLHOUSE_MASTER_KEY: key },
      /^The master key is given twice, by POOLHOUSE_MASTER_KEY and POOLHOUSE_MASTER_KEY_FILE: leave/,
    ],
    [
      { ...file("good"), ...credentials },
      /POOLHOUSE_MASTER_KEY_FILE and the credential master-key of systemd/,
    ],
    [{ POOLHOUSE_MASTER_KEY: key, ...credentials }, /given twice/],
    [file("none"), /^The file of the master key, \/.*none, cannot be read: there is no such file\.$/],
    [file("folder"), /cannot be read: it is a folder/],
    [file("public"), /can be read or written by others: chmod 600 it/],
    [file("written"), /can be read or written by others/],
    [file("short"), /must be base64 of exactly 32 bytes\.$/],
    [file("empty"), /must be base64 of exactly 32 bytes\.$/],
  ];
  for (const [env, message] of cases) {
    assert.throws(
      () => loadConfig([], env),
      (error) => {
        assert.ok(error instanceof ConfigError, String(error));
        assert.match(error.message, message);
        assert.ok(!error.message.includes(key) && !error.message.includes("c2hvcnQ"));
        return true;
      },
    );
  }
});

test("a server with the key in a file keeps none of its own, and without any key PostgreSQL is refused", async () => {
  const folder = folderWith({ key });
  const data = join(folder, "data");
  const env = { POOLHOUSE_DATA: data, POOLHOUSE_MASTER_KEY_FILE: join(folder, "key") };
  const migrated = await runWith(env, "migrate");
  assert.equal(migrated.code, 0, migrated.stderr);
  const listed = await runWith(env, "keys", "list");
  assert.equal(listed.code, 0, listed.stderr);
  assert.ok(
    !readdirSync(data, { recursive: true })
      .map(String)
      .some((name) => name.includes("master-key")),
  );
  const { code, stderr } = await runWith(
    { POOLHOUSE_DATABASE: "postgres://127.0.0.1:1/none" },
    "keys",
    "list",
  );
  assert.equal(code, 1);
  assert.match(stderr, /must be configured.*POOLHOUSE_MASTER_KEY.*or POOLHOUSE_MASTER_KEY_FILE/s);
});
