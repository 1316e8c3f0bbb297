/**
 * Devices through the SDK: which of them stand for a second factor, and what their tokens are refreshed with. Only a device
 * that was confirmed, or proven, in a sign-in of two factors stands for one later.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import * as sdk from "@aws-sdk/client-cognito-identity-provider";
import { findPool } from "../../src/domain/user-pools/load-pool.ts";
import { storeDevice } from "../../src/domain/users/devices.ts";
import { createCtx } from "../../src/http/context.ts";
import { findDevice } from "../../src/store/devices.ts";
import { findUserByLoginName, readUser } from "../../src/store/users.ts";
import {
  at,
  byPassword,
  confirmDevice,
  type Device,
  deviceProof,
  everySecond,
  makePerson,
  type Person,
  prefer,
  respondAt,
  signInByBoth,
  signInFirst,
  srpProof,
  together,
  toVerifier,
  withSoftwareToken,
} from "../doors/waits.ts";
import { adminCall, call, initiate } from "../doors/ways.ts";
import type { Answer } from "../doors/wire.ts";
import { updatePool } from "../doors/withdrawals.ts";
import { makeApp } from "../hosted-ui/visitor.ts";
import { forceMfaOn, totp, turnMfa } from "../kit/factors.ts";
import { password } from "../kit/people.ts";
import { forEachServer } from "../kit/server.ts";
import { SrpClient } from "../kit/srp-client.ts";

/** Ways in which somebody who had one factor comes to have two. */
const turns: Readonly<Record<string, (person: Person) => Promise<unknown>>> = {
  "the user verifies a software token": withSoftwareToken,
  "the user turns their phone on": async (person) => {
    const { AccessToken } = await signInFirst(person);
    const SMSMfaSettings = { Enabled: true };
    await person.server.client.send(new sdk.SetUserMFAPreferenceCommand({ AccessToken, SMSMfaSettings }));
  },
  "an administrator turns their mailbox on": (person) =>
    prefer(person, { EmailMfaSettings: { Enabled: true } }),
  "the pool demands MFA": (person) => forceMfaOn(person.server, person, everySecond),
};

const named = (device: Device) => ({ DEVICE_KEY: device.key });

/** Which challenge a sign-in by password from the device comes to. */
async function askedFrom(person: Person, device: Device): Promise<string> {
  const { body, message } = await byPassword(person, named(device));
  assert.equal(body["AuthenticationResult"], undefined, message);
  return body["ChallengeName"] as string;
}

/** The device's proof for the Session that waits for it. */
async function proveDevice(person: Person, device: Device, session: string): Promise<Answer> {
  const client = new SrpClient();
  const first = { SRP_A: client.srpA, ...named(device) };
  const asked = at(
    "DEVICE_PASSWORD_VERIFIER",
    await respondAt("public", person, "DEVICE_SRP_AUTH", session, first),
  );
  const proof = deviceProof(person, device, client, asked.parameters);
  return respondAt("public", person, "DEVICE_PASSWORD_VERIFIER", asked.session, proof);
}

async function byDevice(person: Person, device: Device): Promise<Answer> {
  const { client, session, parameters } = await toVerifier(person, device);
  const proof = deviceProof(person, device, client, parameters);
  return respondAt("public", person, "DEVICE_PASSWORD_VERIFIER", session, proof);
}

forEachServer("devices", (open) => {
  const world = together(open);
  const someone = async () => {
    const { server, pools } = await world();
    return makePerson(server, pools, "open");
  };

  for (const [what, turn] of Object.entries(turns))
    test(`a device confirmed by the password alone stands for nothing once ${what}`, async () => {
      const person = await someone();
      const device = await confirmDevice(person, await signInFirst(person));
      // Nor where it was used since, by the password and itself.
      const used = await byDevice(person, device);
      assert.ok(used.body["AuthenticationResult"], used.message);
      await turn(person);
      const asked = await askedFrom(person, device);
      const isPool = what === "the pool demands MFA";
      if (isPool) await turnMfa(person.server, person, "OPTIONAL", everySecond);
      assert.match(asked, isPool ? /^SELECT_MFA_TYPE$/ : /^(?:SOFTWARE_TOKEN_MFA|SMS_MFA|EMAIL_OTP)$/);
      // It is a device all the same.
      const { Devices } = await person.server.client.send(
        new sdk.AdminListDevicesCommand({ UserPoolId: person.UserPoolId, Username: person.Username }),
      );
      assert.deepEqual(
        Devices?.map(({ DeviceKey }) => DeviceKey),
        [device.key],
      );
    });

  test("a device confirmed later by tokens of a password-only sign-in does not replace the second factor", async () => {
    const person = await someone();
    const early = await signInFirst(person);
    const equipped = await withSoftwareToken(person);
    const device = await confirmDevice(equipped, early);
    assert.equal(await askedFrom(equipped, device), "SOFTWARE_TOKEN_MFA");
  });

  test("a device confirmed in a sign-in of two factors stands for the second", async () => {
    const person = await withSoftwareToken(await someone());
    const device = await confirmDevice(person, await signInByBoth(person));
    assert.equal(await askedFrom(person, device), "DEVICE_SRP_AUTH");
    const done = await byDevice(person, device);
    assert.ok(done.body["AuthenticationResult"], done.message);
  });

  test("a confirmation that was let in before a reset of the password leaves no device after it", async () => {
    const { server, UserPoolId, Username } = await someone();
    const { app } = server;
    const row = await findUserByLoginName(app.db, UserPoolId, Username);
    const { user } = row ?? assert.fail("no such user");
    const Password = "Another-Horse-9";
    await server.client.send(
      new sdk.AdminSetUserPasswordCommand({ UserPoolId, Username, Password, Permanent: true }),
    );
    const ctx = createCtx(app, { requestId: "late", address: "127.0.0.1", userAgent: undefined });
    const srp = { salt: new Uint8Array(16), verifier: new Uint8Array(384) };
    const late = { key: "us-east-1_late", name: undefined, srp, remembered: true, twoFactors: true };
    const pool = (await findPool(ctx, UserPoolId)) ?? assert.fail("no such pool");
    assert.equal(await storeDevice(ctx, pool, user, late), "void");
    assert.equal(await findDevice(app.db, UserPoolId, user.id, late.key), undefined);
    const present = (await readUser(app.db, UserPoolId, user.id)) ?? assert.fail("no such user");
    assert.equal(
      await storeDevice(ctx, pool, present, late),
      "stored",
      "and one that begins afterwards does",
    );
  });

  test("whatever the salt that a device chose begins with, it signs in by the text of SALT", async () => {
    const person = await someone();
    for (const begin of ["0000", "0001", "007f", "0080", "00ff", "7f00", "8000", "ff80"]) {
      const salt = Buffer.from(`${begin}5be92f0c7d1844a3b6e0f29d4c31`, "hex");
      const device = await confirmDevice(person, await signInFirst(person), salt);
      const { body, message } = await byDevice(person, device);
      assert.ok(body["AuthenticationResult"], `${begin}: ${message}`);
    }
  });

  test("a device that is proven together with both factors stands from then on", async () => {
    const early = await someone();
    const device = await confirmDevice(early, await signInFirst(early));
    const person = await withSoftwareToken(early);
    const { server, secret } = person;
    const { session } = at("SOFTWARE_TOKEN_MFA", await byPassword(person, named(device)));
    const code = { SOFTWARE_TOKEN_MFA_CODE: totp(secret!, server.clock.now, 1) };
    const asked = at(
      "DEVICE_SRP_AUTH",
      await respondAt("public", person, "SOFTWARE_TOKEN_MFA", session, code),
    );
    assert.equal(await askedFrom(person, device), "SOFTWARE_TOKEN_MFA", "the device has proven nothing yet");
    const done = await proveDevice(person, device, asked.session);
    assert.ok(done.body["AuthenticationResult"], done.message);
    assert.equal(await askedFrom(person, device), "DEVICE_SRP_AUTH");
  });

  test("a member that a client sends along with another answer does not answer the challenge that follows", async () => {
    const early = await someone();
    const device = await confirmDevice(early, await signInFirst(early));
    // As cognito-srp-helper does with every answer, and all the others.
    const stray = { ...named(device), SRP_A: new SrpClient().srpA, PASSWORD: password, ANSWER: "PASSWORD" };
    const client = new SrpClient();
    const begun = { USERNAME: early.Username, SRP_A: client.srpA, ...named(device) };
    const asked = at("PASSWORD_VERIFIER", await initiate(early, "USER_SRP_AUTH", begun));
    const proof = { ...stray, ...srpProof(early, client, asked.parameters) };
    const { session } = at(
      "DEVICE_SRP_AUTH",
      await respondAt("public", early, "PASSWORD_VERIFIER", asked.session, proof),
    );
    const done = await proveDevice(early, device, session);
    assert.ok(done.body["AuthenticationResult"], done.message);
    at("DEVICE_SRP_AUTH", await byPassword(early, stray));
    const person = await withSoftwareToken(early);
    const second = at("SOFTWARE_TOKEN_MFA", await byPassword(person, stray));
    const code = { ...stray, SOFTWARE_TOKEN_MFA_CODE: totp(person.secret!, person.server.clock.now, 1) };
    at("DEVICE_SRP_AUTH", await respondAt("public", person, "SOFTWARE_TOKEN_MFA", second.session, code));
  });

  test("a device stored before its confirmation was recorded does not replace the second factor", async () => {
    const person = await withSoftwareToken(await someone());
    const device = await confirmDevice(person, await signInByBoth(person));
    await person.server.app.db.kysely
      .updateTable("devices")
      .set({ two_factors: null })
      .where("device_key", "=", device.key)
      .execute();
    assert.equal(await askedFrom(person, device), "SOFTWARE_TOKEN_MFA");
  });

  /** What a refresh token is good for, by each operation that takes one; with a device's key, and without. */
  async function refreshed(person: Person, RefreshToken: string, key?: string): Promise<string> {
    const parameters = { REFRESH_TOKEN: RefreshToken, ...(key !== undefined && { DEVICE_KEY: key }) };
    const { ClientId, UserPoolId, server } = person;
    const form = new URLSearchParams({
      grant_type: "refresh_token",
      client_id: ClientId,
      refresh_token: RefreshToken,
    });
    const answers = [
      await initiate(person, "REFRESH_TOKEN_AUTH", parameters),
      await adminCall(person, "AdminInitiateAuth", {
        UserPoolId,
        ClientId,
        AuthFlow: "REFRESH_TOKEN",
        AuthParameters: parameters,
      }),
      await call(person, "GetTokensFromRefreshToken", { ClientId, RefreshToken, DeviceKey: key }),
    ].map(({ status, type, message }) => (status === 200 ? "tokens" : `${type}: ${message}`));
    // The authorization server knows of no devices.
    const url = `${server.endpoint}/${UserPoolId}/oauth2/token`;
    if (key === undefined) {
      const response = await fetch(url, { method: "POST", body: form });
      const { error } = (await response.json()) as { error?: string };
      answers.push(response.ok ? "tokens" : `NotAuthorizedException: Invalid Refresh Token.`);
      assert.equal(error, response.ok ? undefined : "invalid_grant");
    }
    const [first, ...others] = new Set(answers);
    assert.deepEqual(others, [], JSON.stringify(answers));
    return first!;
  }
  const invalid = "NotAuthorizedException: Invalid Refresh Token.";

  /** Somebody at a pool whose client uses the authorization server as well. */
  async function someoneAt(DeviceConfiguration?: sdk.DeviceConfigurationType) {
    const server = await open();
    const ExplicitAuthFlows = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_ADMIN_USER_PASSWORD_AUTH"] as const;
    const client = { ExplicitAuthFlows: [...ExplicitAuthFlows, "ALLOW_REFRESH_TOKEN_AUTH" as const] };
    const place = await makeApp(server, { DeviceConfiguration }, client);
    return makePerson(server, { open: place, strict: place }, "open");
  }
  const tokensOf = async (person: Person) =>
    (await byPassword(person)).body["AuthenticationResult"] as sdk.AuthenticationResultType;

  test("tokens of a device are refreshed after it was confirmed, by its key", async () => {
    const person = await someoneAt({ ChallengeRequiredOnNewDevice: false });
    const { AccessToken, RefreshToken, NewDeviceMetadata: metadata } = await tokensOf(person);
    const key = metadata!.DeviceKey!;
    assert.equal(await refreshed(person, RefreshToken!), invalid, "not confirmed");
    assert.equal(await refreshed(person, RefreshToken!, key), invalid, "not confirmed, by its key");
    const device = await confirmDevice(person, { AccessToken: AccessToken!, metadata: metadata! });
    assert.equal(await refreshed(person, RefreshToken!, key), "tokens");
    assert.equal(await refreshed(person, RefreshToken!), invalid, "without the key");
    const other = await confirmDevice(person, await signInFirst(person));
    assert.equal(await refreshed(person, RefreshToken!, other.key), invalid, "by another's key");
    const later = (await byDevice(person, device)).body["AuthenticationResult"] as { RefreshToken: string };
    assert.equal(await refreshed(person, later.RefreshToken, key), "tokens", "of a sign-in by the device");
    assert.equal(await refreshed(person, later.RefreshToken), invalid, "the same, without the key");
  });

  test("tokens without a device need none, and none is needed where devices are tracked no more", async () => {
    const person = await someoneAt();
    const early = await tokensOf(person);
    const track = (DeviceConfiguration: sdk.DeviceConfigurationType) =>
      updatePool(person, { MfaConfiguration: "OFF", DeviceConfiguration });
    await track({ ChallengeRequiredOnNewDevice: false });
    const tracked = await tokensOf(person);
    const key = tracked.NewDeviceMetadata!.DeviceKey!;
    assert.equal(await refreshed(person, early.RefreshToken!), "tokens", "of before");
    assert.equal(await refreshed(person, tracked.RefreshToken!, key), invalid);
    await track({});
    assert.equal(await refreshed(person, tracked.RefreshToken!), "tokens", "tracked no more");
  });
});
