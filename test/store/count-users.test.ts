/** How many users a pool has: counted, and beyond a limit estimated by PostgreSQL. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import { countUsers } from "../../src/store/count-users.ts";
import { onOneMachine } from "../kit/citus.ts";
import { forEachDatabase } from "../kit/databases.ts";
import { fill, poolIds } from "./people-of-pools.ts";

const cluster = onOneMachine("a cluster shows no estimates");

forEachDatabase((name, open) => {
  test(
    "users are counted up to the limit; beyond it statistics tell, never less than was counted",
    cluster,
    async () => {
      const { db } = await open();
      await fill(db);
      const [poolId] = poolIds;
      const counts = async () => Promise.all([3, 6, 7, 8].map((exact) => countUsers(db, poolId, exact)));
      if (name === "postgres") {
        for (const [index, counted] of (await counts()).entries()) assert.ok(counted >= [4, 7, 7, 7][index]!);
        await sql`analyze users`.execute(db.kysely);
      }
      assert.deepEqual(await counts(), [7, 7, 7, 7]);
      assert.equal(await countUsers(db, "us-east-1_None", 0), 0);
    },
  );
});
