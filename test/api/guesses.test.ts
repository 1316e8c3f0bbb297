/**
 * A thousand guesses (ten thousand: `npm run test:whole`), by every door, name and address at once, stay within the
 * documented bound (docs/security-model.md): what is counted is how many guesses were looked at, so that the right one among
 * them would have been told. On PostgreSQL they come through two servers.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { call, type RawAnswer, signed } from "../kit/calls.ts";
import { makePool, makeUser, newAddress, password } from "../kit/people.ts";
import { forEachServer, type TestServer } from "../kit/server.ts";
import { SrpClient } from "../kit/srp-client.ts";
import { allowed, count, crowd, doorsOf, minute, nextAddress, share } from "./crowd.ts";

const wrongGuess = "Wrong-Guess-1";
/** Where the owner is, and where back ends that say so are. */
const home = "198.51.100.1";

test("the rule: five, then one a lock", () => {
  assert.equal(allowed([0]), 5);
  assert.equal(allowed([0, 999]), 5);
  assert.equal(allowed([0, 1000, 3000, 7000]), 8);
});

forEachServer(
  "parallel guesses",
  (open) => {
    test("of a password", async (t) => {
      const server = await open();
      server.clock.freeze();
      const { clock } = server;
      const doors = await doorsOf(server, t);
      const { UserPoolId, ClientId } = await makePool(
        server,
        { AliasAttributes: ["email", "preferred_username"], UsernameConfiguration: { CaseSensitive: false } },
        {
          ExplicitAuthFlows: [
            "ALLOW_USER_PASSWORD_AUTH",
            "ALLOW_USER_SRP_AUTH",
            "ALLOW_ADMIN_USER_PASSWORD_AUTH",
            "ALLOW_REFRESH_TOKEN_AUTH",
          ],
        },
      );
      const email = newAddress();
      await makeUser(server, UserPoolId, "ann", [
        { Name: "email", Value: email },
        { Name: "email_verified", Value: "true" },
        { Name: "preferred_username", Value: "annie" },
      ]);
      const names = ["ann", "Ann", "ANN", "aNN", email, email.toUpperCase(), "annie", "ANNIE"];
      const bySecret = (secret: string, from: string, at: number) =>
        call(
          doors[at % doors.length]!,
          "InitiateAuth",
          {
            ClientId,
            AuthFlow: "USER_PASSWORD_AUTH",
            AuthParameters: { USERNAME: names[at % names.length]!, PASSWORD: secret },
          },
          { "x-forwarded-for": from },
        );
      const byAdmin = (secret: string, at: number, IpAddress?: string) =>
        signed(server, "AdminInitiateAuth", {
          UserPoolId,
          ClientId,
          AuthFlow: "ADMIN_USER_PASSWORD_AUTH",
          AuthParameters: { USERNAME: names[at % names.length]!, PASSWORD: secret },
          ...(IpAddress && { ContextData: { IpAddress, ServerName: "s", ServerPath: "/", HttpHeaders: [] } }),
        });
      const bySrp = async (secret: string, from: string, at: number) => {
        const endpoint = doors[at % doors.length]!;
        const headers = { "x-forwarded-for": from };
        const client = new SrpClient();
        const USERNAME = names[at % names.length]!;
        const AuthParameters = { USERNAME, SRP_A: client.srpA };
        const start = await call(
          endpoint,
          "InitiateAuth",
          { ClientId, AuthFlow: "USER_SRP_AUTH", AuthParameters },
          headers,
        );
        const parameters = start.body["ChallengeParameters"] as Record<string, string>;
        const ChallengeResponses = client.prove(UserPoolId, parameters, secret, new Date(server.clock.now));
        const answer = { ClientId, ChallengeName: "PASSWORD_VERIFIER", ChallengeResponses };
        return call(endpoint, "RespondToAuthChallenge", answer, headers);
      };

      // The owner has signed in at home, and through a back end that does not say where its users are.
      assert.equal((await bySecret(password, home, 0)).status, 200);
      assert.equal((await byAdmin(password, 0)).status, 200);

      const rounds = 10;
      const times = Array.from({ length: rounds }, (_, round) => round * minute);
      const strangers: RawAnswer[] = [];
      const backEnd: RawAnswer[] = [];
      for (let round = 0; round < rounds; round++) {
        const by = <T>(length: number, job: (at: number) => Promise<T>) =>
          Array.from({ length }, (_, at) => () => job(at));
        const jobs = [
          ...by(share(860), (at) => bySecret(wrongGuess, nextAddress(), at)),
          ...by(share(20), (at) => bySrp(wrongGuess, nextAddress(), at)),
          ...by(share(60), (at) => byAdmin(wrongGuess, at, nextAddress())),
        ];
        const [public_, admin] = await Promise.all([
          crowd(48, jobs),
          crowd(
            4,
            by(share(60), (at) => byAdmin(wrongGuess, at)),
          ),
        ]);
        strangers.push(...public_);
        backEnd.push(...admin);
        // In the middle of it the right password is told to nobody but those the owner is known with.
        assert.equal((await bySecret(password, nextAddress(), round)).message, "Password attempts exceeded");
        assert.equal((await bySrp(password, nextAddress(), round)).message, "Password attempts exceeded");
        assert.equal((await byAdmin(password, round, nextAddress())).message, "Password attempts exceeded");
        assert.equal((await byAdmin(password, round)).message, "Password attempts exceeded");
        assert.equal((await bySecret(password, home, round)).status, 200, "the owner at home");
        assert.equal((await bySrp(password, home, round)).status, 200, "the owner at home, by SRP");
        assert.equal(
          (await byAdmin(password, round, home)).status,
          200,
          "the owner at home, through a back end",
        );
        clock.advance(minute);
      }
      assert.equal(strangers.length + backEnd.length, share(10_000));
      const seen = strangers.concat(backEnd).map((answer) => answer.message);
      assert.deepEqual([...new Set(seen)].toSorted(), [
        "Incorrect username or password.",
        "Password attempts exceeded",
      ]);
      for (const [who, answers] of [
        ["strangers", strangers],
        ["the back end", backEnd],
      ] as const) {
        assert.equal(count(answers, "Incorrect username or password."), allowed(times), who);
      }
      clock.advance(31 * minute);
      assert.equal(
        (await bySecret(password, nextAddress(), 0)).status,
        200,
        "and it is over when it is over",
      );
    });
  },
  { POOLHOUSE_TRUSTED_PROXIES: "127.0.0.1/32" },
);

forEachServer(
  "parallel guesses at codes",
  (open) => {
    const hours = 4;
    /** A code of LEGACY clients is looked at where it is called wrong; otherwise limited, or void. */
    const wrongCode = "Invalid verification code provided, please try again.";
    const limited = "Attempt limit exceeded, please try after some time.";
    const voidCode = "Invalid code provided, please request a code again.";

    /** Guesses from everywhere, the right code never among them, and an hour in between. */
    const attack = async (
      server: TestServer,
      guesses: number,
      code: string,
      attempt: (code: string, from: string, at: number) => Promise<RawAnswer>,
    ) => {
      const answers: RawAnswer[] = [];
      for (let hour = 0; hour < hours; hour++) {
        const jobs = Array.from({ length: guesses / hours }, (_, at) => {
          const guess = String((Number(code) + 1 + hour * guesses + at) % 1_000_000).padStart(6, "0");
          return () => attempt(guess, nextAddress(), at);
        });
        answers.push(...(await crowd(32, jobs)));
        if (hour < hours - 1) server.clock.advance(61 * minute);
      }
      const seen = new Set(answers.map((answer) => answer.message));
      assert.deepEqual([...seen].toSorted(), [limited, voidCode, wrongCode].toSorted());
      assert.equal(count(answers, wrongCode), 20, "a code has twenty wrong guesses in its life");
      return answers.length;
    };

    const verified = { Name: "email_verified", Value: "true" };

    test("each purpose has its bound, and the owner comes through", async () => {
      const server = await open();
      const { UserPoolId, ClientId } = await makePool(server, {
        AutoVerifiedAttributes: ["email"],
        UsernameConfiguration: { CaseSensitive: false },
      });
      const ask = (operation: string, body: object, from: string) =>
        call(server.endpoint, operation, body, { "x-forwarded-for": from });
      let guesses = 0;

      // Sign-up: the owner signed up at home.
      const newcomer = newAddress();
      const UserAttributes = [{ Name: "email", Value: newcomer }];
      const account = { ClientId, Username: "new", Password: password, UserAttributes };
      assert.equal((await ask("SignUp", account, home)).status, 200);
      const confirm = (ConfirmationCode: string, from: string, at = 0) =>
        ask("ConfirmSignUp", { ClientId, Username: ["new", "NEW", "New"][at % 3], ConfirmationCode }, from);
      const signUpCode = await server.code(newcomer);
      guesses += await attack(server, share(3_200), signUpCode, confirm);
      assert.equal((await confirm(signUpCode, nextAddress())).status, 400);
      assert.equal((await confirm(signUpCode, home)).status, 200);

      // An attribute: whoever guesses has stolen an access token.
      const address = newAddress();
      await makeUser(server, UserPoolId, "bob", [{ Name: "email", Value: address }]);
      const signedIn = await ask(
        "InitiateAuth",
        { ClientId, AuthFlow: "USER_PASSWORD_AUTH", AuthParameters: { USERNAME: "bob", PASSWORD: password } },
        home,
      );
      const { AccessToken } = signedIn.body["AuthenticationResult"] as { AccessToken: string };
      const refresh = async () => {
        const { RefreshToken } = signedIn.body["AuthenticationResult"] as { RefreshToken: string };
        const AuthParameters = { REFRESH_TOKEN: RefreshToken };
        const fresh = await ask(
          "InitiateAuth",
          { ClientId, AuthFlow: "REFRESH_TOKEN_AUTH", AuthParameters },
          home,
        );
        return (fresh.body["AuthenticationResult"] as { AccessToken: string }).AccessToken;
      };
      await ask("GetUserAttributeVerificationCode", { AccessToken, AttributeName: "email" }, home);
      const attributeCode = await server.code(address);
      let token: Promise<string> = Promise.resolve(AccessToken);
      let tokenFrom = server.clock.now;
      const verify = async (Code: string, from: string) => {
        if (server.clock.now - tokenFrom > 50 * minute) {
          tokenFrom = server.clock.now;
          token = refresh();
        }
        const body = { AccessToken: await token, AttributeName: "email", Code };
        return ask("VerifyUserAttribute", body, from);
      };
      guesses += await attack(server, share(3_200), attributeCode, verify);
      assert.equal((await verify(attributeCode, nextAddress())).status, 400);
      assert.equal((await verify(attributeCode, home)).status, 200);

      // A forgotten password: its code lives an hour, so that each hour has its own, asked for by the owner at home.
      const owner = newAddress();
      await makeUser(server, UserPoolId, "cyd", [{ Name: "email", Value: owner }, verified]);
      const AuthParameters = { USERNAME: "cyd", PASSWORD: password };
      await ask("InitiateAuth", { ClientId, AuthFlow: "USER_PASSWORD_AUTH", AuthParameters }, home);
      const forgot = (from: string) => ask("ForgotPassword", { ClientId, Username: "cyd" }, from);
      const reset = (ConfirmationCode: string, from: string, at = 0) =>
        ask(
          "ConfirmForgotPassword",
          { ClientId, Username: ["cyd", "CYD"][at % 2], ConfirmationCode, Password: "Another-horse-2" },
          from,
        );
      for (let hour = 0; hour < hours; hour++) {
        const asked = await crowd(
          8,
          Array.from({ length: 100 }, () => () => forgot(nextAddress())),
        );
        assert.equal(count(asked, limited), 95, "strangers may ask five times");
        assert.equal((await forgot(home)).status, 200, "and the owner for themselves");
        const code = await server.code(owner);
        const wrong = Array.from({ length: share(900) }, (_, at) => {
          const guess = String((Number(code) + 1 + at) % 1_000_000).padStart(6, "0");
          return () => reset(guess, nextAddress(), at);
        });
        const answers = await crowd(32, wrong);
        guesses += answers.length;
        assert.equal(count(answers, wrongCode), 15, "fifteen an hour");
        assert.equal(count(answers, limited), answers.length - 15);
        assert.equal((await reset(code, nextAddress())).message, limited, "not even the right one");
        if (hour === hours - 1) assert.equal((await reset(code, home)).status, 200);
        server.clock.advance(61 * minute);
      }
      assert.equal(guesses, share(10_000));
    });
  },
  { POOLHOUSE_TRUSTED_PROXIES: "127.0.0.1/32" },
);
