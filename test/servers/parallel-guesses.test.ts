/**
 * A right guess takes its place among parallel wrong ones (docs/decisions/0013-parallel-guesses.md). In PostgreSQL whoever
 * only reads cannot see what others are about to commit. `npm run test:guesses` sends whole crowds, by every factor.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { locked } from "../api/crowd.ts";
import { forEachDatabase } from "../store/databases.ts";
import { type Target, targetsOf } from "./guessed.ts";
import {
  assertBound,
  flood,
  free,
  lineUp,
  openStage,
  type Stage,
  type Standing,
} from "./parallel-guesses.ts";

const standings: readonly Standing[] = ["fresh", "after a lock"];

forEachDatabase((database, _open, fresh) => {
  let stage: Stage;
  let targets: { locked: Target[]; hourly: Target[] };
  before(async () => {
    stage = await openStage(database, fresh, { servers: database === "postgres" ? 2 : 1 });
    targets = await targetsOf(stage.place);
  });
  after(() => stage.close());

  // A file has no network that could hold anything: there statements run in the order in which they were asked for.
  describe("with all others at the counter", { skip: database === "sqlite" }, () => {
    for (const standing of standings) {
      test(`${standing}: the right guess that comes last is refused`, async () => {
        for (const target of targets.locked) {
          const { told, right } = await lineUp(stage, target, standing, "as they came");
          assert.equal(told, free[standing], target.name);
          assert.equal(right.message, locked, `${target.name}: ${right.status}`);
        }
      });

      test(`${standing}: the right guess that comes first is accepted`, async () => {
        for (const target of targets.locked) {
          const { right } = await lineUp(stage, target, standing, "the right one first");
          assert.equal(right.status, 200, `${target.name}: ${right.message}`);
        }
      });
    }
  });

  test("of twenty at once as many are looked at as may be", async () => {
    for (const target of [...targets.locked, ...targets.hourly])
      assertBound(await flood(stage, target, "fresh", 20), target, "fresh");
  });
});
