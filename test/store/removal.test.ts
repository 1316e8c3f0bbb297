/** Deleting a pool, a client or a user leaves nothing: every table that names one is in the list that is emptied. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { clientTables } from "../../src/store/client-removal.ts";
import { identityPoolTables } from "../../src/store/identity-pools.ts";
import { poolNameTables, poolTables } from "../../src/store/pool-removal.ts";
import { userTables } from "../../src/store/user-removal.ts";
import { forEachDatabase } from "../kit/databases.ts";

forEachDatabase((_name, open) => {
  test("no table is forgotten", async () => {
    const { db } = await open();
    const tables = await db.kysely.introspection.getTables();
    const tablesWith = (column: string) =>
      tables
        .filter((table) => table.columns.some(({ name }) => name === column))
        .map(({ name }) => name)
        .sort();
    // What was done to a pool is still told when it is gone, and what it was called is kept from others.
    const kept = ["audit_events", "pools", "retired_names"];
    // A foreign key takes these rows along with their user.
    const ofUsers = ["auth_events", "credentials", "login_names"];
    const ofIdentityPools = ["identity_pools", ...identityPoolTables];
    const removed = new Set([...kept, ...poolNameTables, ...poolTables, ...ofIdentityPools]);
    assert.deepEqual(tablesWith("pool_id"), [...removed].sort());
    assert.deepEqual(tablesWith("user_id"), [...userTables].sort());
    assert.deepEqual(tablesWith("client_id"), ["clients", ...clientTables].sort());
    assert.deepEqual(tablesWith("user_number"), ofUsers);
  });
});
