/**
 * Addresses that are second factors, while a sign-in is under way: whoever has the password alone moves, adds and removes
 * none of them on the way to the code.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as sdk from "@aws-sdk/client-cognito-identity-provider";
import { newPhone } from "../doors/waits.ts";
import { type Challenge, giveSoftwareToken, respond, start, totp, turnMfa } from "../kit/factors.ts";
import { attributesOf, makePool, newAddress, password, refused } from "../kit/people.ts";
import { forOneServer, type TestServer } from "../kit/server.ts";

const temporary = "Temporary-1";
type Texts = Record<string, string>;

interface Setting {
  readonly mode: "ON" | "OPTIONAL";
  /** What Ann has; `own` values are hers. */
  readonly has: readonly ("email" | "phone_number")[];
  readonly turnedOn?: Partial<sdk.AdminSetUserMFAPreferenceCommandInput>;
  /** What the answer to NEW_PASSWORD_REQUIRED says besides. */
  readonly given: (others: Texts) => Texts;
  /** What is asked for then, and where its code goes. */
  readonly asked: "SMS_MFA" | "EMAIL_OTP";
  /** What Ann has when it was proven. */
  readonly after: (own: Texts, others: Texts) => Texts;
}

const sms = { SMSMfaSettings: { Enabled: true } };
const mail = { EmailMfaSettings: { Enabled: true } };

const settings: Readonly<Record<string, Setting>> = {
  "a phone is moved, where MFA is demanded": {
    mode: "ON",
    has: ["phone_number"],
    given: ({ phone_number }) => ({ phone_number: phone_number! }),
    asked: "SMS_MFA",
    after: (_own, { phone_number }) => ({ phone_number: phone_number!, phone_number_verified: "false" }),
  },
  "a mailbox is moved, where the user has turned it on": {
    mode: "OPTIONAL",
    has: ["email"],
    turnedOn: mail,
    given: ({ email }) => ({ email: email! }),
    asked: "EMAIL_OTP",
    after: (_own, { email }) => ({ email: email!, email_verified: "false" }),
  },
  "a phone is added to a mailbox": {
    mode: "ON",
    has: ["email"],
    given: ({ phone_number }) => ({ phone_number: phone_number!, nickname: "Ann" }),
    asked: "EMAIL_OTP",
    after: ({ email }, { phone_number }) => ({
      email: email!,
      email_verified: "true",
      nickname: "Ann",
      phone_number: phone_number!,
      phone_number_verified: "false",
    }),
  },
  "a phone is deleted, where MFA is demanded": {
    mode: "ON",
    has: ["phone_number"],
    given: () => ({ phone_number: "" }),
    asked: "SMS_MFA",
    after: () => ({}),
  },
  "a phone is deleted, where the user has turned it on": {
    mode: "OPTIONAL",
    has: ["phone_number", "email"],
    turnedOn: sms,
    given: () => ({ phone_number: "" }),
    asked: "SMS_MFA",
    after: ({ email }) => ({ email: email!, email_verified: "true" }),
  },
  "the address stays as it is": {
    mode: "ON",
    has: ["phone_number"],
    given: () => ({ nickname: "Ann" }),
    asked: "SMS_MFA",
    after: ({ phone_number }) => ({
      phone_number: phone_number!,
      phone_number_verified: "true",
      nickname: "Ann",
    }),
  },
};

const prefixed = (attributes: Texts): Texts =>
  Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`userAttributes.${name}`, value]));

interface Ann {
  readonly server: TestServer;
  readonly UserPoolId: string;
  readonly ClientId: string;
  readonly own: Texts;
}

const named = ({ UserPoolId }: Pick<Ann, "UserPoolId">) => ({ UserPoolId, Username: "ann" });

/** Ann, whose password is a temporary one, with verified addresses. */
async function makeAnn(
  server: TestServer,
  has: readonly string[],
  pool: Partial<sdk.CreateUserPoolCommandInput> = {},
  client: Partial<sdk.CreateUserPoolClientCommandInput> = {},
): Promise<Ann> {
  const { UserPoolId, ClientId } = await makePool(server, pool, client);
  const every: Texts = { email: newAddress(), phone_number: newPhone() };
  const own = Object.fromEntries(has.map((name) => [name, every[name]!]));
  await server.client.send(
    new sdk.AdminCreateUserCommand({
      ...named({ UserPoolId }),
      TemporaryPassword: temporary,
      MessageAction: "SUPPRESS",
      UserAttributes: Object.entries(own).flatMap(([Name, Value]) => [
        { Name, Value },
        { Name: `${Name}_verified`, Value: "true" },
      ]),
    }),
  );
  return { server, UserPoolId, ClientId, own };
}

const temporarily = (ann: Ann) =>
  start(ann.server, ann, "ann", "USER_PASSWORD_AUTH", { PASSWORD: temporary });

/** The temporary password is replaced, with these attributes besides. */
async function choosePassword(ann: Ann, attributes: Texts) {
  const begun = await temporarily(ann);
  assert.equal(begun.ChallengeName, "NEW_PASSWORD_REQUIRED");
  const responses = { USERNAME: "ann", NEW_PASSWORD: password, ...prefixed(attributes) };
  return respond(ann.server, ann, begun, responses);
}

async function attributesNow(ann: Ann): Promise<Texts> {
  const { UserAttributes } = await ann.server.client.send(new sdk.AdminGetUserCommand(named(ann)));
  const { sub: _, ...rest } = attributesOf(UserAttributes) as Texts;
  return rest;
}

const prove = async (ann: Ann, challenge: Challenge, address: string) =>
  respond(ann.server, ann, challenge, {
    USERNAME: "ann",
    [`${challenge.ChallengeName}_CODE`]: await ann.server.code(address),
  });

forOneServer("postgres", "addresses of factors in a sign-in", (open) => {
  for (const [what, { mode, has, turnedOn, given, asked, after }] of Object.entries(settings))
    test(`NEW_PASSWORD_REQUIRED: ${what}`, async () => {
      const server = await open();
      const ann = await makeAnn(server, has);
      await turnMfa(server, ann, mode);
      if (turnedOn)
        await server.client.send(new sdk.AdminSetUserMFAPreferenceCommand({ ...named(ann), ...turnedOn }));
      const others = { email: newAddress(), phone_number: newPhone() };
      const next = await choosePassword(ann, given(others));
      assert.equal(next.AuthenticationResult, undefined);
      assert.equal(next.ChallengeName, asked);
      for (const address of Object.values(others)) assert.deepEqual(await server.inbox(address), []);
      const addressesOf = (attributes: Texts) =>
        Object.fromEntries(has.map((name) => [name, attributes[name]]));
      assert.deepEqual(addressesOf(await attributesNow(ann)), ann.own);
      const done = await prove(ann, next, ann.own[asked === "SMS_MFA" ? "phone_number" : "email"]!);
      assert.ok(done.AuthenticationResult?.AccessToken);
      assert.deepEqual(await attributesNow(ann), after(ann.own, others));
    });

  test("what waits for a factor that never comes is forgotten with the sign-in", async () => {
    const server = await open();
    const ann = await makeAnn(server, ["phone_number"]);
    await turnMfa(server, ann, "ON");
    const phone_number = newPhone();
    const abandoned = await choosePassword(ann, { phone_number });
    const late = { USERNAME: "ann", SMS_MFA_CODE: await server.code(ann.own["phone_number"]!) };
    server.clock.advance(3 * 60_000);
    await assert.rejects(respond(server, ann, abandoned, late), refused("NotAuthorizedException"));
    const again = await start(server, ann, "ann");
    assert.equal(again.ChallengeName, "SMS_MFA");
    assert.ok((await prove(ann, again, ann.own["phone_number"]!)).AuthenticationResult);
    assert.equal((await attributesNow(ann))["phone_number"], ann.own["phone_number"]);
    assert.deepEqual(await server.inbox(phone_number), []);
  });

  test("a software token is asked for before a mailbox is moved", async () => {
    const server = await open();
    const ann = await makeAnn(server, ["email"]);
    await turnMfa(server, ann, "OPTIONAL");
    const { AuthenticationResult } = await choosePassword(ann, {});
    const secret = await giveSoftwareToken(server, AuthenticationResult!.AccessToken!);
    const anew = { ...named(ann), Password: temporary, Permanent: false };
    await server.client.send(new sdk.AdminSetUserPasswordCommand(anew));
    server.clock.advance(61_000);
    const email = newAddress();
    const begun = await temporarily(ann);
    const responses = { USERNAME: "ann", NEW_PASSWORD: "Another-Horse-8", "userAttributes.email": email };
    const next = await respond(server, ann, begun, responses);
    assert.equal(next.ChallengeName, "SOFTWARE_TOKEN_MFA");
    assert.equal((await attributesNow(ann))["email"], ann.own["email"]);
    const SOFTWARE_TOKEN_MFA_CODE = totp(secret, server.clock.now);
    assert.ok(
      (await respond(server, ann, next, { USERNAME: "ann", SOFTWARE_TOKEN_MFA_CODE })).AuthenticationResult,
    );
    assert.deepEqual(await attributesNow(ann), { email, email_verified: "false" });
  });

  test("what is required and missing can be given, and counts from the end of the sign-in", async () => {
    const server = await open();
    const required = { Schema: [{ Name: "phone_number", Required: true, Mutable: true }] };
    const ann = await makeAnn(server, ["email"], required as Partial<sdk.CreateUserPoolCommandInput>);
    await turnMfa(server, ann, "ON");
    const begun = await temporarily(ann);
    assert.equal(begun.ChallengeParameters?.["requiredAttributes"], '["userAttributes.phone_number"]');
    await assert.rejects(choosePassword(ann, {}), refused("InvalidParameterException"));
    const phone_number = newPhone();
    const next = await choosePassword(ann, { phone_number });
    assert.equal(next.ChallengeName, "EMAIL_OTP");
    assert.ok((await prove(ann, next, ann.own["email"]!)).AuthenticationResult);
    assert.equal((await attributesNow(ann))["phone_number"], phone_number);
  });

  test("an address of a user who has no factor counts at once, and its code is asked for", async () => {
    const server = await open();
    const ann = await makeAnn(server, []);
    await turnMfa(server, ann, "ON");
    const phone_number = newPhone();
    const next = await choosePassword(ann, { phone_number });
    assert.equal(next.ChallengeName, "SMS_MFA");
    assert.ok((await prove(ann, next, phone_number)).AuthenticationResult);
    assert.equal((await attributesNow(ann))["phone_number"], phone_number);
  });

  test("what the client may not write is refused, also at the end, and where it waits in vain", async () => {
    const server = await open();
    const app = { ExplicitAuthFlows: ["ALLOW_USER_PASSWORD_AUTH" as const] };
    const ann = await makeAnn(server, ["phone_number"], {}, app);
    await turnMfa(server, ann, "ON");
    const write = (...WriteAttributes: string[]) =>
      server.client.send(
        new sdk.UpdateUserPoolClientCommand({
          UserPoolId: ann.UserPoolId,
          ClientId: ann.ClientId,
          ...app,
          WriteAttributes,
        }),
      );
    const unauthorized = refused(
      "NotAuthorizedException",
      "A client attempted to write unauthorized attribute",
    );
    await write("nickname");
    await assert.rejects(choosePassword(ann, { phone_number: newPhone() }), unauthorized);
    await write("phone_number");
    const waiting = await choosePassword(ann, { phone_number: newPhone() });
    await write("nickname");
    await assert.rejects(prove(ann, waiting, ann.own["phone_number"]!), unauthorized);
    assert.equal((await attributesNow(ann))["phone_number"], ann.own["phone_number"]);
  });

  test("MFA_SETUP sets up only what the client may write", async () => {
    const server = await open();
    const app = { WriteAttributes: ["phone_number", "nickname"] };
    const ann = await makeAnn(server, [], {}, app);
    await turnMfa(server, ann, "ON");
    const setup = await choosePassword(ann, {});
    assert.equal(setup.ChallengeName, "MFA_SETUP");
    assert.deepEqual(JSON.parse(setup.ChallengeParameters!["MFAS_CAN_SETUP"]!), [
      "SMS_MFA",
      "SOFTWARE_TOKEN_MFA",
    ]);
    const email = newAddress();
    await assert.rejects(
      respond(server, ann, setup, { USERNAME: "ann", EMAIL: email }),
      refused("NotAuthorizedException", "A client attempted to write unauthorized attribute"),
    );
    assert.deepEqual(await server.inbox(email), []);
    const PHONE_NUMBER = newPhone();
    const asked = await respond(server, ann, setup, { USERNAME: "ann", PHONE_NUMBER });
    assert.equal(asked.ChallengeName, "SMS_MFA");
    assert.ok((await prove(ann, asked, PHONE_NUMBER)).AuthenticationResult);
  });
});
