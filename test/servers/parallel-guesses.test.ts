/**
 * A right guess takes its place among parallel wrong ones (docs/decisions/0013-parallel-guesses.md). In PostgreSQL whoever
 * only reads cannot see what others are about to commit. `npm run test:guesses` sends whole crowds, by every factor.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { StartWebAuthnRegistrationCommand } from "@aws-sdk/client-cognito-identity-provider";
import { locked } from "../api/crowd.ts";
import { everySecond, openPool, origin } from "../doors/waits.ts";
import { Authenticator } from "../kit/authenticator.ts";
import { forEachDatabase } from "../kit/databases.ts";
import { turnMfa } from "../kit/factors.ts";
import { makePool, makeUser, newAddress, password, signIn } from "../kit/people.ts";
import { call, type RawAnswer } from "../kit/support.ts";
import { until } from "../kit/waiting.ts";
import { ask, elsewhere, initiate, type Target, targetsOf } from "./guessed.ts";
import {
  assertBound,
  countsForAddress,
  flood,
  free,
  lineUp,
  lineUpAt,
  openStage,
  type Stage,
  type Standing,
} from "./parallel-guesses.ts";

const standings: readonly Standing[] = ["fresh", "after a lock"];
/** One of each way through the code; the others are in the long test. */
const shown = [
  "password",
  "software token",
  "software token that is set up",
  "code by e-mail",
  "ChangePassword",
];
const most = 3;
const limits = `passwords-per-address=${most},codes-per-address=${most}`;

forEachDatabase((database, _open, fresh) => {
  let stage: Stage;
  let targets: { locked: Target[]; hourly: Target[] };
  before(async () => {
    stage = await openStage(database, fresh, { servers: database === "postgres" ? 2 : 1, limits });
    targets = await targetsOf(stage.place, shown);
  });
  after(() => stage.close());

  test("of twelve at once as many are looked at as may be", async () => {
    for (const target of [...targets.locked, ...targets.hourly])
      assertBound(await flood(stage, target, "fresh", 12), target, "fresh");
  });

  // A file has no network that could hold anything: there statements run in the order in which they were asked for.
  if (database === "sqlite") return;

  for (const standing of standings) {
    describe(standing, () => {
      test("the right guess that comes last is refused", async () => {
        for (const target of targets.locked) {
          const { told, right } = await lineUpAt(stage, target, standing, "as they came");
          assert.equal(told, free[standing], target.name);
          assert.equal(right.message, locked, `${target.name}: ${right.status}`);
        }
      });

      test("the right guess that comes first is accepted", async () => {
        for (const target of targets.locked) {
          const { right } = await lineUpAt(stage, target, standing, "the right one first");
          assert.equal(right.status, 200, `${target.name}: ${right.message}`);
        }
      });
    });
  }

  describe("wrong guesses at many names use up the allowance of their address", () => {
    /** Everybody asks from one address, each at another name. */
    const from = elsewhere();
    const isLast = (
      guesses: readonly ((right: boolean) => Promise<RawAnswer>)[],
      what: keyof typeof countsForAddress,
    ) =>
      lineUp(
        stage,
        {
          wrongs: guesses.slice(0, most).map((guess) => () => guess(false)),
          right: () => guesses[most]!(true),
          takesPlace: countsForAddress[what],
        },
        "as they came",
      );

    test("the right password that comes last is refused", async () => {
      const { place } = stage;
      const guesses = [];
      for (let at = 0; at <= most; at++) {
        const USERNAME = `sprayed-${at}`;
        await makeUser(place.server, place.UserPoolId, USERNAME);
        guesses.push((right: boolean) => {
          const parameters = { USERNAME, PASSWORD: right ? password : "Wrong-Guess-1" };
          return initiate(place, "USER_PASSWORD_AUTH", parameters, at, from);
        });
      }
      const { wrong, right } = await isLast(guesses, "password");
      assert.deepEqual(
        new Set(wrong.map(({ message }) => message)),
        new Set(["Incorrect username or password."]),
      );
      assert.equal(right.type, "TooManyRequestsException", `${right.status} ${right.message}`);
    });

    test("the right code that comes last is refused, and stays good", async () => {
      const { place } = stage;
      const guesses: ((right: boolean, from?: string) => Promise<RawAnswer>)[] = [];
      for (let at = 0; at <= most; at++) {
        const [Username, email] = [`new-${at}`, newAddress()];
        const UserAttributes = [{ Name: "email", Value: email }];
        await ask(place, "SignUp", { Username, Password: password, UserAttributes });
        const code = await place.server.code(email);
        const another = code === "123456" ? "654321" : "123456";
        guesses.push((right, where = from) =>
          ask(place, "ConfirmSignUp", { Username, ConfirmationCode: right ? code : another }, at, where),
        );
      }
      const { wrong, right } = await isLast(guesses, "code");
      assert.deepEqual(new Set(wrong.map(({ type }) => type)), new Set(["CodeMismatchException"]));
      assert.equal(right.type, "TooManyRequestsException", `${right.status} ${right.message}`);
      assert.equal((await guesses[most]!(true, elsewhere())).status, 200);
    });
  });

  test("of two passkeys that are added at once to nineteen, one is", async () => {
    const { place, proxy } = stage;
    const { server } = place;
    const { UserPoolId, ClientId } = await makePool(server, openPool);
    await turnMfa(server, { UserPoolId }, "OPTIONAL", everySecond);
    await makeUser(server, UserPoolId, "collector");
    const { AccessToken } = await signIn(server, ClientId, "collector");
    const begin = async () => {
      const begun = await server.client.send(new StartWebAuthnRegistrationCommand({ AccessToken }));
      const Credential = new Authenticator(origin).create(begun.CredentialCreationOptions);
      return () => call(server.endpoint, "CompleteWebAuthnRegistration", { AccessToken, Credential });
    };
    for (let at = 1; at < 20; at++) assert.equal((await (await begin())()).status, 200);
    let waiting = 0;
    proxy!.plan = (statement) => {
      if (statement.includes('from "users"') && statement.endsWith("for update")) waiting++;
      return statement.startsWith('insert into "passkeys"') ? "hold" : undefined;
    };
    const first = (await begin())();
    await until("the first is held", () => proxy!.held.length === 1);
    const second = (await begin())();
    // It has come as far, or waits for the first one.
    await until("the second is held or waits", () => proxy!.held.length === 2 || waiting === 2);
    proxy!.plan = undefined;
    const held = proxy!.held.splice(0);
    held[0]!();
    assert.equal((await first).status, 200);
    held[1]?.();
    assert.equal((await second).type, "LimitExceededException");
  });
});
