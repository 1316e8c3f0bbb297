/**
 * `npm run test:guesses [-- guesses at once …]`: the long form of parallel-guesses.test.ts. Every factor and code, at one
 * server and two, over a network that takes no time and one that takes 2 ms, from nothing and after a lock.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { locked } from "../api/crowd.ts";
import { forEachDatabase } from "../kit/databases.ts";
import { type Target, targetsOf } from "./guessed.ts";
import {
  assertBound,
  flood,
  free,
  lineUpAt,
  mostAccepted,
  openStage,
  type Stage,
  type Standing,
} from "./parallel-guesses.ts";

const given = process.argv.slice(2).map(Number);
const crowds = given.length > 0 ? given : [5, 20, 50, 200];
const standings: readonly Standing[] = ["fresh", "after a lock"];

/** Over all factors with a lock: how often the right one was sent in such a crowd, and how often it was accepted. */
class Tally {
  readonly #floods = new Map<string, { floods: number; accepted: number; bound: number; crowd: number }>();

  add(crowd: number, standing: Standing, accepted: boolean): void {
    const key = `${crowd} at once, ${standing}`;
    const sum = this.#floods.get(key) ?? { floods: 0, accepted: 0, bound: free[standing], crowd };
    this.#floods.set(key, { ...sum, floods: sum.floods + 1, accepted: sum.accepted + Number(accepted) });
  }

  check(title: string): void {
    for (const [key, { floods, accepted, bound, crowd }] of this.#floods) {
      const most = mostAccepted(floods, bound, crowd);
      const chance = Math.min(1, bound / crowd);
      console.log(
        `${title}, ${key}: the right one was accepted ${accepted} of ${floods} times; by chance ` +
          `${(chance * floods).toFixed(1)}, at most ${most}`,
      );
      assert.ok(accepted <= most, key);
    }
  }
}

forEachDatabase((database, _open, fresh) => {
  const tally = new Tally();
  after(() => tally.check(database));
  for (const servers of database === "sqlite" ? ([1] as const) : ([1, 2] as const)) {
    describe(`${servers} on the database`, () => {
      let stage: Stage;
      let targets: { locked: Target[]; hourly: Target[] };
      before(async () => {
        stage = await openStage(database, fresh, { servers });
        targets = await targetsOf(stage.place);
      });
      after(() => stage.close());

      for (const latencyMs of database === "sqlite" ? [0] : [0, 2]) {
        for (const crowd of crowds) {
          test(`${crowd} at once, the database ${latencyMs} ms away`, async () => {
            if (stage.proxy) stage.proxy.latencyMs = latencyMs;
            for (const target of targets.locked) {
              for (const standing of standings) {
                const flooded = await flood(stage, target, standing, crowd);
                assertBound(flooded, target, standing);
                tally.add(crowd, standing, flooded.accepted);
              }
            }
            for (const target of targets.hourly)
              assertBound(await flood(stage, target, "fresh", crowd), target, "fresh");
          });
        }
      }

      if (database === "sqlite") return;
      for (const standing of standings) {
        test(`${standing}: the right guess that comes last is refused, the one that comes first accepted`, async () => {
          for (const target of targets.locked) {
            const last = await lineUpAt(stage, target, standing, "as they came");
            assert.equal(last.told, free[standing], target.name);
            assert.equal(last.right.message, locked, `${target.name}: ${last.right.status}`);
            const first = await lineUpAt(stage, target, standing, "the right one first");
            assert.equal(first.right.status, 200, `${target.name}: ${first.right.message}`);
          }
        });
      }
    });
  }
});
