/**
 * Every statement goes to one pool, and so does every transaction: on a database that is spread over several machines, a
 * request is answered by one of them. And every statement is compiled once and has a name, by which PostgreSQL keeps its
 * plan (src/store/prepared.ts). The exceptions from either are listed with their reasons.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { sweep, sweepEvents } from "../../src/store/sweep.ts";
import { ofAllPools, onePool } from "../kit/one-pool.ts";
import { forEachServer, type TestServer } from "../kit/server.ts";
import { commonRequests, everyOperation } from "./costs.ts";
import { type Sent, watchStatements } from "./sent.ts";

interface Recorded {
  readonly title: string;
  readonly sent: readonly Sent[];
}

/** What each operation and each of the most frequent requests sends. */
async function recordAll(server: TestServer): Promise<Recorded[]> {
  const recorded: Recorded[] = [];
  for (const requests of [everyOperation(server), commonRequests(server)])
    for await (const { title, make } of requests) {
      const { sent, stop } = watchStatements();
      await make().finally(stop);
      recorded.push({ title, sent });
    }
  return recorded;
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

/** Statements that are built on each call, and why. */
const builtOnCall: Readonly<Record<string, RegExp>> = {
  "audit events are written together, however many there are": /into "audit_events" .*values.*\),\s*\(/s,
  "every server looks for new data keys, whatever it is doing": /^select \* from "data_keys" /,
  "the sweep deletes as many rows as take a few milliseconds: PostgreSQL seeks only if it knows how many":
    /^delete from .* order by .* limit /s,
  "a removal does the same, slice by slice":
    /^delete from .* in \(select .* limit \$\d+\)|^select "\w+" as last from .* offset /s,
};

/** The texts of statements that were built on the call without being listed. */
const built = (sent: readonly Sent[]): string[] =>
  sent
    .filter(({ name }) => name === undefined)
    .map(({ text }) => text)
    .filter((text) => !Object.values(builtOnCall).some((listed) => listed.test(text)));

forEachServer("Statements of operations", (open, database) => {
  // Both databases run the same statements.
  if (database !== "postgres") return;

  let recording: Promise<Recorded[]> | undefined;
  const recorded = () => {
    recording ??= open().then(recordAll);
    return recording;
  };

  test("each of them, and each transaction, is about one pool", async () => {
    const texts = (await recorded()).flatMap(({ title, sent }) => check(sent, title));
    const { size } = new Set(texts);
    assert.ok(size > 150, `${size} statements`);
  });

  test("each is compiled once", async () => {
    const all = await recorded();
    const found = all.flatMap(({ title, sent }) => built(sent).map((text) => `${title}: ${text}`));
    assert.deepEqual(found, []);
    const named = new Set(all.flatMap(({ sent }) => sent.flatMap(({ name }) => name ?? [])));
    assert.ok(named.size > 150, `${named.size} names`);
  });

  test("one that is built on the call would be found", async () => {
    const { app } = await open();
    const { sent, stop } = watchStatements();
    await app.db.kysely.selectFrom("pools").select("name").where("pool_id", "=", "").execute().finally(stop);
    assert.deepEqual(built(sent), ['select "name" from "pools" where "pool_id" = $1']);
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
