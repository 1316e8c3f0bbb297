/** Lists in statements: short ones of any length share one that is compiled once, longer ones have their own. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type ListSlots, listed, listValues, prepared } from "../../src/store/prepared.ts";
import { insertResourceServer, readResourceServers } from "../../src/store/resource-servers.ts";
import { revokeFamilies } from "../../src/store/token-families.ts";
import { insertPool } from "../../src/store/user-pools.ts";
import { forEachDatabase } from "../kit/databases.ts";
import { poolIds, poolOf } from "./people-of-pools.ts";

const poolsAmong = prepared<ListSlots, { pool_id: string }>((kysely, slot) =>
  kysely
    .selectFrom("pools")
    .select("pool_id")
    .where("pool_id", "in", listed<string>(slot))
    .orderBy("pool_id"),
);

const [poolId] = poolIds;
const seven = ["1", "2", "3", "4", "5", "6", "7"];

forEachDatabase((_name, open) => {
  test("a list of one to five values is filled up, others are refused", async () => {
    const { db } = await open();
    for (const id of poolIds) await insertPool(db, poolOf(id));
    const among = async (...ids: string[]) =>
      (await poolsAmong(db, listValues(ids))).map((row) => row.pool_id);
    assert.deepEqual(await among(poolId), [poolId]);
    assert.deepEqual(await among("none", ...poolIds), poolIds);
    assert.deepEqual(await among("a", "b", "c", "d", poolId), [poolId]);
    assert.throws(() => listValues([]), RangeError);
    assert.throws(() => listValues(seven), RangeError);
  });

  test("resource servers are found and families revoked by lists of any length", async () => {
    const { db } = await open();
    await insertPool(db, poolOf(poolId));
    for (const identifier of seven) {
      const server = { poolId, identifier, name: "server", scopes: [], now: 1 };
      assert.equal(await insertResourceServer(db, server), "added");
      const texts = { user_id: "u", client_id: "c", origin_jti: "j", scope: "openid" };
      const times = { auth_time: 1, created_at: 1, expires_at: 9 };
      const family = { pool_id: poolId, family_id: identifier, key_sealed: new Uint8Array(1), generation: 0 };
      await db.kysely
        .insertInto("token_families")
        .values({ ...family, ...texts, ...times })
        .execute();
    }
    for (const count of [0, 1, 5, 6, 7]) {
      const found = await readResourceServers(db, poolId, seven.slice(0, count));
      assert.deepEqual(found.map(({ identifier }) => identifier).sort(), seven.slice(0, count));
    }
    const revoke = (...ids: string[]) => revokeFamilies(db, poolId, ids, 2);
    assert.deepEqual([await revoke(), await revoke("1", "2"), await revoke("none")], [0, 2, 0]);
    assert.deepEqual([await revoke(...seven), await revoke(...seven)], [5, 0]);
  });
});
