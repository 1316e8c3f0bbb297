/** What the statements of the store are tied to; and that the kit would notice one that is not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { forEachDatabase } from "../kit/databases.ts";
import { ofAllPools, onePool } from "../kit/one-pool.ts";
import { everyStatement } from "./every-statement.ts";

const tied: Readonly<Record<string, readonly string[]>> = {
  "select * from users where pool_id = $1 and user_id = $2": ["$1"],
  "select * from users u where $2 = u.pool_id": ["$2"],
  "select * from users where pool_id = 'a'": ["'a'"],
  "select 1 from access_keys": [],
  "select * from login_names l join users u on u.pool_id = l.pool_id and u.number = l.user_number where l.pool_id = $1":
    ["$1"],
  "select * from credentials join (select pool_id, number as user_number from users) o using (pool_id, user_number) where pool_id = $1":
    ["$1"],
  "select * from credentials where pool_id = $1 and user_number = (select number from users where pool_id = $2)":
    ["$1", "$2"],
  "select exists (select 1 from codes where pool_id = $1), exists (select 1 from outbox where pool_id = $1)":
    ["$1"],
  "select (select version from users where users.pool_id = browser_sessions.pool_id) from browser_sessions where pool_id = $1":
    ["$1"],
  "insert into users (pool_id, number) values ($1, $2), ($3, $4)": ["$1", "$3"],
  "insert into credentials (pool_id, user_number) select pool_id, number from users where pool_id = $1": [
    "$1",
  ],
  "insert into codes (user_id, pool_id) select $1, cast($2 as text) where true": ["$2"],
  "with given (user_id) as (values (1)) insert into auth_events (pool_id) select users.pool_id from given join users on users.pool_id = $1 and users.user_id = given.user_id":
    ["$1"],
  "update users set enabled = 0 where pool_id = $1 and (user_id = $2 or user_id = $3)": ["$1"],
  "delete from codes where pool_id = $1 and (user_id) in (select user_id from codes where pool_id = $1 limit 2)":
    ["$1"],
  "select * from (select pool_id from outbox where pool_id = $1) w": ["$1"],
  "with u as (select pool_id, user_id from users where pool_id = $1) select * from codes join u on u.pool_id = codes.pool_id":
    ["$1"],
};

const untied: Readonly<Record<string, readonly string[]>> = {
  "select * from users": ["users (users)"],
  "select * from users where pool_id > $1": ["users (users)"],
  "select * from users where pool_id = $1 or enabled = 0": ["users (users)"],
  "select * from users where not (pool_id = $1)": ["users (users)"],
  "select * from codes join users on users.user_id = codes.user_id where users.pool_id = $1": [
    "codes (codes)",
  ],
  "select * from credentials where pool_id = $1 and user_number = (select number from users where user_id = $2)":
    ["users (users)"],
  "delete from codes where pool_id = $1 and (user_id) in (select user_id from codes limit 2)": [
    "codes (codes)",
  ],
  "insert into codes (user_id) values ($1)": ["codes (codes)"],
  "update users set enabled = 0 where user_id = $1": ["users (users)"],
  "select * from (select * from outbox) w": ["outbox (outbox)"],
};

for (const [statement, values] of Object.entries(tied))
  test(`tied: ${statement}`, () => assert.deepEqual(onePool(statement), { untied: [], values }));

for (const [statement, tables] of Object.entries(untied))
  test(`not tied: ${statement}`, () => assert.deepEqual(onePool(statement).untied, tables));

forEachDatabase((database, open) => {
  // Both databases run the same statements.
  if (database !== "postgres") return;
  test("every prepared statement is tied to the value of its pool, but for those that look at all", async () => {
    const { db } = await open();
    const statements = await everyStatement(db);
    const looking = statements.filter(({ text }) => onePool(text).untied.length > 0).map(({ text }) => text);
    const named = Object.values(ofAllPools);
    assert.deepEqual(
      looking.filter((text) => !named.some((pattern) => pattern.test(text))),
      [],
    );
    assert.ok(statements.length > 100, `${statements.length} statements`);
  });
});
