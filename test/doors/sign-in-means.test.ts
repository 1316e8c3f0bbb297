/**
 * Every change of how a user signs in or recovers the account is an event of the audit log, and what changes nothing is
 * not: every existing operation, with an input that has an effect, and the same input again.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import { kindOf } from "../../src/domain/audit/call.ts";
import { type AuditEvent, listAuditEvents } from "../../src/store/audit.ts";
import { userFromRow } from "../../src/store/users.ts";
import { forOneServer, type TestServer } from "../kit/server.ts";
import { changes, poolsOf, subOf } from "./changes.ts";
import { type KnownOperation, operations } from "./operations.ts";
import type { Pools } from "./waits.ts";
import { post, signedCall, unsigned } from "./wire.ts";
import { makeWorld } from "./world.ts";

/** How a user signs in or recovers the account, according to the tables; `version` is that of the user's row. */
async function meansOf(
  { app: { db } }: TestServer,
  sub: string,
): Promise<{ means: string; version: number }> {
  const user = await db.kysely.selectFrom("users").selectAll().where("user_id", "=", sub).executeTakeFirst();
  const ofUser = { pool_id: user?.pool_id ?? "", user_number: user?.number ?? 0 };
  const {
    email: mail,
    email_verified,
    phone_number,
    phone_number_verified,
    preferred_username,
  } = user === undefined ? {} : userFromRow(user).attributes;
  const rows = async (query: { execute(): Promise<unknown[]> }) => JSON.stringify(await query.execute());
  const { kysely } = db;
  const means = [
    user && [user.status, user.enabled, user.mfa ?? '{"enabled":[]}'],
    [mail, email_verified, phone_number, phone_number_verified, preferred_username],
    await rows(
      kysely
        .selectFrom("login_names")
        .select("name_key")
        .where((row) => row.and(ofUser))
        .orderBy("name_key"),
    ),
    await rows(
      kysely
        .selectFrom("credentials")
        .select("version")
        .where((row) => row.and(ofUser)),
    ),
    await rows(
      kysely
        .selectFrom("software_tokens")
        .select(sql<string>`case when seed_sealed is null then 0 else last_step end`.as("step"))
        .where("user_id", "=", sub)
        .where("seed_sealed", "is not", null),
    ),
    await rows(
      kysely
        .selectFrom("linked_identities")
        .select(["provider_name", "identity_key"])
        .where("user_id", "=", sub)
        .orderBy("identity_key"),
    ),
    await rows(kysely.selectFrom("passkeys").select("credential_id").where("user_id", "=", sub)),
    await rows(
      kysely
        .selectFrom("devices")
        .select(["device_key", "remembered"])
        .where("user_id", "=", sub)
        .orderBy("device_key"),
    ),
  ];
  return { means: JSON.stringify(means), version: user?.version ?? 0 };
}

async function eventsOf({ app: { db } }: TestServer, sub: string): Promise<AuditEvent[]> {
  const all = await listAuditEvents(
    db,
    { target: sub, result: "ok" },
    { limit: 1000, order: "oldest first" },
  );
  return all.filter(({ operation }) => kindOf(operation) === "change" || !operation.startsWith("Admin"));
}

forOneServer("sqlite", "changes of what users sign in with", (open) => {
  let made: Promise<Pools> | undefined;

  for (const [name, { prepare, repeats: again }] of Object.entries(changes)) {
    test(name, async () => {
      const server = await open();
      made ??= poolsOf(server);
      const pools = await made;
      const { of, act } = await prepare({ server, pools });
      const sub = await subOf(server, of);
      const before = { ...(await meansOf(server, sub)), events: await eventsOf(server, sub) };
      const answer = await act();
      assert.equal(answer.status, 200, answer.message);
      const after = { ...(await meansOf(server, sub)), events: await eventsOf(server, sub) };
      assert.notEqual(after.means, before.means, "the operation has changed something");
      const added = after.events.slice(before.events.length);
      assert.equal(added.length, 1, JSON.stringify(added));
      if (again === undefined) return;
      const repeated = await act();
      assert.equal(repeated.status, 200, repeated.message);
      const last = { ...(await meansOf(server, sub)), events: await eventsOf(server, sub) };
      assert.equal(last.means, after.means);
      assert.equal(last.version, after.version, "the user's row was written");
      // An administrator's call is recorded as a call.
      const calls = name.startsWith("Admin") ? 1 : 0;
      assert.equal(last.events.length - after.events.length, calls);
    });
  }

  test("no other operation changes any of it without an event", async () => {
    const server = await open();
    const world = await makeWorld(server);
    const sub = await subOf(server, { ...world, server, email: "" });
    const send = (operation: KnownOperation) => {
      const body = JSON.stringify(world.input(operation));
      const request =
        operation.facts.authorization === "iam"
          ? signedCall(server.endpoint, operation, body, { now: server.clock.now })
          : unsigned(server.endpoint, operation, body);
      return post(server.endpoint, request);
    };
    const tried = new Set(Object.keys(changes).map((name) => name.split(/[ ,]/)[0]));
    // These delete the whole pool.
    const others = operations.filter(({ name }) => !tried.has(name) && !/^DeleteUserPool/.test(name));
    assert.ok(others.length > 60);
    for (const operation of others) {
      const before = { ...(await meansOf(server, sub)), events: await eventsOf(server, sub) };
      await send(operation);
      const after = { ...(await meansOf(server, sub)), events: await eventsOf(server, sub) };
      if (after.means !== before.means)
        assert.ok(after.events.length > before.events.length, `${operation.name} left no event`);
    }
  });
});
