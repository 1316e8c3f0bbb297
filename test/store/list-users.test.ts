/** That every documented filter of ListUsers is a seek: SQLite tells how it would run each query. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CompiledQuery, type KyselyPlugin, type RootOperationNode } from "kysely";
import type { Db } from "../../src/store/db.ts";
import { listUsers, type UserSearch } from "../../src/store/list-users.ts";
import { searchableAttributes } from "../../src/store/users.ts";
import { forEachDatabase } from "./databases.ts";

const searches: readonly UserSearch[] = [
  { by: "all" },
  { by: "enabled", enabled: true },
  { by: "enabled", enabled: false },
  { by: "status", statuses: ["CONFIRMED"] },
  { by: "status", statuses: ["RESET_REQUIRED", "UNCONFIRMED"] },
  ...(["sub", "username", ...searchableAttributes] as const).flatMap((by) => [
    { by, text: "a", match: "exact" } as const,
    { by, text: "a", match: "prefix" } as const,
  ]),
];

forEachDatabase((name, open) => {
  // The planner of PostgreSQL prefers a scan while a table is small, so that it has nothing to tell here.
  if (name !== "sqlite") return;
  test("every search is a seek in an index, in its order", async () => {
    const { db } = await open();
    for (const search of searches) {
      for (const after of [undefined, { key: "a", number: 1 }]) {
        const plan = await planOf(db, (spied) => listUsers(spied, "p_1", search, { after, limit: 60 }));
        const told = `${JSON.stringify(search)}: ${plan.join("; ")}`;
        assert.ok(!plan.some((step) => step.startsWith("SCAN") || step.includes("TEMP B-TREE")), told);
        assert.ok(
          plan.every((step) => step.startsWith("SEARCH")),
          told,
        );
        // A page begins where the one before ended, also among many who share what is searched.
        const position = /pool_number=\? AND \w+=\? AND rowid>\?\)$/;
        if (after !== undefined && told.includes("pool_number")) {
          assert.ok(
            plan.some((step) => position.test(step)),
            told,
          );
        }
      }
    }
  });
});

async function planOf(db: Db, query: (spied: Db) => Promise<unknown>): Promise<string[]> {
  const nodes: RootOperationNode[] = [];
  const spy: KyselyPlugin = {
    transformQuery: ({ node }) => {
      nodes.push(node);
      return node;
    },
    transformResult: async ({ result }) => result,
  };
  await query({ ...db, kysely: db.kysely.withPlugin(spy) });
  assert.ok(nodes.length > 0, "no query was made");
  const plans = nodes.map(async (node) => {
    const compiled = db.kysely.getExecutor().compileQuery(node, { queryId: "plan" });
    const explained = await db.kysely.executeQuery<{ detail: string }>(
      CompiledQuery.raw(`explain query plan ${compiled.sql}`, [...compiled.parameters]),
    );
    return explained.rows.map((row) => row.detail);
  });
  // The number of the pool is a seek of its own.
  return (await Promise.all(plans)).flat().filter((step) => !step.startsWith("SCALAR SUBQUERY"));
}
