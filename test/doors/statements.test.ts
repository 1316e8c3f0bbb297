/**
 * Every statement goes to one pool, and so does every transaction: on a database that is spread over several machines, a
 * request is answered by one of them. What looks at all pools is named here.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import pg from "pg";
import { sweep, sweepEvents } from "../../src/store/sweep.ts";
import { ofAllPools, onePool } from "../kit/one-pool.ts";
import { forEachServer } from "../kit/server.ts";
import { commonRequests, everyOperation } from "./costs.ts";

interface Sent {
  readonly text: string;
  readonly values: readonly unknown[];
  /** The connection that sent it, while it was in a transaction. */
  readonly transaction: object | undefined;
}

/** Notes what pg sends from now on. */
function watchStatements(): { readonly sent: Sent[]; stop(): void } {
  const sent: Sent[] = [];
  const transactions = new Map<object, object>();
  const { query } = pg.Client.prototype;
  pg.Client.prototype.query = function (this: pg.Client, ...given: unknown[]) {
    const [config] = given;
    const { text = config, values = [] } = (typeof config === "object" ? config : {}) as Partial<Sent>;
    if (/^start transaction/.test(String(text))) transactions.set(this, {});
    else if (/^(?:commit|rollback)$/.test(String(text))) transactions.delete(this);
    else sent.push({ text: String(text), values, transaction: transactions.get(this) });
    return Reflect.apply(query, this, given);
  } as typeof query;
  return {
    sent,
    stop: () => {
      pg.Client.prototype.query = query;
    },
  };
}

/** The pools that a statement is about, by its values. */
function poolsOf({ text, values }: Sent): string[] {
  const { untied, values: names } = onePool(text);
  assert.deepEqual(untied, [], text);
  return [
    ...new Set(
      names.map((name) => (name.startsWith("$") ? String(values[Number(name.slice(1)) - 1]) : name)),
    ),
  ];
}

/** Checks statements, one by one and by transaction. Returns their distinct texts. */
function check(sent: readonly Sent[], title: string): string[] {
  const inTransaction = new Map<object, Set<string>>();
  const texts = new Set<string>();
  for (const statement of sent) {
    if (Object.values(ofAllPools).some((text) => text.test(statement.text))) continue;
    texts.add(statement.text);
    const pools = poolsOf(statement);
    assert.ok(pools.length <= 1, `${title}: ${statement.text}: ${pools}`);
    const { transaction } = statement;
    if (transaction === undefined) continue;
    const former = inTransaction.get(transaction) ?? new Set();
    for (const pool of pools) former.add(pool);
    inTransaction.set(transaction, former);
    assert.ok(former.size <= 1, `${title}: a transaction of ${[...former]}: ${statement.text}`);
  }
  return [...texts];
}

forEachServer("One pool", (open, database) => {
  // Both databases run the same statements.
  if (database !== "postgres") return;

  test("every operation's statements and transactions are about one pool", async () => {
    const server = await open();
    const texts = new Set<string>();
    for (const requests of [everyOperation(server), commonRequests(server)])
      for await (const { title, make } of requests) {
        const watched = watchStatements();
        await make().finally(watched.stop);
        for (const text of check(watched.sent, title)) texts.add(text);
      }
    assert.ok(texts.size > 150, `${texts.size} statements`);
  });

  test("the sweep goes from pool to pool", async () => {
    const { app, clock } = await open();
    const watched = watchStatements();
    const later = clock.now + 10 * 366 * 86_400_000;
    await sweep(app.db, later)
      .then(() => sweepEvents(app.db, later, { audit: 1, auth: 1 }))
      .finally(watched.stop);
    const texts = check(watched.sent, "sweep");
    assert.ok(
      texts.some((text) => text.includes(`delete from "sign_ins"`)),
      "something was swept",
    );
  });
});
