/** A new root key is never lost: not if the data folder cannot be written, nor if it turns out so too late. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { temporaryFolder } from "../kit/databases.ts";
import { runWith, serve, stop } from "./program.ts";

/** An installation whose master key is configured, so that only the root key needs the folder of secrets. */
function installation() {
  const data = temporaryFolder();
  const settings = {
    POOLHOUSE_DATA: data,
    POOLHOUSE_PORT: "0",
    POOLHOUSE_MASTER_KEY: randomBytes(32).toString("base64"),
  };
  const secrets = join(data, "secrets");
  const run = (...argv: string[]) => runWith(settings, ...argv);
  const rootKeys = async () => {
    const listed = JSON.parse((await run("keys", "list", "--json")).stdout) as { accessKeyId: string }[];
    return listed.map(({ accessKeyId }) => accessKeyId);
  };
  return { secrets, run, rootKeys, migrate: () => run("migrate") };
}

const unwritable =
  /^poolhouse (?:serve|keys): A new root access key cannot be kept in .*secrets, and none was created/m;

test("a first start that cannot keep the root key creates none", async () => {
  const { secrets, run, rootKeys } = installation();
  writeFileSync(secrets, "");
  const { code, stderr } = await run("serve");
  assert.equal(code, 1);
  assert.match(stderr, unwritable);
  assert.doesNotMatch(stderr, /^ +at |not certain/m);
  assert.deepEqual(await rootKeys(), []);
});

test("reset-root keeps the former key if the new one cannot be kept", async () => {
  const { secrets, run, rootKeys, migrate } = installation();
  await migrate();
  const { accessKeyId } = JSON.parse((await run("keys", "reset-root", "--json")).stdout);
  assert.equal(
    JSON.parse(readFileSync(join(secrets, "root-access-key.json"), "utf8")).accessKeyId,
    accessKeyId,
  );
  rmSync(secrets, { recursive: true });
  writeFileSync(secrets, "");
  const { code, stderr, stdout } = await run("keys", "reset-root");
  assert.equal(code, 1);
  assert.match(stderr, unwritable);
  assert.equal(stdout, "");
  assert.deepEqual(await rootKeys(), [accessKeyId]);
});

test("a key whose file cannot be replaced is told all the same, and is in another file", async () => {
  const { secrets, run, rootKeys, migrate } = installation();
  await migrate();
  mkdirSync(join(secrets, "root-access-key.json", "in-the-way"), { recursive: true });
  const { code, stderr, stdout } = await run("keys", "reset-root", "--json");
  assert.equal(code, 0, stderr);
  const { accessKeyId } = JSON.parse(stdout);
  assert.deepEqual(await rootKeys(), [accessKeyId]);
  const [, path = ""] =
    /^WARNING: the new root access key is kept in (\S+), because .* cannot be written/.exec(stderr) ?? [];
  assert.equal(readFileSync(path, "utf8"), stdout);
  assert.equal(statSync(path).mode & 0o777, 0o600);
});

test("a first start shows its key even if the file of a former one cannot be replaced", async () => {
  const data = temporaryFolder();
  const secrets = join(data, "secrets");
  mkdirSync(join(secrets, "root-access-key.json", "in-the-way"), { recursive: true });
  const server = await serve("--data", data);
  try {
    const [, path = "", id] =
      /^Root access key \(shown once, kept in (\S+\.json\.\d+)\):\n +AWS_ACCESS_KEY_ID=(\w+)$/m.exec(
        server.output,
      ) ?? [];
    assert.equal(JSON.parse(readFileSync(path, "utf8")).accessKeyId, id);
  } finally {
    await stop(server.process);
  }
});

test("a key that may have been stored is told of", async () => {
  const { secrets, run, migrate } = installation();
  await migrate();
  // The making of a key is recorded, or does not happen.
  const database = new DatabaseSync(join(secrets, "..", "db", "poolhouse.sqlite"));
  database.exec("drop table audit_events");
  database.close();
  const { code, stderr } = await run("keys", "reset-root");
  assert.equal(code, 1);
  const [name = ""] = readdirSync(secrets);
  assert.match(name, /^root-access-key\.json\.\d+$/);
  assert.ok(stderr.includes(`If it was, it is the one in ${join(secrets, name)}`), stderr);
});
