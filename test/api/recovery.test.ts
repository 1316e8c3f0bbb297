/**
 * A password is recovered by no address that is a second factor. The whole of it is in test/domain/recovery.test.ts; here
 * a sample of the same cases goes through the wire, as somebody who reads one address and knows nothing else would.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as sdk from "@aws-sdk/client-cognito-identity-provider";
import { pino } from "pino";
import { demandsTwo, poolFactors } from "../../src/domain/mfa/factors.ts";
import { loadClient } from "../../src/domain/user-pools/load-pool.ts";
import { forgotPassword } from "../../src/domain/users/recovery.ts";
import { createCtx } from "../../src/http/context.ts";
import {
  type Case,
  type Contact,
  contacts,
  everyPool,
  everyUser,
  type Reach,
  reachOf,
  recoveredBy,
} from "../domain/recovery-cases.ts";
import { newPhone } from "../doors/waits.ts";
import { makeApp, newVisitor, queryOf } from "../hosted-ui/visitor.ts";
import { giveSoftwareToken, respond, smsConfiguration, start, turnMfa } from "../kit/factors.ts";
import { makePool, makeUser, newAddress, password, refused, signIn } from "../kit/people.ts";
import { forEachServer, type TestServer } from "../kit/server.ts";

const recovered = "Recovered-Horse-9";
const nothingVerified =
  "Cannot reset password for the user as there is no registered/verified email or phone_number";

/** Whether a user can come to be so by calls; what is left out differs by nothing that recovery looks at. */
function isReachable({ pool, user }: Case): boolean {
  const { enabled, softwareToken } = user.mfa;
  const has = {
    EMAIL_OTP: user.attributes["email"] !== undefined,
    SMS_MFA: user.attributes["phone_number"] !== undefined,
    SOFTWARE_TOKEN_MFA: softwareToken !== undefined,
    WEB_AUTHN: false,
  };
  const allowsCodes = (pool.document.Policies?.SignInPolicy?.AllowedFirstAuthFactors?.length ?? 0) > 1;
  const isPool = poolFactors(pool).length > 0 && !(pool.document.MfaConfiguration === "ON" && allowsCodes);
  return isPool && enabled.every((factor) => has[factor]);
}

/** So many of the cases in which two factors are demanded and something is verified, evenly spread. */
function sample(count: number): Case[] {
  const users = [...everyUser()].filter((user) =>
    contacts.some((contact) => user.attributes[`${contact}_verified`] === "true"),
  );
  // Only pools from before the setting had a default are without it.
  const pools = [...everyPool()].filter(({ document }) => document.AccountRecoverySetting !== undefined);
  const all = pools.flatMap((pool) =>
    users.map((user) => ({ pool, user })).filter((one) => demandsTwo(pool, one.user) && isReachable(one)),
  );
  return Array.from({ length: count }, (_, at) => all[Math.floor(((at + 0.5) * all.length) / count)]!);
}

interface Place {
  readonly UserPoolId: string;
  readonly ClientId: string;
}

interface Victim extends Place {
  readonly server: TestServer;
  readonly Username: string;
  readonly addresses: Readonly<Record<Contact, string>>;
}

const settingsOf = ({ document }: Case["pool"]) => ({
  ...(document.SmsMfaConfiguration && { SmsMfaConfiguration: smsConfiguration }),
  ...(document.EmailMfaConfiguration && { EmailMfaConfiguration: {} }),
  ...(document.SoftwareTokenMfaConfiguration?.Enabled && {
    SoftwareTokenMfaConfiguration: { Enabled: true },
  }),
});

/** The pool of a case with its user, by calls that anybody could make. */
async function makeVictim(server: TestServer, { pool, user }: Case): Promise<Victim> {
  const { AccountRecoverySetting, Policies, MfaConfiguration } = pool.document;
  const place = await makePool(
    server,
    // One-time codes by SMS take a sender.
    { AccountRecoverySetting, Policies, SmsConfiguration: smsConfiguration.SmsConfiguration },
    {
      ExplicitAuthFlows: ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
      PreventUserExistenceErrors: "ENABLED",
    },
  );
  await turnMfa(server, place, "OPTIONAL");
  const addresses = { email: newAddress(), phone_number: newPhone() };
  const attributes = Object.entries(user.attributes).map(([Name, Value]) => ({
    Name,
    Value: Name in addresses ? addresses[Name as Contact] : Value,
  }));
  await makeUser(server, place.UserPoolId, "ann", attributes);
  if (user.mfa.softwareToken !== undefined)
    await giveSoftwareToken(server, (await signIn(server, place.ClientId, "ann")).AccessToken);
  const named = { UserPoolId: place.UserPoolId, Username: "ann" };
  const is = (factor: sdk.UserPoolMfaType | string) => ({
    Enabled: user.mfa.enabled.some((one) => one === factor),
    PreferredMfa: user.mfa.preferred === factor,
  });
  await server.client.send(
    new sdk.AdminSetUserMFAPreferenceCommand({
      ...named,
      SMSMfaSettings: is("SMS_MFA"),
      EmailMfaSettings: is("EMAIL_OTP"),
      SoftwareTokenMfaSettings: is("SOFTWARE_TOKEN_MFA"),
    }),
  );
  await turnMfa(server, place, MfaConfiguration as "ON" | "OPTIONAL", settingsOf(pool));
  return { server, ...place, Username: "ann", addresses };
}

const attempted = async <T>(call: Promise<T>): Promise<T | undefined> => call.catch(() => undefined);

/** What came to the address since `before` messages. */
async function newCode({ server, addresses }: Victim, address: Contact, before: number) {
  const messages = await server.inbox(addresses[address]);
  return messages.length > before ? (messages[0]?.code ?? undefined) : undefined;
}
const countOf = async ({ server, addresses }: Victim, address: Contact) =>
  (await server.inbox(addresses[address])).length;

/** Tries to recover the password by one address. */
async function recoverBy(victim: Victim, address: Contact, channel: "user" | "admin"): Promise<boolean> {
  const { server, UserPoolId, ClientId, Username } = victim;
  const before = await countOf(victim, address);
  const named = { UserPoolId, Username };
  await (channel === "user"
    ? attempted(server.client.send(new sdk.ForgotPasswordCommand({ ClientId, Username })))
    : attempted(server.client.send(new sdk.AdminResetUserPasswordCommand(named))));
  const ConfirmationCode = await newCode(victim, address, before);
  if (ConfirmationCode === undefined) return false;
  const input = { ClientId, Username, ConfirmationCode, Password: recovered };
  await server.client.send(new sdk.ConfirmForgotPasswordCommand(input));
  return true;
}

/** Goes on with what comes to the one address, as far as it leads. */
async function follow(
  victim: Victim,
  address: Contact,
  begin: () => Promise<sdk.InitiateAuthCommandOutput>,
): Promise<Reach> {
  const { server, Username: USERNAME } = victim;
  const own = address === "email" ? ["EMAIL_OTP"] : ["SMS_MFA", "SMS_OTP"];
  let before = await countOf(victim, address);
  let asked: sdk.RespondToAuthChallengeCommandOutput | undefined = await attempted(begin());
  for (let turn = 0; turn < 5 && asked !== undefined; turn++) {
    if (asked.AuthenticationResult !== undefined) return "tokens";
    const { ChallengeName = "none" } = asked;
    if (ChallengeName === "MFA_SETUP") return "MFA_SETUP";
    if (ChallengeName === "SELECT_MFA_TYPE")
      asked = await attempted(respond(server, victim, asked, { USERNAME, ANSWER: own[0]! }));
    else if (own.includes(ChallengeName)) {
      const code = await newCode(victim, address, before);
      before = await countOf(victim, address);
      if (code === undefined) return "nothing";
      asked = await attempted(respond(server, victim, asked, { USERNAME, [`${ChallengeName}_CODE`]: code }));
    } else return "nothing";
  }
  return "nothing";
}

forEachServer("recovery and second factors", (open, database) => {
  test("a sample of all cases: one address never leads to tokens where two factors are demanded", async () => {
    const server = await open();
    // Each database has its half.
    for (const one of sample(10).filter((_one, at) => at % 2 === (database === "sqlite" ? 0 : 1))) {
      const victim = await makeVictim(server, one);
      const [first] = recoveredBy(one);
      for (const address of contacts)
        for (const channel of ["user", "admin"] as const) {
          const what = JSON.stringify({ address, channel, pool: one.pool.document, user: one.user });
          const isRecovered = await recoverBy(victim, address, channel);
          assert.equal(isRecovered, address === first, what);
          const ways = [() => start(server, victim, "ann", "USER_PASSWORD_AUTH", { PASSWORD: recovered })];
          const PREFERRED_CHALLENGE = address === "email" ? "EMAIL_OTP" : "SMS_OTP";
          ways.push(() => start(server, victim, "ann", "USER_AUTH", { PREFERRED_CHALLENGE }));
          const reached: Reach[] = [];
          for (const way of ways) reached.push(await follow(victim, address, way));
          assert.ok(!reached.includes("tokens"), what);
          const expected = isRecovered ? reachOf(one, address) : "nothing";
          assert.equal(reached.includes("MFA_SETUP"), expected === "MFA_SETUP", what);
          await server.client.send(
            new sdk.AdminSetUserPasswordCommand({
              UserPoolId: victim.UserPoolId,
              Username: "ann",
              Password: password,
              Permanent: true,
            }),
          );
        }
    }
  });

  /** Ann in a pool that demands MFA by codes to what she has verified; she has turned nothing on. */
  async function neverAsked(contact: Contact) {
    const server = await open();
    const place = await makeApp(server, {}, { ExplicitAuthFlows: ["ALLOW_USER_PASSWORD_AUTH"] });
    const addresses = { email: newAddress(), phone_number: newPhone() };
    await makeUser(server, place.UserPoolId, "ann", [
      { Name: contact, Value: addresses[contact] },
      { Name: `${contact}_verified`, Value: "true" },
    ]);
    const victim: Victim = { server, ...place, Username: "ann", addresses };
    const demand = () => turnMfa(server, place, "ON");
    return { server, place, victim, demand };
  }

  for (const contact of contacts)
    test(`where MFA is demanded, the only ${contact} is a factor, and recovers nothing by any door`, async () => {
      const { server, place, victim, demand } = await neverAsked(contact);
      await demand();
      const { UserPoolId, ClientId } = place;
      const refusal = refused("InvalidParameterException", nothingVerified);
      await assert.rejects(
        server.client.send(new sdk.ForgotPasswordCommand({ ClientId, Username: "ann" })),
        refusal,
      );
      await assert.rejects(
        server.client.send(new sdk.AdminResetUserPasswordCommand({ UserPoolId, Username: "ann" })),
        refusal,
      );
      const visitor = newVisitor(server, place);
      const page = await visitor.get(`/forgotPassword?${queryOf(place)}`);
      await visitor.submit(page, "/forgotPassword", { username: "ann" });
      assert.equal(await countOf(victim, contact), 0);
      // The refused reset has left everything as it was.
      const challenge = await start(server, place, "ann");
      assert.equal(challenge.ChallengeName, contact === "email" ? "EMAIL_OTP" : "SMS_MFA");
    });

  test("a code is void once its address has become a second factor, or recovers no more", async () => {
    const { server, place, victim, demand } = await neverAsked("email");
    const { UserPoolId, ClientId } = place;
    const confirm = async () =>
      server.client.send(
        new sdk.ConfirmForgotPasswordCommand({
          ClientId,
          Username: "ann",
          ConfirmationCode: await server.code(victim.addresses.email),
          Password: recovered,
        }),
      );
    const ask = () => server.client.send(new sdk.ForgotPasswordCommand({ ClientId, Username: "ann" }));
    const set = (Name: "verified_phone_number" | "admin_only" | "verified_email") =>
      server.client.send(
        new sdk.UpdateUserPoolCommand({
          UserPoolId,
          AccountRecoverySetting: { RecoveryMechanisms: [{ Priority: 1, Name }] },
        }),
      );
    await ask();
    await set("verified_phone_number");
    await assert.rejects(confirm(), refused("ExpiredCodeException"));
    await set("admin_only");
    await assert.rejects(confirm(), refused("NotAuthorizedException"));
    await set("verified_email");
    await demand();
    await assert.rejects(confirm(), refused("ExpiredCodeException"));
    // The code itself was not used up by any of that.
    await server.client.send(new sdk.SetUserPoolMfaConfigCommand({ UserPoolId, MfaConfiguration: "OFF" }));
    await confirm();
  });

  test("a user to whom nothing is sent has an event that says so, whoever hides it from whom", async () => {
    const { server, place, victim, demand } = await neverAsked("email");
    const { UserPoolId, ClientId } = place;
    const { client } = server;
    await demand();
    const made = await client.send(
      new sdk.CreateUserPoolClientCommand({
        UserPoolId,
        ClientName: "hides",
        PreventUserExistenceErrors: "ENABLED",
      }),
    );
    const responses = async () => {
      const { AuthEvents } = await client.send(
        new sdk.AdminListUserAuthEventsCommand({ UserPoolId, Username: "ann" }),
      );
      const events = AuthEvents!.filter(({ EventType }) => EventType === "ForgotPassword");
      return events.map(({ EventType, EventResponse }) => `${EventType} ${EventResponse}`);
    };
    const ask = (Client: string, Username = "ann") =>
      client.send(new sdk.ForgotPasswordCommand({ ClientId: Client, Username }));
    await assert.rejects(ask(ClientId), refused("InvalidParameterException", nothingVerified));
    assert.deepEqual(await responses(), ["ForgotPassword Fail"]);
    await ask(made.UserPoolClient!.ClientId!);
    assert.deepEqual(await responses(), ["ForgotPassword Fail", "ForgotPassword Fail"]);
    assert.equal(await countOf(victim, "email"), 0);
    await client.send(new sdk.SetUserPoolMfaConfigCommand({ UserPoolId, MfaConfiguration: "OFF" }));
    await ask(made.UserPoolClient!.ClientId!);
    assert.deepEqual((await responses()).toSorted(), [
      "ForgotPassword Fail",
      "ForgotPassword Fail",
      "ForgotPassword InProgress",
    ]);
  });

  test("the log says why nothing was sent, of a name that nobody has as well", async () => {
    const { server, place, demand } = await neverAsked("email");
    await demand();
    const lines: Record<string, unknown>[] = [];
    const log = pino({ base: null }, { write: (line) => lines.push(JSON.parse(line)) });
    const who = { requestId: "r", address: "127.0.0.1", userAgent: undefined };
    const ctx = createCtx({ ...server.app, log }, who);
    const { pool, client } = await loadClient(ctx, place.ClientId);
    const hiding = {
      ...client,
      document: { ...client.document, PreventUserExistenceErrors: "ENABLED" },
    } as const;
    for (const name of ["ann", "nobody"]) await forgotPassword(ctx, pool, hiding, name);
    assert.deepEqual(
      lines.map(({ msg, userId, detail }) => [msg, typeof userId, detail]),
      [
        ["ForgotPassword", "string", "nothing sent: the address is a second factor"],
        ["ForgotPassword", "undefined", "nothing sent: nobody has this name"],
      ],
    );
    await assert.rejects(forgotPassword(ctx, pool, client, "ann"), {
      detail: "nothing sent: the address is a second factor",
    });
  });
});
