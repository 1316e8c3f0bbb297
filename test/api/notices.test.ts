/** What owners of accounts are told of by e-mail: each notice, and everything that keeps one from being sent. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as sdk from "@aws-sdk/client-cognito-identity-provider";
import { composeNotice } from "../../src/domain/messages/notices.ts";
import { noticeNames } from "../../src/domain/user-pools/notice-tag.ts";
import { languageTags } from "../../src/lib/language.ts";
import { confirmDevice, newPhone, signInFirst } from "../doors/waits.ts";
import { Authenticator } from "../kit/authenticator.ts";
import { call } from "../kit/calls.ts";
import { giveSoftwareToken, respond, smsConfiguration, start, totp, turnMfa } from "../kit/factors.ts";
import { makePool, makeUser, newAddress, password, refused, signIn } from "../kit/people.ts";
import { forOneServer, type TestServer } from "../kit/server.ts";

const newPassword = "Another-Secret-1";
const noNotices = "poolhouse:no-notices";
const relyingParty = "app.example";

interface Person {
  readonly server: TestServer;
  readonly UserPoolId: string;
  readonly ClientId: string;
  readonly Username: string;
  readonly email: string;
  readonly phone: string;
}

const named = ({ UserPoolId, Username }: Person) => ({ UserPoolId, Username });
const tokenOf = async ({ server, ClientId, Username }: Person) =>
  (await signIn(server, ClientId, Username)).AccessToken;

/** Names of the notices that the pool has queued, in alphabetical order. */
async function noticesOf({ server, UserPoolId }: Person): Promise<string[]> {
  const rows = await server.app.db.kysely
    .selectFrom("outbox")
    .select("kind")
    .where("pool_id", "=", UserPoolId)
    .where("kind", "like", "notice:%" as never)
    .execute();
  return rows.map(({ kind }) => kind.slice("notice:".length)).sort();
}

const forget = ({ server, UserPoolId }: Person) =>
  server.app.db.kysely.deleteFrom("outbox").where("pool_id", "=", UserPoolId).execute();

const attributes = (person: Pick<Person, "email" | "phone">, verified: boolean) => [
  { Name: "email", Value: person.email },
  { Name: "email_verified", Value: String(verified) },
  { Name: "phone_number", Value: person.phone },
  { Name: "phone_number_verified", Value: "true" },
];

async function makePerson(
  server: TestServer,
  { tag, verified = true, asks = false }: { tag?: string; verified?: boolean; asks?: boolean } = {},
): Promise<Person> {
  const pool = await makePool(server, {
    DeviceConfiguration: { ChallengeRequiredOnNewDevice: true, DeviceOnlyRememberedOnUserPrompt: asks },
    Policies: { SignInPolicy: { AllowedFirstAuthFactors: ["PASSWORD", "WEB_AUTHN"] } },
    ...(tag !== undefined && { UserPoolTags: { [noNotices]: tag } }),
  });
  await turnMfa(server, pool, "OPTIONAL", {
    SmsMfaConfiguration: smsConfiguration,
    SoftwareTokenMfaConfiguration: { Enabled: true },
    WebAuthnConfiguration: { RelyingPartyId: relyingParty },
  });
  const person = { server, ...pool, Username: "ann", email: newAddress(), phone: newPhone() };
  await makeUser(server, pool.UserPoolId, person.Username, attributes(person, verified));
  assert.deepEqual(await noticesOf(person), [], "nobody is told of the first password");
  return person;
}

async function addPasskey(person: Person): Promise<{ AccessToken: string; CredentialId: string }> {
  const { client } = person.server;
  const AccessToken = await tokenOf(person);
  const begun = await client.send(new sdk.StartWebAuthnRegistrationCommand({ AccessToken }));
  const authenticator = new Authenticator(`https://${relyingParty}`);
  const Credential = authenticator.create(begun.CredentialCreationOptions) as never;
  await client.send(new sdk.CompleteWebAuthnRegistrationCommand({ AccessToken, Credential }));
  const { Credentials } = await client.send(new sdk.ListWebAuthnCredentialsCommand({ AccessToken }));
  return { AccessToken, CredentialId: Credentials?.[0]?.CredentialId ?? assert.fail("no passkey") };
}

const preferSms = (person: Person, Enabled: boolean) =>
  person.server.client.send(
    new sdk.AdminSetUserMFAPreferenceCommand({ ...named(person), SMSMfaSettings: { Enabled } }),
  );

const hour = 60 * 60 * 1000;

/** Signs in, an hour after the user first came to this network, and confirms the device. */
async function addDevice(person: Person) {
  await tokenOf(person);
  person.server.clock.advance(hour);
  const signedIn = await signInFirst(person);
  return { ...signedIn, device: await confirmDevice(person, signedIn) };
}

const rememberDevice = (
  { server }: Person,
  { AccessToken, device }: { AccessToken: string; device: { key: string } },
  DeviceRememberedStatus: sdk.DeviceRememberedStatusType = "remembered",
) =>
  server.client.send(
    new sdk.UpdateDeviceStatusCommand({ AccessToken, DeviceKey: device.key, DeviceRememberedStatus }),
  );

const signInFrom = ({ server, ClientId, Username }: Person, from: string, agent = "curl/8.5.0") => {
  const AuthParameters = { USERNAME: Username, PASSWORD: password };
  const body = { ClientId, AuthFlow: "USER_PASSWORD_AUTH", AuthParameters };
  return call(server.endpoint, "InitiateAuth", body, { "x-forwarded-for": from, "user-agent": agent });
};

interface Event {
  readonly act: (person: Person) => Promise<unknown>;
  /** The notices of it, in alphabetical order. */
  readonly notices: readonly (typeof noticeNames)[number][];
  /** Whether a code has to arrive. */
  readonly needsCode?: boolean;
}

const events: Readonly<Record<string, Event>> = {
  ChangePassword: {
    act: async (person) => {
      const AccessToken = await tokenOf(person);
      const passwords = { PreviousPassword: password, ProposedPassword: newPassword };
      await person.server.client.send(new sdk.ChangePasswordCommand({ AccessToken, ...passwords }));
    },
    notices: ["password-changed"],
  },
  ConfirmForgotPassword: {
    act: async ({ server, ClientId, Username, email, phone }) => {
      const of = { ClientId, Username };
      const { CodeDeliveryDetails } = await server.client.send(new sdk.ForgotPasswordCommand(of));
      const ConfirmationCode = await server.code(
        CodeDeliveryDetails?.DeliveryMedium === "SMS" ? phone : email,
      );
      const change = { ...of, ConfirmationCode, Password: newPassword };
      await server.client.send(new sdk.ConfirmForgotPasswordCommand(change));
    },
    notices: ["password-changed"],
    needsCode: true,
  },
  AdminSetUserPassword: {
    act: (person) =>
      person.server.client.send(
        new sdk.AdminSetUserPasswordCommand({ ...named(person), Password: newPassword, Permanent: true }),
      ),
    notices: ["password-changed"],
  },
  NEW_PASSWORD_REQUIRED: {
    act: async (person) => {
      const Password = "Temporary-Secret-1";
      await person.server.client.send(
        new sdk.AdminSetUserPasswordCommand({ ...named(person), Password, Permanent: false }),
      );
      await forget(person);
      const asked = await start(person.server, person, person.Username, "USER_PASSWORD_AUTH", {
        PASSWORD: Password,
      });
      const answer = { USERNAME: person.Username, NEW_PASSWORD: newPassword };
      await respond(person.server, person, asked, answer);
    },
    notices: ["password-changed"],
  },
  "VerifySoftwareToken and SetUserMFAPreference": {
    act: async (person) => giveSoftwareToken(person.server, await tokenOf(person)),
    notices: ["factor-added"],
  },
  AdminDeleteSoftwareToken: {
    act: async (person) => {
      await giveSoftwareToken(person.server, await tokenOf(person));
      await forget(person);
      await person.server.client.send(new sdk.AdminDeleteSoftwareTokenCommand(named(person)));
    },
    notices: ["factor-removed"],
  },
  "AdminSetUserMFAPreference, SMS on": {
    act: (person) => preferSms(person, true),
    notices: ["factor-added"],
  },
  "AdminSetUserMFAPreference, SMS off": {
    act: async (person) => {
      await preferSms(person, true);
      await forget(person);
      await preferSms(person, false);
    },
    notices: ["factor-removed"],
  },
  CompleteWebAuthnRegistration: { act: addPasskey, notices: ["factor-added"] },
  DeleteWebAuthnCredential: {
    act: async (person) => {
      const made = await addPasskey(person);
      await forget(person);
      await person.server.client.send(new sdk.DeleteWebAuthnCredentialCommand(made));
    },
    notices: ["factor-removed"],
  },
  "a sign-in from another network": {
    act: async (person) => {
      await signInFrom(person, "198.51.100.1");
      assert.deepEqual(await noticesOf(person), [], "the very first sign-in");
      await signInFrom(person, "198.51.100.1");
      await signInFrom(person, "198.51.100.2");
      assert.equal((await signInFrom(person, "198.51.100.2")).status, 200);
    },
    notices: ["new-sign-in"],
  },
  ConfirmDevice: { act: addDevice, notices: ["device-remembered"] },
  AdminUpdateUserAttributes: {
    act: (person) =>
      person.server.client.send(
        new sdk.AdminUpdateUserAttributesCommand({
          ...named(person),
          UserAttributes: attributes({ email: newAddress(), phone: newPhone() }, true),
        }),
      ),
    notices: ["address-changed"],
  },
  UpdateUserAttributes: {
    act: async (person) =>
      person.server.client.send(
        new sdk.UpdateUserAttributesCommand({
          AccessToken: await tokenOf(person),
          UserAttributes: [{ Name: "email", Value: newAddress() }],
        }),
      ),
    notices: ["address-changed"],
  },
  DeleteUser: {
    act: async (person) =>
      person.server.client.send(new sdk.DeleteUserCommand({ AccessToken: await tokenOf(person) })),
    notices: ["account-deleted"],
  },
  AdminDeleteUser: {
    act: (person) => person.server.client.send(new sdk.AdminDeleteUserCommand(named(person))),
    notices: ["account-deleted"],
  },
};

const proxied = { POOLHOUSE_TRUSTED_PROXIES: "127.0.0.1" };

forOneServer(
  "sqlite",
  "notices",
  (open) => {
    for (const [event, { act, notices }] of Object.entries(events)) {
      test(`${event}: sent, unless a tag names it or the address is not verified`, async () => {
        const server = await open();
        const others = noticeNames.filter((name) => !notices.includes(name)).join(" ");
        for (const [made, expected] of [
          [{}, notices],
          [{ tag: others }, notices],
          [{ tag: notices.join(" ") }, []],
          [{ tag: "*" }, []],
          [{ verified: false }, []],
        ] as const) {
          const person = await makePerson(server, made);
          await act(person);
          assert.deepEqual(await noticesOf(person), expected, JSON.stringify(made));
        }
      });
    }

    test("each notice has an event", () => {
      const known = new Set(Object.values(events).flatMap(({ notices }) => notices));
      assert.deepEqual([...known].sort(), [...noticeNames].sort());
    });

    test("a notice goes to the address from before, says when and where, and has no link", async () => {
      const server = await open();
      const person = await makePerson(server);
      await signInFrom(person, "198.51.100.1");
      await signInFrom(person, "198.51.100.9", "evil.example/1 (+https://evil.example) <b>");
      const [told = assert.fail("no notice")] = await server.notices(person.email);
      assert.equal(told.subject, "New sign-in to your account");
      assert.match(told.body, /^When: \d{4}-\d\d-\d\d \d\d:\d\d \(UTC\)<br>$/m);
      assert.match(told.body, /^From: 198\.51\.100\.9, evil example 1\b/m);
      assert.doesNotMatch(told.body, /https?:|<[^b]|evil\.|<b>/);
      await forget(person);
      await events["AdminUpdateUserAttributes"]!.act(person);
      const [changed = assert.fail("no notice")] = await server.notices(person.email);
      assert.match(changed.body, /An administrator did this\./);
      assert.doesNotMatch(changed.body, /From:/);
    });

    test("a device of a network that has just become the user's is part of the notice of it", async () => {
      const server = await open();
      const person = await makePerson(server);
      await tokenOf(person);
      const device = async (from: string) => {
        const { body } = await signInFrom(person, from);
        const { AccessToken, NewDeviceMetadata: metadata } = body[
          "AuthenticationResult"
        ] as sdk.AuthenticationResultType;
        const key = metadata?.DeviceKey;
        const Salt = Buffer.alloc(16, 1).toString("base64");
        const PasswordVerifier = Buffer.alloc(384, 1).toString("base64");
        const DeviceSecretVerifierConfig = { Salt, PasswordVerifier };
        const request = { AccessToken, DeviceKey: key, DeviceSecretVerifierConfig };
        const confirm = () => call(server.endpoint, "ConfirmDevice", request, { "x-forwarded-for": from });
        const answer = await confirm();
        assert.equal(answer.status, 200, answer.message);
        return confirm;
      };
      await device("198.51.100.1");
      assert.deepEqual(await noticesOf(person), ["new-sign-in"]);
      await forget(person);
      server.clock.advance(hour);
      const again = await device("198.51.100.1");
      assert.deepEqual(await noticesOf(person), ["device-remembered"]);
      assert.equal((await again()).type, "DeviceKeyExistsException");
      assert.deepEqual(await noticesOf(person), ["device-remembered"]);
    });

    test("where new sign-ins are not told, a device of a new network is", async () => {
      const server = await open();
      const person = await makePerson(server, { tag: "new-sign-in" });
      await confirmDevice(person, await signInFirst(person));
      assert.deepEqual(await noticesOf(person), ["device-remembered"]);
    });

    test("a device that users are asked about is told of once it is remembered, and each time anew", async () => {
      const server = await open();
      const person = await makePerson(server, { asks: true });
      const made = await addDevice(person);
      assert.deepEqual(await noticesOf(person), []);
      await rememberDevice(person, made);
      await rememberDevice(person, made);
      assert.deepEqual(await noticesOf(person), ["device-remembered"]);
      await rememberDevice(person, made, "not_remembered");
      assert.deepEqual(await noticesOf(person), ["device-remembered"]);
      await server.client.send(
        new sdk.AdminUpdateDeviceStatusCommand({
          ...named(person),
          DeviceKey: made.device.key,
          DeviceRememberedStatus: "remembered",
        }),
      );
      assert.deepEqual(await noticesOf(person), ["device-remembered", "device-remembered"]);
    });

    test("somebody who takes an account over cannot take a notice back by deleting the account", async () => {
      const server = await open();
      const person = await makePerson(server);
      const AccessToken = await tokenOf(person);
      const UserAttributes = [{ Name: "email", Value: newAddress() }];
      await server.client.send(new sdk.UpdateUserAttributesCommand({ AccessToken, UserAttributes }));
      await server.client.send(new sdk.DeleteUserCommand({ AccessToken }));
      const told = await server.notices(person.email);
      assert.deepEqual(
        told.map(({ kind }) => kind),
        ["notice:address-changed"],
      );
    });

    test("what fails leaves no notice", async () => {
      const server = await open();
      const person = await makePerson(server);
      const AccessToken = await tokenOf(person);
      const change = { AccessToken, PreviousPassword: "Wrong-Secret-1", ProposedPassword: newPassword };
      await assert.rejects(
        server.client.send(new sdk.ChangePasswordCommand(change)),
        refused("NotAuthorizedException"),
      );
      const { SecretCode } = await server.client.send(new sdk.AssociateSoftwareTokenCommand({ AccessToken }));
      const UserCode = totp(SecretCode ?? "", server.clock.now, 100);
      await assert.rejects(
        server.client.send(new sdk.VerifySoftwareTokenCommand({ AccessToken, UserCode })),
        refused("EnableSoftwareTokenMFAException"),
      );
      assert.deepEqual(await noticesOf(person), []);
    });

    test("a tag that names no notice is refused", async () => {
      const server = await open();
      const setting = (value: string) => makePool(server, { UserPoolTags: { [noNotices]: value } });
      for (const wrong of ["password", "password-changed,factor-added", "", "all"])
        await assert.rejects(
          setting(wrong),
          refused("InvalidParameterException", /must be \* or names of notices/),
        );
      await setting("password-changed  factor-added");
    });
  },
  proxied,
);

forOneServer(
  "sqlite",
  "notices beyond the share",
  (open) => {
    test("a mailbox gets its share of notices each hour, and codes still arrive", async () => {
      const server = await open();
      const person = await makePerson(server);
      for (const last of [1, 2, 3, 4, 5, 6]) await signInFrom(person, `198.51.100.${last}`);
      assert.deepEqual(await noticesOf(person), ["new-sign-in", "new-sign-in"]);
      const { ClientId, Username, email } = person;
      await server.client.send(new sdk.ForgotPasswordCommand({ ClientId, Username }));
      assert.match(await server.code(email), /^\d{6}$/);
      server.clock.advance(3600_000);
      await signInFrom(person, "198.51.100.7");
      assert.deepEqual(await noticesOf(person), ["new-sign-in", "new-sign-in", "new-sign-in"]);
    });
  },
  { ...proxied, POOLHOUSE_LIMITS: "notices-per-destination=2,messages-per-destination=1" },
);

forOneServer(
  "sqlite",
  "notices without a sender of e-mail",
  (open) => {
    test("none is queued, and nothing fails", async () => {
      const server = await open();
      for (const [event, { act, needsCode = false }] of Object.entries(events)) {
        if (needsCode) continue;
        const person = await makePerson(server);
        await act(person);
        assert.deepEqual(await noticesOf(person), [], event);
      }
    });
  },
  { ...proxied, POOLHOUSE_EXTRA_HOSTS: "id.example.com" },
);

test("every notice is worded in every language, and none has a link", () => {
  for (const language of languageTags) {
    for (const name of noticeNames) {
      const facts = { at: 0, address: "2001:db8::1", program: "Chrome 125 / macOS 15.0", language };
      const { subject, body } = composeNotice(name, { ...facts, byAdministrator: false });
      assert.ok(subject.length > 0 && !subject.includes("{"), `${language} ${name}`);
      assert.match(body, /1970-01-01 00:00 \(UTC\)/);
      assert.match(body, /2001:db8::1, Chrome 125 macOS 15\.0/);
      assert.doesNotMatch(body, /[{}]|http|href/);
      assert.equal(body.startsWith('<div dir="rtl">'), language === "ar");
    }
  }
});
