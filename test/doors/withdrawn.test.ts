/**
 * Factors that are deleted, replaced, forgotten or turned off while a sign-in waits for them: an answer that was right
 * when it was asked for no longer proves anything.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import * as sdk from "@aws-sdk/client-cognito-identity-provider";
import { totp } from "../kit/factors.ts";
import { forOneServer } from "../kit/server.ts";
import { SrpClient } from "../kit/srp-client.ts";
import {
  at,
  byPassword,
  confirmDevice,
  deviceProof,
  fromDevice,
  makePerson,
  type Person,
  personFor,
  prefer,
  respondAt,
  signInByBoth,
  signInFirst,
  together,
  toVerifier,
  waits,
  withSoftwareToken,
} from "./waits.ts";
import { call, initiate } from "./ways.ts";
import type { Answer } from "./wire.ts";
import { firstFactors, forget, replaceToken, updatePool, user, withdrawals } from "./withdrawals.ts";

const remember = (person: Person, DeviceKey: string, is: sdk.DeviceRememberedStatusType) =>
  person.server.client.send(
    new sdk.AdminUpdateDeviceStatusCommand({ ...user(person), DeviceKey, DeviceRememberedStatus: is }),
  );

/** The sign-in continues, but not to tokens. */
function assertAsked(answer: Answer, challenge: string, what: string): string {
  assert.equal(answer.body["AuthenticationResult"], undefined, what);
  return at(challenge, answer).session;
}

forOneServer("postgres", "factors that are gone", (open) => {
  const world = together(open);
  const personWith = async (wait: string) => {
    const { server, pools } = await world();
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

  test("a device that is no longer remembered does not replace the second factor, at either of its steps", async () => {
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

  test("a device does not replace the second factor once the pool no longer allows it", async () => {
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
    const { server, pools } = await world();
    // Without a second factor, nothing else would ask.
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

  test("of two who set up a factor at the same moment one does", async () => {
    const { server, pools } = await world();
    for (let turn = 0; turn < 6; turn++) {
      const person = await makePerson(server, pools, "strict");
      const byToken = await waits["VerifySoftwareToken"]!.begin(person);
      const byAddress = await waits["the code of MFA_SETUP"]!.begin(person);
      const answers = await Promise.all([byToken("public"), byAddress("public")]);
      const won = answers.filter(({ status }) => status === 200);
      assert.equal(won.length, 1, JSON.stringify(answers.map(({ body }) => body)));
      const { UserMFASettingList } = await server.client.send(new sdk.AdminGetUserCommand(user(person)));
      assert.equal(UserMFASettingList?.length, 1);
    }
  });

  test("what one device has proven says nothing about another", async () => {
    const { server, pools } = await world();
    const person = await withSoftwareToken(await makePerson(server, pools, "open"));
    const device = await confirmDevice(person, await signInByBoth(person));
    server.clock.advance(61_000);
    const other = await confirmDevice(person, await signInByBoth(person));
    await prefer(person, {
      SMSMfaSettings: { Enabled: true },
      EmailMfaSettings: { Enabled: true },
      SoftwareTokenMfaSettings: { Enabled: false },
    });
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
      const { server, pools } = await world();
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
    // Cognito requires PASSWORD in the list, and so do we. If that changes, this must be reconsidered.
    const without = firstFactors("EMAIL_OTP").lose(person);
    await assert.rejects(without, { name: "InvalidParameterException" });
    await lose(person);
    for (const { name, attempt } of begun) assert.equal((await attempt("public")).status, 200, name);
    await restore(person);
  });
});
