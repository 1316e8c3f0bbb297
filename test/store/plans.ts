/** How SQLite goes about the statements of a store function. */
import assert from "node:assert/strict";
import { CompiledQuery, type KyselyPlugin, type RootOperationNode } from "kysely";
import type { Db } from "../../src/store/db.ts";
import { preparedText } from "../../src/store/prepared.ts";

/** A plan for each statement, step by step. */
export async function plansOf(db: Db, work: (spied: Db) => Promise<unknown>): Promise<string[][]> {
  const statements: CompiledQuery[] = [];
  const compile = (node: RootOperationNode) =>
    db.kysely.getExecutor().compileQuery(node, { queryId: "plan" });
  let building: RootOperationNode | undefined;
  const spy: KyselyPlugin = {
    transformQuery: ({ node }) => {
      building = node;
      return node;
    },
    transformResult: async ({ result, queryId }) => {
      // Its plan depends on no value.
      const text = preparedText(queryId.queryId);
      if (text !== undefined) statements.push(CompiledQuery.raw(text));
      else statements.push(compile(building ?? assert.fail("a result of no query")));
      return result;
    },
  };
  await work({ ...db, kysely: db.kysely.withPlugin(spy) });
  assert.ok(statements.length > 0, "no statement was made");
  const plans: string[][] = [];
  for (const { sql, parameters } of statements) {
    const explained = await db.kysely.executeQuery<{ detail: string }>(
      CompiledQuery.raw(`explain query plan ${sql}`, [...parameters]),
    );
    plans.push(explained.rows.map((row) => row.detail));
  }
  return plans;
}
