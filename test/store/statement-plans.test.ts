/**
 * That every prepared statement is a seek by an index for whatever values: PostgreSQL plans it once for all of them,
 * from the sixth execution on at the latest.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import pg from "pg";
import { growth } from "../../src/store/growth.ts";
import { openDatabase } from "../../src/store/open.ts";
import { onOneMachine } from "../kit/citus.ts";
import { forEachDatabase } from "../kit/databases.ts";
import { everyStatement } from "./every-statement.ts";
import { fillTables } from "./filled.ts";

interface Plan {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly "Index Cond"?: string;
  readonly Plans?: readonly Plan[];
}

/** Tables of a few rows, which PostgreSQL reads as a whole whatever indexes they have. */
const small = Object.entries(growth).flatMap(([table, { removed }]) =>
  removed.by === "nothing" ? [table] : [],
);

/** Statements that read a whole table, each with the calls that run it: rare ones of administrators. */
const whole: readonly { readonly text: RegExp; readonly by: string }[] = [
  { text: /^select "pool_id", "active_from" from "signing_keys" /, by: "poolhouse doctor" },
  { text: /^select count\(\*\) as "count" from \(select "message_id" from "outbox" /, by: "the metrics" },
  { text: /^select .* from "outbox" where "status" in .* "created_at" desc/, by: "the development inbox" },
];

/** What reads a table or an index from its beginning to its end. */
function scans(plan: Plan): string[] {
  const type = plan["Node Type"];
  const table = plan["Relation Name"] ?? "";
  const reads =
    (type === "Seq Scan" && !small.includes(table)) ||
    (/Index/.test(type) && plan["Index Cond"] === undefined);
  return [...(reads ? [`${type} ${table}`] : []), ...(plan.Plans ?? []).flatMap(scans)];
}

interface Step {
  readonly id: number;
  readonly parent: number;
  readonly detail: string;
}

/** What SQLite scans once for each row of a whole pool or table, rather than of one that it seeks by its key. */
function scannedAgain(steps: readonly Step[]): string[] {
  const outermost = new Map<number, string>();
  return steps.flatMap(({ parent, detail }) => {
    if (!/^(?:SCAN|SEARCH) /.test(detail)) return [];
    const outer = outermost.get(parent);
    if (outer === undefined) outermost.set(parent, detail);
    const isOfMany = outer !== undefined && !/\(pool_id=\? AND /.test(outer);
    return isOfMany && detail.startsWith("SCAN ") ? [detail] : [];
  });
}

/** Statements that read all that a pool, or a table, has; each with why it may. */
const ofWholePools: Readonly<Record<string, readonly RegExp[]>> = {
  "tables of administrators, of which there are a few rows, or a few in each pool": [
    /from "access_keys"/,
    /from "trusted_providers"/,
    /from "domains" where "pool_id" = \? order by/,
    /from "signing_keys" where "pool_id" = \?/,
    /^update "signing_keys"/,
    /^insert into "retired_names" .* from "(?:client|domain)_pools"/,
  ],
  "what is left of a deleted pool when another one gets its id": [/^delete from "\w+" where "pool_id" = \?$/],
  "sign-ins at a deleted provider that have begun, within minutes": [
    /^delete from "federated_sign_ins" where "pool_id" = \? and "provider_name" = \?$/,
  ],
  "poolhouse doctor": [/^select "pool_id", "active_from" from "signing_keys"/],
};

/** What a plan reads of a table by nothing but the pool, or altogether; a page that is in the index's order is none. */
function wholePools(text: string, steps: readonly Step[]): string[] {
  const isPage =
    / limit (?:\?|1)(?:\)|$)/.test(text) && !steps.some(({ detail }) => /TEMP B-TREE/.test(detail));
  // SQLite seeks the highest one.
  const isLast =
    /\(select coalesce\(max\(number\), 0\) \+ 1 from users where pool_id = \?\)|^select max\("\w+"\) as "\w+" from "\w+" where "pool_id" = \?$/.test(
      text,
    );
  if (isPage || isLast) return [];
  return steps.flatMap(({ detail }) => {
    const [, how, table = ""] = /^(SCAN|SEARCH) (\w+)/.exec(detail) ?? [];
    if (!(table in growth) || table === "pools" || table === "identity_pools") return [];
    return how === "SCAN" || / \(pool_id=\?\)(?: LEFT-JOIN)?$/.test(detail) ? [detail] : [];
  });
}

forEachDatabase((name, open, fresh) => {
  if (name === "sqlite") {
    test("no prepared statement reads all that a pool has, but for those that may", async () => {
      const { db } = await open();
      const found: string[] = [];
      const may = Object.values(ofWholePools).flat();
      const used = new Set<RegExp>();
      for (const { text } of await everyStatement(db)) {
        const { rows } = await sql.raw<Step>(`explain query plan ${text}`).execute(db.kysely);
        const read = wholePools(text, rows);
        const allowed = may.find((pattern) => pattern.test(text));
        if (read.length > 0 && allowed !== undefined) used.add(allowed);
        else if (read.length > 0) found.push(`${read.join(", ")}: ${text}`);
      }
      assert.deepEqual(found, []);
      assert.deepEqual(
        may.filter((pattern) => !used.has(pattern)),
        [],
        "every exception is one",
      );
    });

    test("no prepared statement scans anything for each row of a loop", async () => {
      const { db } = await open();
      const plan = async (text: string) =>
        scannedAgain((await sql.raw<Step>(`explain query plan ${text}`).execute(db.kysely)).rows);
      const found: string[] = [];
      for (const { text } of await everyStatement(db))
        for (const scan of await plan(text)) found.push(`${scan}: ${text}`);
      assert.deepEqual(found, []);
      const product = "select 1 from users, json_each('[]') where pool_id = '' and attributes = value";
      assert.deepEqual(await plan(product), ["SCAN json_each VIRTUAL TABLE INDEX 1:"]);
    });
    return;
  }

  test(
    "every prepared statement seeks",
    onOneMachine("a cluster shows no plans of its machines"),
    async () => {
      const options = await fresh();
      const { db, close } = await openDatabase(options);
      const statements = await everyStatement(db);
      await close();
      assert.ok(statements.length > 100, "there are statements to look at");
      const client = new pg.Client({ connectionString: options.url });
      await client.connect();
      const found: string[] = [];
      try {
        await fillTables(client, small);
        await client.query("set plan_cache_mode = force_generic_plan");
        for (const { name: statement, text } of new Map(statements.map((one) => [one.name, one])).values()) {
          await client.query(`prepare ${statement} as ${text}`);
          const values = [...new Set(text.match(/\$\d+/g))].map(() => "null").join(", ");
          const execute = `execute ${statement}${values === "" ? "" : `(${values})`}`;
          const { rows } = await client.query(`explain (format json) ${execute}`);
          const plans = scans(rows[0]["QUERY PLAN"][0].Plan);
          if (plans.length > 0 && !whole.some((one) => one.text.test(text)))
            found.push(`${plans.join(", ")}: ${text}`);
        }
      } finally {
        await client.end();
      }
      assert.deepEqual(found, []);
    },
  );
});
