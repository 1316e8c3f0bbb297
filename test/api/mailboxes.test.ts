/**
 * What a mailbox has been sent tells nobody whose it is: messages whose refusal is kept quiet, because the client hides who
 * exists, and those whose refusal is answered never use up one another's allowance.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { call, type RawAnswer } from "../kit/calls.ts";
import { smsConfiguration } from "../kit/factors.ts";
import { makeClient, makePool, makeUser, newAddress, password } from "../kit/people.ts";
import { forOneServer, type TestServer } from "../kit/server.ts";
import { until } from "../kit/waiting.ts";

const most = 2;
const limited = "Attempt limit exceeded, please try after some time.";
let serial = 0;
const name = (word: string) => `${word}-${++serial}`;
const elsewhere = () => `2001:db8:${(++serial).toString(16)}::1`;
const told = ({ type, message }: RawAnswer) => (type === undefined ? "ok" : `${type}: ${message}`);

/** Asks for messages to a mailbox; each answers what it was told. */
type Way = (email: string) => Promise<string>;

async function setUp(server: TestServer) {
  const { client } = server;
  const { UserPoolId, ClientId } = await makePool(
    server,
    {
      AutoVerifiedAttributes: ["email"],
      Policies: { SignInPolicy: { AllowedFirstAuthFactors: ["PASSWORD", "EMAIL_OTP"] } },
      ...smsConfiguration,
    },
    {
      PreventUserExistenceErrors: "ENABLED",
      ExplicitAuthFlows: ["ALLOW_USER_AUTH", "ALLOW_USER_PASSWORD_AUTH"],
    },
  );
  const legacy = await makeClient({ client }, UserPoolId);
  const ask = (operation: string, body: object) =>
    call(server.endpoint, operation, body, { "x-forwarded-for": elsewhere() });
  /** One account a mailbox: a mailbox is filled sooner than any of their own limits is reached. */
  const accounts = new Map<string, Promise<string>>();
  const make = async (email: string) => {
    const Username = name("user");
    const verified = { Name: "email_verified", Value: "true" };
    await makeUser(server, UserPoolId, Username, [{ Name: "email", Value: email }, verified]);
    return Username;
  };
  const account = (email: string) => {
    const made = accounts.get(email) ?? make(email);
    accounts.set(email, made);
    return made;
  };
  const stranger = newAddress();
  const signUp = (email: string) => {
    const UserAttributes = [{ Name: "email", Value: email }];
    return ask("SignUp", { ClientId, Username: name("new"), Password: password, UserAttributes });
  };
  const start = (ClientId: string, AuthFlow: string, AuthParameters: object) =>
    ask("InitiateAuth", { ClientId, AuthFlow, AuthParameters });
  const tokenOf = async (USERNAME: string) => {
    const { body } = await start(ClientId, "USER_PASSWORD_AUTH", { USERNAME, PASSWORD: password });
    return (body["AuthenticationResult"] as { AccessToken: string }).AccessToken;
  };

  /** Refused without a word. */
  const silent: Record<string, Way> = {
    ForgotPassword: async (email) =>
      told(await ask("ForgotPassword", { ClientId, Username: await account(email) })),
    "USER_AUTH with EMAIL_OTP": async (email) => {
      const parameters = { USERNAME: await account(email), PREFERRED_CHALLENGE: "EMAIL_OTP" };
      return told(await start(ClientId, "USER_AUTH", parameters));
    },
  };
  /** Refused by an answer. */
  const answered: Record<string, Way> = {
    SignUp: async (email) => told(await signUp(email)),
    UpdateUserAttributes: async (email) => {
      const AccessToken = await tokenOf(await account(stranger));
      const point = (Value: string) =>
        ask("UpdateUserAttributes", { AccessToken, UserAttributes: [{ Name: "email", Value }] });
      // Of an address that they have already nothing is sent.
      await point(newAddress());
      return told(await point(email));
    },
    "ForgotPassword, at a client that hides nothing": async (email) =>
      told(await ask("ForgotPassword", { ClientId: legacy.ClientId, Username: await account(email) })),
  };
  return { silent, answered };
}

forOneServer(
  "postgres",
  "mailboxes",
  (open) => {
    test("whatever quietly fills a mailbox changes no answer about it", async () => {
      const server = await open();
      const { silent, answered } = await setUp(server);
      for (const [quiet, fill] of Object.entries(silent)) {
        for (const [loud, way] of Object.entries(answered)) {
          const [theirs, nobodys] = [newAddress(), newAddress()];
          for (let at = 0; at <= most; at++) assert.equal(await fill(theirs), "ok", quiet);
          for (let at = 0; at < most; at++) {
            assert.equal(await way(theirs), "ok", `${quiet}, then ${loud}`);
            assert.equal(await way(nobodys), "ok", loud);
          }
          const [answer, same] = [await way(theirs), await way(nobodys)];
          assert.ok(answer.endsWith(limited), `${loud}: ${answer}`);
          assert.equal(answer, same, `${quiet}, then ${loud}`);
        }
      }
    });

    test("a mailbox that answered requests have filled still gets what is sent quietly, and no more than that", async () => {
      const server = await open();
      const { silent, answered } = await setUp(server);
      for (const [quiet, way] of Object.entries(silent)) {
        const theirs = newAddress();
        for (let at = 0; at <= most; at++) await answered["SignUp"]!(theirs);
        assert.equal((await arrived(server, theirs)).length, most);
        for (let at = 0; at <= most; at++) assert.equal(await way(theirs), "ok", quiet);
        assert.equal((await arrived(server, theirs)).length, 2 * most, quiet);
      }
    });
  },
  {
    POOLHOUSE_TRUSTED_PROXIES: "127.0.0.1/32",
    POOLHOUSE_LIMITS: `forgot-password=50,update-attributes=50,messages-per-destination=${most}`,
  },
);

/** The worker delivers what clients that hide who exists ask for: when nothing waits, all has arrived that will. */
async function arrived(server: TestServer, email: string) {
  await until("nothing waits in the outbox", async () => {
    const waiting = await server.app.db.kysely
      .selectFrom("outbox")
      .select("message_id")
      .where("status", "=", "waiting")
      .where("user_id", "is not", null)
      .execute();
    return waiting.length === 0;
  });
  return server.inbox(email);
}
