/**
 * Everything that expires, a second before and a second after its lifetime: begun at one moment it is still valid, and
 * begun again it no longer is. For limits that end it is the other way round. The clock is frozen, so that a second is
 * a second.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { CreateUserPoolClientCommandInput } from "@aws-sdk/client-cognito-identity-provider";
import { createRemoteJWKSet, jwtVerify } from "jose";
import { password } from "../kit/people.ts";
import { forOneServer } from "../kit/server.ts";
import { SrpClient } from "../kit/srp-client.ts";
import { factorExpiries, personOf } from "./expiry-factors.ts";
import { day, expiries, hour, list, listing, minute, second, subjectOf } from "./expiry-table.ts";
import { at, choose, deviceProof, respondAt, srpProof, toVerifier } from "./waits.ts";
import { byPassword, initiate, tokensOf } from "./ways.ts";
import { post, signedCall } from "./wire.ts";

forOneServer("sqlite", "expiries", (open) => {
  for (const [what, { life, begin, type, message, opens }] of Object.entries({
    ...expiries,
    ...factorExpiries,
  })) {
    test(`${what}: ${life / second} s`, async () => {
      const server = await open();
      server.clock.freeze();
      const early = await begin(server);
      server.clock.advance(life - second);
      const before = await early();
      const late = await begin(server);
      server.clock.advance(life + second);
      const after = await late();
      const [good, bad] = opens ? [after, before] : [before, after];
      assert.equal(good.status, 200, `${good.type} ${good.message}`);
      assert.notEqual(bad.status, 200);
      assert.equal(bad.type, type, bad.message);
      assert.match(bad.message, message);
    });
  }

  test("an ID token says when it expires, in every unit", async () => {
    const server = await open();
    server.clock.freeze();
    const units: [Partial<CreateUserPoolClientCommandInput>, number][] = [
      [{}, hour],
      [{ IdTokenValidity: 10, TokenValidityUnits: { IdToken: "minutes" } }, 10 * minute],
      [{ IdTokenValidity: 3600, TokenValidityUnits: { IdToken: "seconds" } }, hour],
      [{ IdTokenValidity: 1, TokenValidityUnits: { IdToken: "days" } }, day],
      [{ IdTokenValidity: 5 }, 5 * hour],
    ];
    for (const [client, life] of units) {
      const subject = await subjectOf(server, "confirmed", client);
      const { IdToken } = await tokensOf(subject);
      const keys = createRemoteJWKSet(
        new URL(`${server.endpoint}/${subject.UserPoolId}/.well-known/jwks.json`),
      );
      const at = (ms: number) => jwtVerify(IdToken!, keys, { currentDate: new Date(server.clock.now + ms) });
      await at(life - second);
      await assert.rejects(at(life + second), /"exp" claim/);
    }
  });

  test("a signature from the future", async () => {
    const server = await open();
    server.clock.freeze();
    const send = (ahead: number) =>
      post(server.endpoint, signedCall(server.endpoint, list, listing, { now: server.clock.now + ahead }));
    assert.equal((await send(5 * minute - second)).status, 200);
    const early = await send(5 * minute + second);
    assert.match(early.message, /^Signature not yet current/);
  });

  test("the time in an SRP proof, of a password and of a device: the Session's life and five minutes off", async () => {
    const server = await open();
    server.clock.freeze();
    const person = await personOf(server, "DEVICE_SRP_AUTH");
    const device = person.device!;
    const far = 8 * minute;
    for (const off of [-far - second, -far + second, far - second, far + second]) {
      const time = server.clock.now + off;
      const begun = await toVerifier(person);
      const proof = deviceProof(person, device, begun.client, begun.parameters, time);
      const ofDevice = await respondAt("public", person, "DEVICE_PASSWORD_VERIFIER", begun.session, proof);
      const client = new SrpClient();
      const chosen = { PREFERRED_CHALLENGE: "PASSWORD_SRP", SRP_A: client.srpA };
      const asked = at("PASSWORD_VERIFIER", await choose(person, chosen));
      const given = srpProof(person, client, asked.parameters, time);
      const ofPassword = await respondAt("public", person, "PASSWORD_VERIFIER", asked.session, given);
      const expected = Math.abs(off) < far ? 200 : 400;
      assert.deepEqual([ofDevice.status, ofPassword.status], [expected, expected], `${off} ms off`);
      if (expected === 400)
        for (const { message } of [ofDevice, ofPassword])
          assert.equal(message, "Incorrect username or password.");
    }
  });

  test("a lock that fell is not told from a wrong password before it falls", async () => {
    const server = await open();
    const subject = await subjectOf(server);
    const texts = [];
    for (let count = 0; count < 6; count++) texts.push((await byPassword(subject, "Wrong-Horse-1")).message);
    const wrong = "Incorrect username or password.";
    assert.deepEqual(texts, [wrong, wrong, wrong, wrong, wrong, "Password attempts exceeded"]);
    const right = await initiate(subject, "USER_PASSWORD_AUTH", {
      USERNAME: subject.Username,
      PASSWORD: password,
    });
    assert.equal(right.message, "Password attempts exceeded", "nor is a right one looked at");
  });
});
