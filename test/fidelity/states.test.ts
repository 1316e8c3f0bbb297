/** Administrators' operations × the states of users: each cell of tools/user-states.ts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { notYet } from "../../src/http/aws-json/operation.ts";
import { userPoolHandlers } from "../../src/http/aws-json/operations.ts";
import { refusals, type UserState, userStates, userStateTable } from "../../tools/user-states.ts";
import { forEachServer } from "../kit/server.ts";
import { Place } from "./measured.ts";
import { makeSubject, needsToken, outcome, type StatesPool, type Subject, statesPool } from "./states.ts";

const spelled: Readonly<Record<string, string>> = refusals;

test("the table has every operation of administrators that works", () => {
  const working = Object.entries(userPoolHandlers).filter(([, handler]) => handler !== notYet);
  const ofUsers = working.map(([name]) => name).filter((name) => name.startsWith("Admin"));
  assert.deepEqual(Object.keys(userStateTable), ofUsers.toSorted());
});

forEachServer("administrators' operations and the states of users", (open) => {
  let made: Promise<StatesPool> | undefined;
  const shared = async () => {
    made ??= statesPool(new Place(await open()));
    return made;
  };
  /** Operations that leave the user as they were share one per state. */
  const common = new Map<UserState, Promise<Subject>>();
  const subjectOf = (pool: StatesPool, state: UserState, operation: string) => {
    const isSafe = Object.values(userStateTable[operation]!).every((one) => one === "works");
    const changes = !isSafe || operation === "AdminForgetDevice";
    if (changes || needsToken(operation)) return makeSubject(pool, state, operation);
    const subject = common.get(state) ?? makeSubject(pool, state, operation);
    common.set(state, subject);
    return subject;
  };

  for (const [operation, row] of Object.entries(userStateTable))
    test(operation, async () => {
      const pool = await shared();
      const states = Object.keys(userStates) as UserState[];
      const seen = states.map(async (state) => {
        const subject = await subjectOf(pool, state, operation);
        return [state, await outcome(subject, operation)];
      });
      const expected = states.map((state) => [state, spelled[row[state]] ?? row[state]]);
      assert.deepEqual(await Promise.all(seen), expected);
    });
});
