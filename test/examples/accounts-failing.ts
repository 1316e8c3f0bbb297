/** Failures of examples/accounts: the network's at any call, its own end at any call, and what a repeated request finds. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { newAddress, password } from "../kit/people.ts";
import { type Harm, isWhole, post, type Running, start, usersOf } from "./accounts.ts";

/** A call, and what becomes of it. */
export interface Point {
  readonly operation: string;
  readonly harm: Harm;
}

/** The calls that create an account. */
export const steps = ["AdminCreateUser", "AdminInitiateAuth", "AdminRespondToAuthChallenge"] as const;

/** The calls that a repeated request makes, or some of them. */
export const laterSteps = ["AdminGetUser", "AdminSetUserPassword", ...steps] as const;

export const harms = ["refuse", "cut", "lose"] as const satisfies Harm[];
export const kills = ["kill before", "kill after"] as const satisfies Harm[];

export const pointsOf = (operations: readonly string[], all: readonly Harm[]): Point[] =>
  operations.flatMap((operation) => all.map((harm) => ({ operation, harm })));

export const another = "Another-Horse-8";

/** Fails at one point after the other, a request each. There is one account in the end, with the right password. */
export async function withstand(running: Running, points: readonly Point[]): Promise<void> {
  const { app } = running;
  const email = newAddress();
  for (const point of points) if (!(await failAt(running, email, point))) break;
  const users = await usersOf(app, email);
  const isSet = users.some(({ UserStatus }) => UserStatus === "CONFIRMED");
  // Until a password is set nobody has an account, and the next one to ask chooses another.
  const [right, wrong] = isSet ? [password, another] : [another, password];
  if (isSet) assert.equal((await post(app, email, { password: wrong })).status, 409);
  const finished = await post(app, email, { password: right });
  assert.equal(finished.status, 201, JSON.stringify(finished.body));
  assert.equal(await isWhole(app, email, right), finished.body["id"]);
  assert.equal((await post(app, email, { password: wrong })).status, 409);
  assert.deepEqual((await post(app, email, { password: right })).body, finished.body);
}

/** Whether the request met it: a repeated one need not make every call. */
async function failAt(running: Running, email: string, { operation, harm }: Point): Promise<boolean> {
  const { app, child } = running;
  let isMet = false;
  app.relay.plan = (called) => {
    if (isMet || called !== operation) return undefined;
    isMet = true;
    return harm;
  };
  app.relay.kill = () => child.kill("SIGKILL");
  const exited = harm.startsWith("kill") ? once(child, "exit") : undefined;
  // Whoever is killed does not answer.
  const answer = await post(app, email).catch(() => undefined);
  app.relay.plan = () => undefined;
  if (!isMet) assert.equal(answer?.status, 201);
  else if (exited !== undefined) {
    assert.equal(answer, undefined);
    await exited;
    running.child = await start(app);
  } else {
    assert.equal(answer?.status, 503);
    assert.deepEqual(answer.body, { message: "Something went wrong. Please try again." });
  }
  return isMet;
}
