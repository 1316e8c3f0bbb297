/** `serve --workers` where a worker cannot start, and what it refuses. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { test } from "node:test";
import { runWith } from "../cli/program.ts";
import { endChild, refusal, spawnServer, startChild } from "../kit/child.ts";
import { temporaryFolder } from "../kit/databases.ts";
import { freePort } from "../kit/ports.ts";
import { administer, createPostgres, dropPostgres, newName, skipWithoutPostgres } from "../kit/postgres.ts";
import { hangingMs, until } from "../kit/waiting.ts";
import { isAlive, metricsOf, workerPids } from "../kit/workers.ts";

const options = { ...skipWithoutPostgres(), timeout: hangingMs };

test("several workers are refused with SQLite, and bad numbers always", async () => {
  const data = temporaryFolder();
  const sqlite = await runWith({ POOLHOUSE_DATA: data }, "serve", "--workers", "2");
  assert.equal(sqlite.code, 1);
  assert.match(sqlite.stderr, /The setting workers=2 needs PostgreSQL/);
  assert.ok(sqlite.stderr.includes(join(data, "db", "poolhouse.sqlite")), sqlite.stderr);
  for (const wrong of ["0", "65", "-1", "1.5", "two", ""]) {
    const { code, stderr } = await runWith({}, "serve", `--workers=${wrong}`);
    assert.equal(code, 1, wrong);
    assert.match(
      stderr,
      /The setting workers \(--workers, POOLHOUSE_WORKERS\) must be a number from 1 to 64, or auto/,
    );
  }
});

test("what keeps a server from starting is said once, and ends all", options, async () => {
  const { name, url } = await createPostgres();
  const env = {
    POOLHOUSE_DATABASE: url,
    POOLHOUSE_WORKERS: "2",
    POOLHOUSE_PORT: String(await freePort()),
    POOLHOUSE_DATA: temporaryFolder(),
  };
  try {
    const said = await refusal({ env });
    assert.match(said, /^poolhouse serve: .*POOLHOUSE_MASTER_KEY.*$/);
    const master = randomBytes(32).toString("base64");
    const other = randomBytes(32).toString("base64");
    const first = await startChild({ env: { ...env, POOLHOUSE_MASTER_KEY: master } });
    assert.equal(await endChild(first.process, "SIGTERM"), 0);
    const spawned = spawnServer({ env: { ...env, POOLHOUSE_MASTER_KEY: other } });
    assert.equal(await spawned.ready, undefined);
    assert.equal(spawned.process.exitCode, 1);
    assert.equal(spawned.log.length, 1, spawned.log.join("\n"));
  } finally {
    await dropPostgres(name);
  }
});

test("a server whose workers cannot start again gives up, and says so", options, async () => {
  const { name, url } = await createPostgres();
  const role = newName();
  await administer(`create role ${role} login superuser`);
  const address = new URL(url);
  address.username = role;
  address.password = "";
  const port = await freePort();
  const spawned = spawnServer({
    env: {
      POOLHOUSE_DATABASE: address.href,
      POOLHOUSE_MASTER_KEY: randomBytes(32).toString("base64"),
      POOLHOUSE_WORKERS: "2",
      POOLHOUSE_PORT: String(port),
      POOLHOUSE_DATA: temporaryFolder(),
    },
  });
  try {
    assert.ok(await spawned.ready, spawned.log.join("\n"));
    await administer(`alter role ${role} nologin`);
    const [one, two] = workerPids(spawned.process.pid!);
    process.kill(one!, "SIGKILL");
    await until("the first is gone", () => !isAlive(one!));
    // As long as one answers, the server goes on, whatever becomes of the other.
    assert.equal((await metricsOf(`http://127.0.0.1:${port}`)).get("poolhouse_workers"), 1);
    process.kill(two!, "SIGKILL");
    await until("the server has given up", () => spawned.process.exitCode !== null);
    assert.equal(spawned.process.exitCode, 1);
    assert.ok(
      spawned.log.some((line) => /^poolhouse serve: no worker can start: /.test(line)),
      spawned.log.join("\n"),
    );
    assert.ok(spawned.log.some((line) => /refuses the connection/.test(line)));
  } finally {
    await endChild(spawned.process, "SIGKILL");
    await dropPostgres(name);
    await administer(`drop role ${role}`);
  }
});
