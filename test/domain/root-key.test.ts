/** The root key of a first start. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { ensureRootKey } from "../../src/domain/iam/access-keys.ts";
import { listAccessKeys } from "../../src/store/access-keys.ts";
import type { Db } from "../../src/store/db.ts";
import { forEachDatabase } from "../kit/databases.ts";

const start = (db: Db) =>
  ensureRootKey({ db, random: (bytes) => randomBytes(bytes), clock: Date.now }, undefined);

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

  test("a start that can make no root key fails", async () => {
    const { db } = await open();
    // The making of a key is recorded, or does not happen.
    await db.kysely.schema.dropTable("audit_events").execute();
    await assert.rejects(start(db), /audit_events/);
    assert.deepEqual(await listAccessKeys(db), []);
  });
});
