/** examples/accounts when a step fails, or the server is killed between two: what was begun is undone or finished. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { AdminCreateUserCommand } from "@aws-sdk/client-cognito-identity-provider";
import { newAddress, verifiedMail } from "../kit/people.ts";
import { forOneServer } from "../kit/server.ts";
import {
  at,
  isNowhere,
  isWhole,
  me,
  post,
  type Running,
  recordsOf,
  signIn,
  start,
  startOnce,
  usersOf,
} from "./accounts.ts";
import { harms, laterSteps, pointsOf, steps, withstand } from "./accounts-failing.ts";

/** Ends the server, and starts it with other settings. */
async function restart(running: Running, settings?: Parameters<typeof start>[1]): Promise<void> {
  const exited = once(running.child, "exit");
  running.child.kill();
  await exited;
  running.child = await start(running.app, settings);
}

forOneServer("postgres", "examples/accounts with failures", (open) => {
  const example = startOnce(open);

  test("a new account makes the calls of which each fails here", async () => {
    const { app } = await example();
    const before = app.relay.calls.length;
    const email = newAddress();
    await post(app, email);
    assert.deepEqual(app.relay.calls.slice(before), steps);
    await isWhole(app, email);
  });

  for (const point of pointsOf(steps, harms))
    test(`${point.harm}: ${point.operation}`, async () => {
      const running = await example();
      await withstand(running, [point]);
      if (point.harm !== "lose") return;
      for (const next of pointsOf(laterSteps, ["lose"])) await withstand(running, [point, next]);
    });

  // All of them: npm run test:accounts.
  for (const point of [
    { operation: "AdminInitiateAuth", harm: "kill before" },
    { operation: "AdminRespondToAuthChallenge", harm: "kill after" },
  ] as const)
    test(`${point.harm}: ${point.operation}`, async () => {
      await withstand(await example(), [point]);
    });

  test("an account whose password was set is ready when its owner signs in, without asking again", async () => {
    const { app } = await example();
    const email = newAddress();
    app.relay.plan = (operation) => (operation === "AdminRespondToAuthChallenge" ? "lose" : undefined);
    assert.equal((await post(app, email)).status, 503);
    app.relay.plan = () => undefined;
    assert.equal(recordsOf(app, email)[0]?.["state"], "pending");
    const { AccessToken } = await signIn(app, email);
    assert.equal((await me(app, AccessToken)).status, 200);
    await isWhole(app, email);
  });

  test("until the password is permanent whoever asks last chooses the name; then it stays", async () => {
    const { app } = await example();
    for (const [operation, name] of [
      ["AdminCreateUser", "Bob"],
      ["AdminRespondToAuthChallenge", "Ann"],
    ]) {
      const email = newAddress();
      app.relay.plan = (called) => (called === operation ? "lose" : undefined);
      assert.equal((await post(app, email, { name: "Ann" })).status, 503);
      app.relay.plan = () => undefined;
      const { status, body } = await post(app, email, { name: "Bob" });
      assert.deepEqual([status, body["name"]], [201, name], operation);
    }
  });

  test("a refusal for good leaves nothing, however often it takes to hear it", async () => {
    const { app } = await example();
    const email = newAddress();
    const bad = { password: "Short-1" };
    for (const harm of harms) {
      app.relay.plan = (operation) => (operation === "AdminCreateUser" ? harm : undefined);
      assert.equal((await post(app, email, bad)).status, 503);
      assert.equal(recordsOf(app, email).length, 1);
    }
    app.relay.plan = () => undefined;
    assert.equal((await post(app, email, bad)).status, 400);
    await isNowhere(app, email);

    const attributes = verifiedMail();
    const taken = attributes[0]!.Value;
    await app.server.client.send(
      new AdminCreateUserCommand({
        UserPoolId: app.UserPoolId,
        Username: "of-somebody-else",
        MessageAction: "SUPPRESS",
        UserAttributes: attributes,
      }),
    );
    app.relay.plan = (operation) => (operation === "AdminGetUser" ? "cut" : undefined);
    assert.equal((await post(app, taken)).status, 503);
    app.relay.plan = () => undefined;
    assert.equal((await post(app, taken)).status, 409);
    assert.deepEqual(recordsOf(app, taken), []);
    assert.equal((await usersOf(app, taken)).length, 1);
  });

  test("a password that the pool refuses when an account is being finished changes nothing", async () => {
    const { app } = await example();
    const email = newAddress();
    app.relay.plan = (operation) => (operation === "AdminInitiateAuth" ? "cut" : undefined);
    assert.equal((await post(app, email)).status, 503);
    app.relay.plan = () => undefined;
    const { status, body } = await post(app, email, { password: "Short-1" });
    assert.equal(status, 400);
    assert.match(body["message"]!, /not long enough/);
    assert.equal((await post(app, email)).status, 201);
    await isWhole(app, email);
  });

  test("while the pool is away there is no record to see, and then there is", async () => {
    const running = await example();
    const { app } = running;
    const email = newAddress();
    await post(app, email);
    const { AccessToken } = await signIn(app, email);
    // One that hangs is given up by itself.
    await restart(running, { patience: 500 });
    for (const harm of ["refuse", "hang"] as const) {
      app.relay.plan = () => harm;
      const answers = await Promise.all([me(app, AccessToken), post(app, newAddress())]);
      assert.deepEqual(
        answers.map(({ status }) => status),
        [503, 503],
      );
    }
    app.relay.plan = () => undefined;
    await restart(running);
    assert.equal((await me(app, AccessToken)).status, 200);
  });

  test("whoever waits behind a creation that the pool did not answer does not wait for it in turn", async () => {
    const running = await example();
    const { app } = running;
    await restart(running, { patience: 2_000 });
    const email = newAddress();
    const before = app.relay.calls.length;
    app.relay.plan = () => "hang";
    const answers = await Promise.all(Array.from({ length: 8 }, () => post(app, email)));
    app.relay.plan = () => undefined;
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([503]));
    assert.equal(app.relay.calls.length - before, 1, "the one in front");
    await restart(running);
    assert.equal((await post(app, email)).status, 201);
    await isWhole(app, email);
  });

  test("a second server on the same records does not start", async () => {
    const { app } = await example();
    await assert.rejects(start(app), /database is locked/);
    assert.equal((await fetch(at(app, "/pool.json"))).status, 200);
  });

  test("by itself it repeats each call whose answer was lost, and its caller hears of nothing", async () => {
    const running = await example();
    const { app } = running;
    await restart(running, { attempts: 3 });
    const email = newAddress();
    const lost = new Set<string>();
    app.relay.plan = (operation) => {
      if (lost.has(operation) || operation === "AdminRespondToAuthChallenge") return undefined;
      lost.add(operation);
      return "lose";
    };
    assert.equal((await post(app, email)).status, 201);
    app.relay.plan = () => undefined;
    assert.deepEqual([...lost], ["AdminCreateUser", "AdminGetUser", "AdminInitiateAuth"]);
    await isWhole(app, email);
  });
});
