/** That every documented filter of ListUsers is a seek: SQLite tells how it would run each query. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { listUsers, type UserSearch } from "../../src/store/list-users.ts";
import { searchableAttributes } from "../../src/store/users.ts";
import { forEachDatabase } from "../kit/databases.ts";
import { plansOf } from "./plans.ts";

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

/** Whether users can have the same text, so that those who share one are sorted by number. */
const sharesTexts = ({ by }: UserSearch) => !["all", "enabled", "sub", "username"].includes(by);

const position = /USING INDEX .* AND \((\w+),number\)>\(\?,\?\) AND \1<\?\)$/;

forEachDatabase((name, open) => {
  // The planner of PostgreSQL prefers a scan while a table is small, so that it has nothing to tell here.
  if (name !== "sqlite") return;
  test("every search is a seek in an index, in its order", async () => {
    const { db } = await open();
    for (const search of searches) {
      for (const after of [undefined, { key: "a", number: 1 }]) {
        const plans = await plansOf(db, (spied) => listUsers(spied, "p_1", search, { after, limit: 60 }));
        const plan = plans.flat();
        const told = `${JSON.stringify(search)}: ${plan.join("; ")}`;
        assert.ok(!plan.some((step) => step.startsWith("SCAN") || step.includes("TEMP B-TREE")), told);
        assert.ok(
          plan.every((step) => step.startsWith("SEARCH")),
          told,
        );
        // Nobody else in the pool is looked at.
        assert.ok(!plan.some((step) => step.includes("PRIMARY KEY (pool_id=? AND number>?)")), told);
        // A page begins where the one before ended, also among many who share what is searched.
        if (after !== undefined && sharesTexts(search)) assert.match(plan[0] ?? "", position, told);
      }
    }
  });
});
