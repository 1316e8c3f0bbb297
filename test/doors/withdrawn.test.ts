/**
 * Factors that are deleted, replaced, forgotten or turned off while a sign-in waits for them: what was right when it was
 * asked for proves nothing any more.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as sdk from "@aws-sdk/client-cognito-identity-provider";
import { smsConfiguration, totp, turnMfa } from "../api/factors.ts";
import { newAddress } from "../api/people.ts";
import { forEachServer, type TestServer } from "../api/server.ts";
import { SrpClient } from "../clients/support.ts";
import {
  at,
  byPassword,
  confirmDevice,
  deviceProof,
  everySecond,
  fromDevice,
  makePerson,
  makePools,
  newPhone,
  openPool,
  type Person,
  type Pools,
  personFor,
  prefer,
  respondAt,
  signInFirst,
  toVerifier,
  waits,
} from "./waits.ts";
import { call, initiate } from "./ways.ts";
import type { Answer } from "./wire.ts";

interface Withdrawal {
  /** Of the table of waits. */
  readonly wait: string;
  readonly lose: (person: Person, pools: Pools) => Promise<unknown>;
  readonly type: string;
  /** Of the pools; people are nobody else's. */
  readonly restore?: (person: Person, pools: Pools) => Promise<unknown>;
}

const user = ({ UserPoolId, Username }: Person) => ({ UserPoolId, Username });

/** Sets a pool's factors to these alone. */
const only =
  (which: keyof Pools, mode: "ON" | "OPTIONAL", factors: Parameters<typeof turnMfa>[3]) =>
  ({ server }: Person, pools: Pools) =>
    turnMfa(server, pools[which], mode, factors);
const restoreMfa = (person: Person, pools: Pools) =>
  Promise.all([
    only("open", "OPTIONAL", everySecond)(person, pools),
    only("strict", "ON", everySecond)(person, pools),
  ]);
const sms = { SmsMfaConfiguration: smsConfiguration };
const email = { EmailMfaConfiguration: {} };

const updatePool = (person: Person, settings: Partial<sdk.UpdateUserPoolCommandInput>) =>
  person.server.client.send(
    new sdk.UpdateUserPoolCommand({
      UserPoolId: person.UserPoolId,
      ...openPool,
      // Without it the pool could send no SMS any more.
      ...smsConfiguration,
      MfaConfiguration: "OPTIONAL",
      ...settings,
    }),
  );
const firstFactors = (...AllowedFirstAuthFactors: sdk.AuthFactorType[]) => ({
  lose: (person: Person) => updatePool(person, { Policies: { SignInPolicy: { AllowedFirstAuthFactors } } }),
  restore: (person: Person) => updatePool(person, {}),
  type: "NotAuthorizedException",
});

const setAttributes = (attributes: Record<string, string>) => (person: Person) =>
  person.server.client.send(
    new sdk.AdminUpdateUserAttributesCommand({
      ...user(person),
      UserAttributes: Object.entries(attributes).map(([Name, Value]) => ({ Name, Value })),
    }),
  );
const deleteToken = (person: Person) =>
  person.server.client.send(new sdk.AdminDeleteSoftwareTokenCommand(user(person)));

/** By the user, who is still signed in elsewhere. */
async function replaceToken({ server: { client, clock }, AccessToken }: Person): Promise<string> {
  const { SecretCode } = await client.send(new sdk.AssociateSoftwareTokenCommand({ AccessToken }));
  const UserCode = totp(SecretCode!, clock.now, -1);
  await client.send(new sdk.VerifySoftwareTokenCommand({ AccessToken, UserCode }));
  return SecretCode!;
}

/** The owner, or whoever else knows the password, sets up a token in a sign-in of their own. */
async function setUpToken(person: Person): Promise<void> {
  const { session } = at("MFA_SETUP", await byPassword(person));
  const { SecretCode, Session } = await person.server.client.send(
    new sdk.AssociateSoftwareTokenCommand({ Session: session }),
  );
  const UserCode = totp(SecretCode!, person.server.clock.now);
  await person.server.client.send(new sdk.VerifySoftwareTokenCommand({ Session, UserCode }));
}

const noFactor = "MFAMethodNotFoundException";
const noToken = "SoftwareTokenMFANotFoundException";
const noSession = "NotAuthorizedException";
const otherAddress = { email: newAddress(), email_verified: "true" };
const otherPhone = () => setAttributes({ phone_number: newPhone(), phone_number_verified: "true" });

const withdrawals: Readonly<Record<string, Withdrawal>> = {
  "a software token that an administrator deletes": {
    wait: "SOFTWARE_TOKEN_MFA",
    lose: deleteToken,
    type: noToken,
  },
  "a software token that the user replaces": {
    wait: "SOFTWARE_TOKEN_MFA",
    lose: replaceToken,
    type: "CodeMismatchException",
  },
  "a software token that is preferred no more": {
    wait: "SOFTWARE_TOKEN_MFA",
    lose: (person) => prefer(person, { SoftwareTokenMfaSettings: { Enabled: false } }),
    type: noToken,
  },
  "software tokens, in a pool": {
    wait: "SOFTWARE_TOKEN_MFA",
    lose: only("open", "OPTIONAL", { ...sms, ...email }),
    restore: restoreMfa,
    type: noToken,
  },
  "software tokens, in a pool that begins to demand another factor": {
    wait: "SOFTWARE_TOKEN_MFA",
    lose: only("open", "ON", { ...sms, ...email }),
    restore: restoreMfa,
    type: noToken,
  },
  "codes by SMS, in a pool": {
    wait: "SMS_MFA",
    lose: only("open", "OPTIONAL", email),
    restore: restoreMfa,
    type: noFactor,
  },
  "codes by SMS, in a pool that begins to demand another factor": {
    wait: "SMS_MFA",
    lose: only("open", "ON", email),
    restore: restoreMfa,
    type: noFactor,
  },
  "codes by e-mail, in a pool": {
    wait: "EMAIL_OTP after a password",
    lose: only("open", "OPTIONAL", sms),
    restore: restoreMfa,
    type: noFactor,
  },
  "codes by SMS, for a user": {
    wait: "SMS_MFA",
    lose: (person) => prefer(person, { SMSMfaSettings: { Enabled: false } }),
    type: noFactor,
  },
  "the factor that is about to be chosen": {
    wait: "SELECT_MFA_TYPE",
    lose: only("open", "OPTIONAL", sms),
    restore: restoreMfa,
    type: "InvalidParameterException",
  },
  "a phone that is another's now": { wait: "SMS_MFA", lose: otherPhone(), type: "CodeMismatchException" },
  "a mailbox that is another's now": {
    wait: "EMAIL_OTP after a password",
    lose: setAttributes(otherAddress),
    type: "CodeMismatchException",
  },
  "a mailbox that was signed in by": {
    wait: "EMAIL_OTP",
    lose: setAttributes(otherAddress),
    type: "CodeMismatchException",
  },
  "a mailbox that is not verified any more": {
    wait: "EMAIL_OTP",
    lose: setAttributes({ email_verified: "false" }),
    type: "CodeMismatchException",
  },
  "a phone that was signed in by": { wait: "SMS_OTP", lose: otherPhone(), type: "CodeMismatchException" },
  "e-mail as a first factor": { wait: "EMAIL_OTP", ...firstFactors("PASSWORD", "SMS_OTP", "WEB_AUTHN") },
  "SMS as a first factor": { wait: "SMS_OTP", ...firstFactors("PASSWORD", "EMAIL_OTP", "WEB_AUTHN") },
  "passkeys as a first factor": { wait: "WEB_AUTHN", ...firstFactors("PASSWORD", "EMAIL_OTP") },
  "a passkey that the user deletes": {
    wait: "WEB_AUTHN",
    lose: ({ server, AccessToken, passkey }) => {
      const CredentialId = passkey!.id.toString("base64url");
      return server.client.send(new sdk.DeleteWebAuthnCredentialCommand({ AccessToken, CredentialId }));
    },
    type: noSession,
  },
  "passkeys of another relying party": {
    wait: "WEB_AUTHN",
    lose: only("open", "OPTIONAL", { ...everySecond, WebAuthnConfiguration: { RelyingPartyId: "example" } }),
    restore: restoreMfa,
    type: noSession,
  },
  "an address to set up, where the pool takes none": {
    wait: "MFA_SETUP, of an address",
    lose: only("strict", "ON", sms),
    restore: restoreMfa,
    type: "InvalidParameterException",
  },
  "an address whose code has come, where the pool takes none": {
    wait: "the code of MFA_SETUP",
    lose: only("strict", "ON", sms),
    restore: restoreMfa,
    type: noFactor,
  },
  "software tokens, before one is associated": {
    wait: "AssociateSoftwareToken",
    lose: only("strict", "ON", sms),
    restore: restoreMfa,
    type: noToken,
  },
  "software tokens, before one is verified": {
    wait: "VerifySoftwareToken",
    lose: only("strict", "ON", sms),
    restore: restoreMfa,
    type: noToken,
  },
  "software tokens, after one was verified": {
    wait: "MFA_SETUP, of a software token",
    lose: only("strict", "ON", sms),
    restore: restoreMfa,
    type: noToken,
  },
  "the software token that was just set up": {
    wait: "MFA_SETUP, of a software token",
    lose: deleteToken,
    type: noToken,
  },
  "the software token that was just set up, which another takes the place of": {
    wait: "MFA_SETUP, of a software token",
    lose: async (person) => {
      await deleteToken(person);
      person.server.clock.advance(61_000);
      await setUpToken(person);
    },
    type: noToken,
  },
  "the right to set up an address, of a user who has a factor meanwhile": {
    wait: "MFA_SETUP, of an address",
    lose: setUpToken,
    type: noSession,
  },
  "the right to confirm an address, of a user who has a factor meanwhile": {
    wait: "the code of MFA_SETUP",
    lose: setUpToken,
    type: noSession,
  },
  "the right to set up a token, of a user who has a factor meanwhile": {
    wait: "AssociateSoftwareToken",
    lose: setUpToken,
    type: noSession,
  },
  "the right to verify a token, of a user who has a factor meanwhile": {
    wait: "VerifySoftwareToken",
    lose: setUpToken,
    type: noSession,
  },
  "a device that is forgotten before it is asked for its proof": {
    wait: "DEVICE_SRP_AUTH",
    lose: (person) => forget(person),
    type: "ResourceNotFoundException",
  },
  "a device that is forgotten before its proof comes": {
    wait: "DEVICE_PASSWORD_VERIFIER",
    lose: (person) => forget(person),
    type: "ResourceNotFoundException",
  },
};

const forget = (person: Person, DeviceKey = person.device!.key) =>
  person.server.client.send(new sdk.AdminForgetDeviceCommand({ ...user(person), DeviceKey }));
const remember = (person: Person, DeviceKey: string, is: sdk.DeviceRememberedStatusType) =>
  person.server.client.send(
    new sdk.AdminUpdateDeviceStatusCommand({ ...user(person), DeviceKey, DeviceRememberedStatus: is }),
  );

/** It goes on, and not to tokens. */
function assertAsked(answer: Answer, challenge: string, what: string): string {
  assert.equal(answer.body["AuthenticationResult"], undefined, what);
  return at(challenge, answer).session;
}

forEachServer("factors that are gone", (open) => {
  let world: Promise<{ server: TestServer; pools: Pools }> | undefined;
  const together = () => {
    world ??= (async () => {
      const server = await open();
      return { server, pools: await makePools(server) };
    })();
    return world;
  };
  const personWith = async (wait: string) => {
    const { server, pools } = await together();
    const person = await personFor(server, pools, wait);
    server.clock.advance(61_000);
    return { server, pools, person };
  };

  for (const [what, { wait, lose, restore, type }] of Object.entries(withdrawals)) {
    test(`${wait}: ${what}`, async () => {
      const { pools, person } = await personWith(wait);
      const attempt = await waits[wait]!.begin(person);
      await lose(person, pools);
      const answer = await attempt("public");
      await restore?.(person, pools);
      assert.deepEqual([answer.status, answer.type], [400, type], JSON.stringify(answer.body));
      assert.equal(answer.body["AuthenticationResult"], undefined);
    });
  }

  test("a token that replaced another is the one that is asked for", async () => {
    const { server, person } = await personWith("SOFTWARE_TOKEN_MFA");
    const { session } = at("SOFTWARE_TOKEN_MFA", await byPassword(person));
    const secret = await replaceToken(person);
    const responses = { SOFTWARE_TOKEN_MFA_CODE: totp(secret, server.clock.now) };
    const answer = await respondAt("public", person, "SOFTWARE_TOKEN_MFA", session, responses);
    assert.ok(answer.body["AuthenticationResult"], answer.message);
  });

  test("a device that is not remembered any more stands for no factor, whichever of its steps waits", async () => {
    const { person } = await personWith("DEVICE_SRP_AUTH");
    const { key } = person.device!;
    for (const wait of ["DEVICE_SRP_AUTH", "DEVICE_PASSWORD_VERIFIER"]) {
      const attempt = await waits[wait]!.begin(person);
      await remember(person, key, "not_remembered");
      assertAsked(await attempt("public"), "SOFTWARE_TOKEN_MFA", wait);
      const named = await byPassword(person, { DEVICE_KEY: key });
      assertAsked(named, "SOFTWARE_TOKEN_MFA", "from the start");
      await remember(person, key, "remembered");
    }
  });

  test("nor where the pool takes devices for factors no more", async () => {
    const { person } = await personWith("DEVICE_SRP_AUTH");
    const begun = [];
    for (const wait of ["DEVICE_SRP_AUTH", "DEVICE_PASSWORD_VERIFIER"])
      begun.push(await waits[wait]!.begin(person));
    const settings = { DeviceConfiguration: { ChallengeRequiredOnNewDevice: false } };
    await updatePool(person, settings);
    const answers = [];
    for (const attempt of begun) answers.push(await attempt("public"));
    await updatePool(person, {});
    for (const answer of answers) assertAsked(answer, "SOFTWARE_TOKEN_MFA", "taken for a factor");
  });

  test("a forgotten device is gone also where the answer does not name it", async () => {
    const { server, pools } = await together();
    // Without second factor: nothing else would ask.
    const person = await makePerson(server, pools, "open");
    const device = await confirmDevice(person, await signInFirst(person));
    const session = await fromDevice(person, device);
    const { client, session: later, parameters } = await toVerifier(person, device);
    const { DEVICE_KEY: _, ...proof } = deviceProof(person, device, client, parameters);
    await forget(person, device.key);
    const first = { SRP_A: new SrpClient().srpA };
    for (const answer of [
      await respondAt("public", person, "DEVICE_SRP_AUTH", session, first),
      await respondAt("public", person, "DEVICE_PASSWORD_VERIFIER", later, proof),
      await byPassword(person, { DEVICE_KEY: device.key }),
    ])
      assert.deepEqual([answer.status, answer.type], [400, "ResourceNotFoundException"], answer.message);
  });

  test("what one device has proven says nothing about another", async () => {
    const { server, pools } = await together();
    const person = await makePerson(server, pools, "open");
    const device = await confirmDevice(person, await signInFirst(person));
    const other = await confirmDevice(person, await signInFirst(person));
    await prefer(person, { SMSMfaSettings: { Enabled: true }, EmailMfaSettings: { Enabled: true } });
    const { client, session, parameters } = await toVerifier(person, device);
    await remember(person, device.key, "not_remembered");
    const proof = deviceProof(person, device, client, parameters);
    const proven = await respondAt("public", person, "DEVICE_PASSWORD_VERIFIER", session, proof);
    const choice = assertAsked(proven, "SELECT_MFA_TYPE", "not remembered");
    const named = { ANSWER: "SMS_MFA", DEVICE_KEY: other.key };
    const answer = await respondAt("public", person, "SELECT_MFA_TYPE", choice, named);
    assertAsked(answer, "DEVICE_SRP_AUTH", "another device");
  });

  for (const by of ["the user", "an administrator"] as const) {
    test(`the tokens of a device that ${by} forgets end with it, and no others`, async () => {
      const { server, pools } = await together();
      const person = await makePerson(server, pools, "open");
      const { body } = await byPassword(person);
      const tokens = body["AuthenticationResult"] as sdk.AuthenticationResultType;
      const { AccessToken, RefreshToken, NewDeviceMetadata: metadata } = tokens;
      const device = await confirmDevice(person, { AccessToken: AccessToken!, metadata: metadata! });
      const others = await signInFirst(person);
      const DEVICE_KEY = device.key;
      const uses = {
        GetUser: () => call(person, "GetUser", { AccessToken }),
        ConfirmDevice: () => call(person, "ConfirmDevice", { AccessToken, DeviceKey: device.key }),
        REFRESH_TOKEN_AUTH: () =>
          initiate(person, "REFRESH_TOKEN_AUTH", { REFRESH_TOKEN: RefreshToken!, DEVICE_KEY }),
        "REFRESH_TOKEN_AUTH, of no device": () =>
          initiate(person, "REFRESH_TOKEN_AUTH", { REFRESH_TOKEN: RefreshToken! }),
        GetTokensFromRefreshToken: () =>
          call(person, "GetTokensFromRefreshToken", {
            ClientId: person.ClientId,
            RefreshToken,
            DeviceKey: device.key,
          }),
      };
      const before = await uses.REFRESH_TOKEN_AUTH();
      assert.equal(before.status, 200, before.message);
      if (by === "the user")
        await server.client.send(new sdk.ForgetDeviceCommand({ AccessToken, DeviceKey: device.key }));
      else await forget(person, device.key);
      for (const [name, use] of Object.entries(uses)) {
        const { status, type } = await use();
        assert.deepEqual([status, type], [400, "NotAuthorizedException"], name);
      }
      const { AccessToken: fresh } = (before.body["AuthenticationResult"] ?? {}) as { AccessToken: string };
      assert.equal((await call(person, "GetUser", { AccessToken: fresh })).type, "NotAuthorizedException");
      assert.equal((await call(person, "GetUser", { AccessToken: others.AccessToken })).status, 200);
    });
  }

  test("a password that is taken out of a pool's first factors", async () => {
    const names = ["PASSWORD", "PASSWORD_SRP", "PASSWORD_VERIFIER", "SELECT_CHALLENGE"];
    const { person } = await personWith("PASSWORD");
    const { lose, restore } = firstFactors("PASSWORD", "EMAIL_OTP");
    const begun = [];
    for (const name of names) begun.push({ name, attempt: await waits[name]!.begin(person) });
    // Cognito demands PASSWORD in the list; ours as well. If that changes, this must be looked at again.
    const without = firstFactors("EMAIL_OTP").lose(person);
    await assert.rejects(without, { name: "InvalidParameterException" });
    await lose(person);
    for (const { name, attempt } of begun) assert.equal((await attempt("public")).status, 200, name);
    await restore(person);
  });
});
