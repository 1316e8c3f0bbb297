/** How SQLite goes about the statements of a store function. */
import assert from "node:assert/strict";
import { CompiledQuery, type KyselyPlugin } from "kysely";
import type { Db } from "../../src/store/db.ts";
import { preparedText } from "../../src/store/prepared.ts";

/** A plan for each statement, step by step. */
export async function plansOf(db: Db, work: (spied: Db) => Promise<unknown>): Promise<string[][]> {
  const built = new Map<string, { readonly sql: string; readonly parameters: readonly unknown[] }>();
  const queries: { readonly sql: string; readonly parameters: readonly unknown[] }[] = [];
  const spy: KyselyPlugin = {
    transformQuery: ({ node, queryId }) => {
      built.set(queryId.queryId, db.kysely.getExecutor().compileQuery(node, queryId));
      return node;
    },
    transformResult: async ({ result, queryId }) => {
      const text = preparedText(queryId.queryId);
      // A prepared statement has no values of its own: all of them have one plan.
      queries.push(text === undefined ? built.get(queryId.queryId)! : { sql: text, parameters: [] });
      return result;
    },
  };
  await work({ ...db, kysely: db.kysely.withPlugin(spy) });
  assert.ok(queries.length > 0, "no statement was made");
  const plans: string[][] = [];
  for (const { sql, parameters } of queries) {
    const explained = await db.kysely.executeQuery<{ detail: string }>(
      CompiledQuery.raw(`explain query plan ${sql}`, [...parameters]),
    );
    plans.push(explained.rows.map((row) => row.detail));
  }
  return plans;
}
