/** The audit log in the database: every filter is a seek, pages have no gaps, and the sweep takes what is over its time. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { uuid7, uuid7Floor } from "../../src/lib/uuid.ts";
import {
  type AuditEvent,
  type AuditSearch,
  insertAuditEvents,
  listAuditEvents,
} from "../../src/store/audit.ts";
import { type Db, inTransaction } from "../../src/store/db.ts";
import { sweepEvents } from "../../src/store/sweep.ts";
import { forEachDatabase } from "../kit/databases.ts";
import { plansOf } from "./plans.ts";

const day = 86_400_000;
const random = (bytes: number) => randomBytes(bytes);

function event(at: number, change: Partial<AuditEvent> = {}): AuditEvent {
  return {
    id: uuid7(at, random),
    at,
    poolId: "p_1",
    actor: "arn:aws:iam::000000000000:root",
    address: "127.0.0.1",
    userAgent: undefined,
    operation: "AdminGetUser",
    target: undefined,
    result: "ok",
    requestId: undefined,
    details: undefined,
    ...change,
  };
}

const filters: readonly AuditSearch[] = [
  {},
  { poolId: "p_1" },
  { actor: "a" },
  { operation: "AdminGetUser" },
  { target: "t" },
  { result: "error" },
  { result: "ok" },
  { poolId: "p_1", operation: "AdminGetUser", result: "error" },
];

forEachDatabase((name, open) => {
  test("events come back as they were, by each filter, in the order of time", async () => {
    const { db } = await open();
    const events = [
      event(1000, {
        poolId: undefined,
        target: "t",
        details: { members: ["a"] },
        userAgent: "u",
        requestId: "r",
      }),
      event(2000, { actor: "b", result: "AccessDeniedException" }),
      event(3000, { operation: "SignUp", poolId: "p_2" }),
    ];
    await insertAuditEvents(db, events.toReversed());
    const list = (search: AuditSearch, limit = 10) =>
      listAuditEvents(db, search, { limit, order: "oldest first" });
    assert.deepEqual(await list({}), events);
    assert.deepEqual(
      await listAuditEvents(db, {}, { limit: 2, order: "newest first" }),
      events.toReversed().slice(0, 2),
    );
    assert.deepEqual(await list({ poolId: "p_1" }), [events[1]]);
    assert.deepEqual(await list({ actor: "b" }), [events[1]]);
    assert.deepEqual(await list({ operation: "SignUp" }), [events[2]]);
    assert.deepEqual(await list({ target: "t" }), [events[0]]);
    assert.deepEqual(await list({ result: "error" }), [events[1]]);
    assert.deepEqual(await list({ result: "ok" }), [events[0], events[2]]);
    assert.deepEqual(await list({ from: uuid7Floor(2000) }), events.slice(1));
    assert.deepEqual(await list({ to: uuid7Floor(2000) }), events.slice(0, 1));
  });

  test("the sweep takes what is over its time, and nothing else", async () => {
    const { db } = await open();
    const now = 1_800_000_000_000;
    const old = Array.from({ length: 1_200 }, (_, index) => event(now - 91 * day + index));
    for (let at = 0; at < old.length; at += 60) await insertAuditEvents(db, old.slice(at, at + 60));
    const kept = [event(now - 90 * day), event(now)];
    await insertAuditEvents(db, kept);
    await sweepEvents(db, now, { audit: 90, auth: 30 });
    assert.deepEqual(await listAuditEvents(db, {}, { limit: 10, order: "oldest first" }), kept);
  });

  test("the companion of a transaction commits with it, or not at all", async () => {
    const { db } = await open();
    let committed = 0;
    const riding: Db = {
      ...db,
      companion: {
        write: (tx) => insertAuditEvents(tx, [event(1000)]),
        committed: () => {
          committed += 1;
        },
      },
    };
    const count = async () => (await listAuditEvents(db, {}, { limit: 10, order: "oldest first" })).length;
    await inTransaction(riding, async () => "done");
    assert.deepEqual([await count(), committed], [1, 1]);
    await inTransaction(riding, async () => false);
    assert.deepEqual([await count(), committed], [1, 1]);
    await assert.rejects(
      inTransaction(riding, async () => {
        throw new Error("no");
      }),
    );
    assert.deepEqual([await count(), committed], [1, 1]);
  });

  // The planner of PostgreSQL prefers a scan while a table is small, so that it has nothing to tell here.
  if (name !== "sqlite") return;
  test("every filter is a seek in an index, in its order", async () => {
    const { db } = await open();
    for (const filter of filters) {
      for (const bounds of [{}, { from: "0" }, { from: "0", to: "1" }]) {
        for (const order of ["oldest first", "newest first"] as const) {
          const [plan = []] = await plansOf(db, (spied) =>
            listAuditEvents(spied, { ...filter, ...bounds }, { limit: 100, order }),
          );
          const told = `${JSON.stringify({ ...filter, ...bounds })} ${order}: ${plan.join("; ")}`;
          assert.ok(!plan.some((step) => step.includes("TEMP B-TREE")), told);
          // Without a filter the index is walked from one end: it stops at the limit.
          const walked = Object.keys({ ...filter, ...bounds }).every((key) => key === "result");
          assert.match(plan.join("; "), walked ? /^SCAN .* USING INDEX / : /^SEARCH /, told);
        }
      }
    }
  });
});
