/** Limits by address and by destination, and that nobody can keep an owner out who comes from where they are known. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { hmacSha256 } from "../../src/lib/bytes.ts";
import { sweep } from "../../src/store/sweep.ts";
import { call, type RawAnswer, signed } from "../kit/calls.ts";
import { makeClient, makePool, makeUser, newAddress, password } from "../kit/people.ts";
import { forOneServer, type TestServer } from "../kit/server.ts";
import { watchWork } from "./work.ts";

const home = "198.51.100.1";
const office = "198.51.100.200";
const rateExceeded = "TooManyRequestsException: Rate exceeded";
const limited = "LimitExceededException: Attempt limit exceeded, please try after some time.";
const wrong = "NotAuthorizedException: Incorrect username or password.";
const mismatch = "CodeMismatchException: Invalid verification code provided, please try again.";
const locked = "NotAuthorizedException: Password attempts exceeded";
const minute = 60_000;

const told = ({ type, message }: RawAnswer) => (type === undefined ? "ok" : `${type}: ${message}`);

const verified = (email: string) => [
  { Name: "email", Value: email },
  { Name: "email_verified", Value: "true" },
];

/** Calls of one pool, each from an address. */
async function door(server: TestServer, hiding = false) {
  const { UserPoolId, ClientId } = await makePool(
    server,
    { AutoVerifiedAttributes: ["email"] },
    hiding ? { PreventUserExistenceErrors: "ENABLED" } : {},
  );
  const ask = (operation: string, body: object, from: string) =>
    call(server.endpoint, operation, body, { "x-forwarded-for": from });
  return {
    UserPoolId,
    ClientId,
    ask,
    signIn: (USERNAME: string, PASSWORD: string, from: string) =>
      ask(
        "InitiateAuth",
        { ClientId, AuthFlow: "USER_PASSWORD_AUTH", AuthParameters: { USERNAME, PASSWORD } },
        from,
      ),
    signUp: (Username: string, email: string | undefined, from: string) => {
      const UserAttributes = email === undefined ? [] : [{ Name: "email", Value: email }];
      return ask("SignUp", { ClientId, Username, Password: password, UserAttributes }, from);
    },
    forgot: (Username: string, from: string) => ask("ForgotPassword", { ClientId, Username }, from),
    resend: (Username: string, from: string) => ask("ResendConfirmationCode", { ClientId, Username }, from),
    confirm: (Username: string, ConfirmationCode: string, from: string) =>
      ask("ConfirmSignUp", { ClientId, Username, ConfirmationCode }, from),
    reset: (Username: string, ConfirmationCode: string, from: string) =>
      ask(
        "ConfirmForgotPassword",
        { ClientId, Username, ConfirmationCode, Password: "Another-horse-2" },
        from,
      ),
  };
}

const tokensOf = (answer: RawAnswer) => answer.body["AuthenticationResult"] as { AccessToken: string };
const repeat = async (times: number, one: (at: number) => Promise<RawAnswer>): Promise<string[]> => {
  const all: string[] = [];
  for (let at = 0; at < times; at++) all.push(told(await one(at)));
  return all;
};
const tallyOf = (answers: readonly string[]) => {
  const counts: Record<string, number> = {};
  for (const answer of answers) counts[answer] = (counts[answer] ?? 0) + 1;
  return counts;
};

forOneServer(
  "sqlite",
  "limits",
  (open, database) => {
    test("wrong passwords of an address, over all names; who is known there still comes in", async () => {
      const server = await open();
      server.clock.freeze();
      const { clock } = server;
      const { UserPoolId, signIn } = await door(server);
      for (const name of ["regular", "newcomer", "v0", "v1", "v2", "v3"])
        await makeUser(server, UserPoolId, name);
      assert.equal(told(await signIn("regular", password, office)), "ok");
      const sprayed = await repeat(14, (at) => signIn(`v${at % 4}`, "Wrong-Guess-1", office));
      assert.deepEqual(tallyOf(sprayed), { [wrong]: 12, [rateExceeded]: 2 });
      assert.equal(
        told(await signIn("v0", password, office)),
        rateExceeded,
        "a right guess is not told either",
      );
      assert.equal(told(await signIn("regular", password, office)), "ok");
      assert.equal(told(await signIn("regular", "Wrong-Guess-1", office)), wrong, "their own allowance");
      assert.equal(told(await signIn("newcomer", password, home)), "ok", "another address");
      const other = await door(server);
      await makeUser(server, other.UserPoolId, "ann");
      assert.equal(told(await other.signIn("ann", password, office)), "ok", "another pool");
      clock.advance(61 * minute);
      assert.equal(told(await signIn("newcomer", password, office)), "ok", "the hour is over");
    });

    test("parallel guesses beyond an address's limit learn nothing", async () => {
      const server = await open();
      server.clock.freeze();
      const { UserPoolId, signIn } = await door(server);
      await Promise.all(Array.from({ length: 40 }, (_, at) => makeUser(server, UserPoolId, `u${at}`)));
      const guesses = Array.from({ length: 40 }, (_, at) => signIn(`u${at}`, "Wrong-Guess-1", "203.0.113.5"));
      const counts = tallyOf((await Promise.all(guesses)).map(told));
      assert.deepEqual(counts, { [wrong]: 12, [rateExceeded]: 28 });
    });

    test("neighbours in one IPv6 /64 share an allowance", async () => {
      const server = await open();
      server.clock.freeze();
      const { UserPoolId, signIn } = await door(server);
      for (const name of ["a", "b", "c"]) await makeUser(server, UserPoolId, name);
      const from = (at: number) => `2001:db8:5:5:${at.toString(16)}::1`;
      const sprayed = await repeat(15, (at) => signIn("abc"[at % 3]!, "Wrong-Guess-1", from(at)));
      assert.deepEqual(tallyOf(sprayed), { [wrong]: 12, [rateExceeded]: 3 });
      assert.equal(told(await signIn("a", password, "2001:db8:5:6::1")), "ok", "the next /64 is another's");
    });

    test("wrong codes of an address", async () => {
      const server = await open();
      server.clock.freeze();
      const { UserPoolId, signUp, confirm } = await door(server);
      assert.ok(UserPoolId);
      const addresses = [newAddress(), newAddress()];
      assert.equal(told(await signUp("one", addresses[0], home)), "ok");
      assert.equal(told(await signUp("two", addresses[1], home)), "ok");
      const guessed = await repeat(12, (at) => confirm(at % 2 === 0 ? "one" : "two", "12345", office));
      assert.deepEqual(tallyOf(guessed), { [mismatch]: 10, [rateExceeded]: 2 });
      const code = await server.code(addresses[0]!);
      assert.equal(told(await confirm("one", code, office)), rateExceeded);
      assert.equal(told(await confirm("one", code, home)), "ok", "where the user signed up");
    });

    test("sign-ups and messages of an address", async () => {
      const server = await open();
      server.clock.freeze();
      const { UserPoolId, signIn, signUp, resend, forgot } = await door(server);
      const owner = newAddress();
      await makeUser(server, UserPoolId, "owner", verified(owner));
      assert.equal(told(await signIn("owner", password, office)), "ok");
      const made = await repeat(8, (at) => signUp(`made${at}`, newAddress(), office));
      assert.deepEqual(tallyOf(made), { ok: 6, [rateExceeded]: 2 });
      // Six messages are sent; the seventh to the ninth make the nine of an hour.
      const asked = await repeat(6, (at) => resend(`made${at}`, office));
      assert.deepEqual(tallyOf(asked), { ok: 6 }, "they are known where they signed up");
      assert.equal(told(await forgot("made0", home)), told(await forgot("made0", home)));
      const stranger = newAddress();
      await makeUser(server, UserPoolId, "stranger", verified(stranger));
      assert.equal(told(await forgot("stranger", office)), rateExceeded);
      assert.equal(told(await forgot("owner", office)), "ok", "the owner is known there");
      assert.equal(told(await forgot("stranger", home)), "ok");
    });

    test("one mailbox is not flooded through many accounts, and its owner is still served", async () => {
      const server = await open();
      server.clock.freeze();
      const { clock } = server;
      const { UserPoolId, signIn, signUp, forgot, reset } = await door(server);
      const victim = newAddress();
      await makeUser(server, UserPoolId, "victim", verified(victim));
      assert.equal(told(await signIn("victim", password, home)), "ok");
      const flood = await repeat(9, (at) =>
        signUp(`bot${at}`, at % 2 ? victim : victim.toUpperCase(), `203.0.113.${at}`),
      );
      assert.deepEqual(tallyOf(flood), { ok: 7, [limited]: 2 });
      assert.equal(told(await forgot("victim", "203.0.113.90")), limited, "also by other operations");
      const before = (await server.inbox(victim)).length;
      clock.advance(1_000);
      assert.equal(told(await forgot("victim", home)), "ok");
      assert.equal((await server.inbox(victim)).length, before + 1);
      assert.equal(told(await reset("victim", await server.code(victim), home)), "ok");
    });

    test("with ENABLED a flooded mailbox tells nobody whose it is: the answer is as always, nothing is sent", async () => {
      const server = await open();
      server.clock.freeze();
      const { UserPoolId, forgot } = await door(server, true);
      const [victim, free] = [newAddress(), newAddress()];
      for (const name of ["flooded", "other", "another"])
        await makeUser(server, UserPoolId, name, verified(victim));
      await makeUser(server, UserPoolId, "freebox", verified(free));
      for (let at = 0; at < 7; at++) await forgot(at % 2 ? "other" : "another", `203.0.113.${at}`);
      const names = ["flooded", "freebox", "unknown"];
      const answers = [];
      for (const name of names) answers.push(await forgot(name, "203.0.113.50"));
      for (const answer of answers) {
        assert.equal(told(answer), "ok");
        assert.deepEqual(Object.keys(answer.body), Object.keys(answers[0]!.body));
      }
      const kysely = server.app.db.kysely;
      const waiting = await kysely
        .selectFrom("outbox")
        .innerJoin("users", (join) =>
          join.onRef("users.pool_id", "=", "outbox.pool_id").onRef("users.user_id", "=", "outbox.user_id"),
        )
        .select("users.username")
        .where("outbox.kind", "=", "forgot-password")
        .where("outbox.pool_id", "=", UserPoolId)
        .where("users.username", "in", names)
        .execute();
      assert.deepEqual(waiting, [{ username: "freebox" }]);
    });

    test("attribute codes count for their destination, in the words the operation declares", async () => {
      const server = await open();
      server.clock.freeze();
      const { UserPoolId, signIn, ask } = await door(server);
      await makeUser(server, UserPoolId, "ann", verified(newAddress()));
      const { AccessToken } = tokensOf(await signIn("ann", password, home));
      const target = newAddress();
      const point = (Value: string) =>
        ask("UpdateUserAttributes", { AccessToken, UserAttributes: [{ Name: "email", Value }] }, home);
      const pointed = await repeat(16, (at) => point(at % 2 === 0 ? target : newAddress()));
      const over = "TooManyRequestsException: Attempt limit exceeded, please try after some time.";
      assert.deepEqual(tallyOf(pointed), { ok: 15, [over]: 1 });
      assert.equal((await server.inbox(target)).length, 7);
      assert.equal(
        told(await ask("GetUserAttributeVerificationCode", { AccessToken, AttributeName: "email" }, home)),
        "ok",
      );
      assert.equal(told(await point(target)), over);
    });

    test("strangers lock a name for strangers; the owner signs in, resets and changes the password at home", async () => {
      const server = await open();
      server.clock.freeze();
      const { clock } = server;
      const { UserPoolId, ClientId, signIn, forgot, reset, ask } = await door(server);
      const owner = newAddress();
      await makeUser(server, UserPoolId, "owner", verified(owner));
      assert.equal(told(await signIn("owner", password, home)), "ok");
      const attack = async () => {
        for (let at = 0; at < 8; at++) {
          await signIn("owner", "Wrong-Guess-1", `203.0.113.${at}`);
          await forgot("owner", `203.0.113.${at}`);
          await reset("owner", "12345", `203.0.113.${at}`);
          await reset("owner", "54321", `203.0.113.${at}`);
        }
      };
      await attack();
      assert.equal(told(await signIn("owner", password, "203.0.113.200")), locked);
      assert.equal(told(await forgot("owner", "203.0.113.200")), limited);
      assert.equal(told(await reset("owner", "12345", "203.0.113.200")), limited);
      assert.equal(told(await signIn("owner", password, home)), "ok");
      const { AccessToken } = tokensOf(await signIn("owner", password, home));
      const change = { AccessToken, PreviousPassword: password, ProposedPassword: password };
      assert.equal(told(await ask("ChangePassword", change, home)), "ok");
      clock.advance(1_000);
      assert.equal(told(await forgot("owner", home)), "ok");
      assert.equal(told(await reset("owner", await server.code(owner), home)), "ok");
      assert.equal(
        told(await signIn("owner", "Another-horse-2", "203.0.113.200")),
        "ok",
        "a reset opens every lock",
      );
      // Ninety days on, nobody is known any more.
      clock.advance(91 * 24 * 60 * minute);
      for (let at = 0; at < 8; at++) await signIn("owner", "Wrong-Guess-1", `203.0.113.${at}`);
      assert.equal(told(await signIn("owner", "Another-horse-2", home)), locked);
      assert.ok(ClientId);
    });

    test("a user is written down at a place once, and once a day; nothing is stored in clear", async () => {
      const server = await open();
      server.clock.freeze();
      const { clock } = server;
      const { UserPoolId, signIn } = await door(server);
      await makeUser(server, UserPoolId, "ann");
      const rows = () =>
        server.app.db.kysely
          .selectFrom("known_sources")
          .selectAll()
          .where("pool_id", "=", UserPoolId)
          .execute();
      await signIn("ann", password, home);
      const [once] = await rows();
      clock.advance(23 * 60 * minute);
      await signIn("ann", password, home);
      assert.deepEqual(await rows(), [once]);
      clock.advance(2 * 60 * minute);
      await signIn("ann", password, home);
      const [later] = await rows();
      assert.equal(later!.seen_at - once!.seen_at, 25 * 60 * minute);
      const { work } = await watchWork(server.app).during(() => signIn("ann", password, home));
      const writes = work.statements.filter((text) => !text.startsWith("select"));
      // In PostgreSQL only a write sees the failures that others are about to commit; it takes the place of a read.
      const first = database === "postgres" ? ['insert into "attempts"'] : [];
      assert.deepEqual(
        writes.map((text) => /^insert into "\w+"/.exec(text)?.[0] ?? text),
        [...first, 'insert into "token_families"'],
        "a good sign-in where the user is known writes its tokens alone",
      );
      await signIn("ann", "Wrong-Guess-1", office);
      assert.equal((await rows()).length, 1, "a failure makes nothing known");
      for (let at = 0; at < 14; at++) await signIn("ann", password, `198.51.100.${at + 10}`);
      assert.equal((await rows()).length, 10, "the latest ten");
      assert.ok(!JSON.stringify(await rows()).includes("198.51"));
    });

    test("a back end says whose address counts: with a secret and the client's permission, or with ContextData", async () => {
      const server = await open();
      server.clock.freeze();
      const { UserPoolId, ClientId, signIn } = await door(server);
      await makeUser(server, UserPoolId, "ann");
      const flows = [
        "ALLOW_USER_PASSWORD_AUTH",
        "ALLOW_ADMIN_USER_PASSWORD_AUTH",
        "ALLOW_REFRESH_TOKEN_AUTH",
      ] as const;
      const app = { ExplicitAuthFlows: [...flows], GenerateSecret: true };
      const believed = await makeClient(server, UserPoolId, {
        ...app,
        EnablePropagateAdditionalUserContextData: true,
      });
      const plain = await makeClient(server, UserPoolId, app);
      const through = (
        client: { ClientId: string; ClientSecret: string | undefined },
        secret: string,
        IpAddress: string,
      ) => {
        const SECRET_HASH = hmacSha256(Buffer.from(client.ClientSecret!), "ann", client.ClientId).toString(
          "base64",
        );
        const AuthParameters = { USERNAME: "ann", PASSWORD: secret, SECRET_HASH };
        const body = { ClientId: client.ClientId, AuthFlow: "USER_PASSWORD_AUTH", AuthParameters };
        return call(
          server.endpoint,
          "InitiateAuth",
          { ...body, UserContextData: { IpAddress } },
          { "x-forwarded-for": office },
        );
      };
      await makeClient(server, UserPoolId);
      assert.equal(told(await through(believed, password, home)), "ok");
      for (let at = 0; at < 6; at++) await signIn("ann", "Wrong-Guess-1", `203.0.113.${at}`);
      assert.equal(told(await signIn("ann", password, home)), "ok", "known by what the back end said");
      assert.equal(told(await through(believed, password, "203.0.113.9")), locked);
      assert.equal(
        told(await through(plain, password, home)),
        locked,
        "not believed: the back end's address counts",
      );
      const admin = (secret: string, IpAddress?: string) =>
        signed(server, "AdminInitiateAuth", {
          UserPoolId,
          ClientId: plain.ClientId,
          AuthFlow: "ADMIN_USER_PASSWORD_AUTH",
          AuthParameters: {
            USERNAME: "ann",
            PASSWORD: secret,
            SECRET_HASH: hmacSha256(Buffer.from(plain.ClientSecret!), "ann", plain.ClientId).toString(
              "base64",
            ),
          },
          ...(IpAddress && { ContextData: { IpAddress, ServerName: "s", ServerPath: "/", HttpHeaders: [] } }),
        });
      assert.equal(told(await admin(password, home)), "ok");
      assert.equal(told(await admin(password, "203.0.113.9")), locked);
      assert.equal(
        told(await admin(password)),
        locked,
        "a back end is a place like any other until a user was there",
      );
      assert.ok(ClientId);
    });

    test("the address of a back end is not limited, those of its users are", async () => {
      const server = await open();
      server.clock.freeze();
      const { UserPoolId } = await door(server);
      const { ClientId } = await makeClient(server, UserPoolId, {
        ExplicitAuthFlows: ["ALLOW_ADMIN_USER_PASSWORD_AUTH"],
      });
      const admin = (USERNAME: string, PASSWORD: string, IpAddress?: string) =>
        signed(server, "AdminInitiateAuth", {
          UserPoolId,
          ClientId,
          AuthFlow: "ADMIN_USER_PASSWORD_AUTH",
          AuthParameters: { USERNAME, PASSWORD },
          ...(IpAddress && { ContextData: { IpAddress, ServerName: "s", ServerPath: "/", HttpHeaders: [] } }),
        });
      for (const name of ["u0", "u1", "u2", "u3"]) await makeUser(server, UserPoolId, name);
      const unsaid = await repeat(16, (at) => admin(`u${at % 4}`, "Wrong-Guess-1"));
      assert.deepEqual(tallyOf(unsaid), { [wrong]: 16 }, "four a user");
      await server.app.db.kysely.deleteFrom("attempts").where("pool_id", "=", UserPoolId).execute();
      const said = await repeat(16, (at) => admin(`u${at % 4}`, "Wrong-Guess-1", office));
      assert.deepEqual(tallyOf(said), { [wrong]: 12, [rateExceeded]: 4 });
    });

    test("names nobody has fill no table, and lock as real ones do", async () => {
      const server = await open();
      server.clock.freeze();
      const { clock } = server;
      const { UserPoolId, signIn } = await door(server, true);
      const first = await repeat(7, () => signIn("nobody", "Wrong-Guess-1", home));
      assert.deepEqual(tallyOf(first), { [wrong]: 5, [locked]: 2 });
      const rows = await server.app.db.kysely
        .selectFrom("attempts")
        .select(["subject", "kind", "tag"])
        .where("pool_id", "=", UserPoolId)
        .orderBy("kind")
        .execute();
      assert.equal(rows.length, 2, "one slot of a name, one of an address");
      assert.match(rows[0]!.subject, /^name\/[0-3]?[0-9a-f]{1,4}$/, "of 2^18");
      assert.match(rows[1]!.subject, /^address\/[0-3]?[0-9a-f]{1,4}$/);
      for (const { tag } of rows) assert.match(tag, /^[\w-]{22}$/);
      assert.ok(!JSON.stringify(rows).includes("nobody"));
      clock.advance(3 * 60 * minute);
      await sweep(server.app.db, clock.now);
      const left = await server.app.db.kysely
        .selectFrom("attempts")
        .selectAll()
        .where("pool_id", "=", UserPoolId)
        .execute();
      assert.deepEqual(left, []);
    });
  },
  {
    POOLHOUSE_TRUSTED_PROXIES: "127.0.0.1/32",
    POOLHOUSE_LIMITS:
      "passwords-per-address=12,codes-per-address=10,sign-ups-per-address=6,messages-per-address=9,messages-per-destination=7",
  },
);
