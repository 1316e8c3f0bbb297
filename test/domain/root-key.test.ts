/** The root key of a first start. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { type BeforeStored, ensureRootKey, resetRootKey } from "../../src/domain/iam/access-keys.ts";
import { listAccessKeys } from "../../src/store/access-keys.ts";
import type { Db } from "../../src/store/db.ts";
import { forEachDatabase } from "../kit/databases.ts";

const appOf = (db: Db) => ({ db, random: (bytes: number) => randomBytes(bytes), clock: Date.now });
const start = (db: Db, beforeStored?: BeforeStored) => ensureRootKey(appOf(db), undefined, beforeStored);

forEachDatabase((_database, open) => {
  test("of starts at once one makes the root key, and later ones find it", async () => {
    const { db } = await open();
    const keys = await Promise.all([start(db), start(db), start(db)]);
    const made = keys.filter((key) => key !== undefined);
    assert.equal(made.length, 1);
    assert.equal(await start(db), undefined);
    assert.deepEqual(
      (await listAccessKeys(db)).map(({ id }) => id),
      [made[0]!.accessKeyId],
    );
  });

  test("a key is stored only once it is kept, and replaces the former one only then", async () => {
    const { db } = await open();
    const stored = async () => (await listAccessKeys(db)).map(({ id }) => id);
    const fails = () => {
      throw new Error("nowhere to keep it");
    };
    await assert.rejects(start(db, fails), /nowhere to keep it/);
    assert.deepEqual(await stored(), []);
    const kept: string[] = [];
    const keep: BeforeStored = ({ accessKeyId }) => kept.push(accessKeyId);
    await start(db, keep);
    assert.equal(kept.length, 1);
    assert.deepEqual(await stored(), kept);
    await start(db, fails);
    await assert.rejects(resetRootKey(appOf(db), undefined, fails), /nowhere to keep it/);
    assert.deepEqual(await stored(), kept);
    await resetRootKey(appOf(db), undefined, keep);
    assert.deepEqual(await stored(), kept.slice(1));
    const configured = { accessKeyId: "AKIACONFIGURED", secretAccessKey: "a".repeat(20) };
    await resetRootKey(appOf(db), configured, fails);
    assert.deepEqual(await stored(), ["AKIACONFIGURED"]);
  });

  test("a start that can make no root key fails", async () => {
    const { db } = await open();
    // The making of a key is recorded, or does not happen.
    await db.kysely.schema.dropTable("audit_events").execute();
    await assert.rejects(start(db), /audit_events/);
    assert.deepEqual(await listAccessKeys(db), []);
  });
});
