/** How SQLite goes about the statements of a store function. */
import assert from "node:assert/strict";
import { CompiledQuery, type KyselyPlugin, type RootOperationNode } from "kysely";
import type { Db } from "../../src/store/db.ts";

/** A plan for each statement, step by step. */
export async function plansOf(db: Db, work: (spied: Db) => Promise<unknown>): Promise<string[][]> {
  const nodes: RootOperationNode[] = [];
  const spy: KyselyPlugin = {
    transformQuery: ({ node }) => {
      nodes.push(node);
      return node;
    },
    transformResult: async ({ result }) => result,
  };
  await work({ ...db, kysely: db.kysely.withPlugin(spy) });
  assert.ok(nodes.length > 0, "no statement was made");
  const plans: string[][] = [];
  for (const node of nodes) {
    const compiled = db.kysely.getExecutor().compileQuery(node, { queryId: "plan" });
    const explained = await db.kysely.executeQuery<{ detail: string }>(
      CompiledQuery.raw(`explain query plan ${compiled.sql}`, [...compiled.parameters]),
    );
    plans.push(explained.rows.map((row) => row.detail));
  }
  return plans;
}
