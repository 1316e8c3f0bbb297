/** amazon-cognito-identity-js, unmodified: everything a web page does for a user, by SRP unless said otherwise. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { AdminCreateUserCommand } from "@aws-sdk/client-cognito-identity-provider";
import {
  AuthenticationDetails,
  CognitoUser,
  CognitoUserAttribute,
  type CognitoUserPool,
  type CognitoUserSession,
  type ISignUpResult,
} from "amazon-cognito-identity-js";
import { makeVerifier } from "../../src/lib/srp.ts";
import { readCredential, writeCredential } from "../../src/store/credentials.ts";
import { findUserByLoginName } from "../../src/store/users.ts";
import { call } from "../kit/calls.ts";
import {
  everyFlow,
  makeClient,
  makePool,
  makeSomebody,
  password,
  unique,
  uuid,
  verifiedByMail,
} from "../kit/people.ts";
import { forOneServer } from "../kit/server.ts";
import { SrpClient } from "../kit/srp-client.ts";
import { called, poolOf, refused, told } from "./identity-js.ts";

interface NewPasswordRequired {
  readonly userAttributes: Record<string, string>;
  readonly requiredAttributes: string[];
}
type SignedIn = CognitoUserSession | NewPasswordRequired;

function signIn(user: CognitoUser, Password: string): Promise<SignedIn> {
  const details = new AuthenticationDetails({ Username: user.getUsername(), Password });
  return new Promise((resolve, reject) =>
    user.authenticateUser(details, {
      onSuccess: resolve,
      onFailure: reject,
      newPasswordRequired: (userAttributes, requiredAttributes) =>
        resolve({ userAttributes, requiredAttributes }),
    }),
  );
}

async function session(user: CognitoUser, secret = password): Promise<CognitoUserSession> {
  const signedIn = await signIn(user, secret);
  assert.ok("getIdToken" in signedIn, "a new password is required");
  return signedIn;
}

forOneServer("sqlite", "amazon-cognito-identity-js", (open) => {
  const start = async (settings: Parameters<typeof makePool>[1] = {}) => {
    const server = await open();
    const { UserPoolId: poolId } = await makePool(server, { ...verifiedByMail, ...settings });
    const client = await makeClient(server, poolId, { ExplicitAuthFlows: everyFlow });
    return { server, poolId, client, pool: poolOf(server, poolId, client.ClientId) };
  };
  const userOf = (Pool: CognitoUserPool, Username: string) => new CognitoUser({ Pool, Username });

  test("a user signs up, confirms, signs in and refreshes", async () => {
    const { server, pool } = await start();
    const name = unique("ada");
    const email = `${name}@example.com`;
    const signedUp = await called<ISignUpResult>((done) =>
      pool.signUp(name, password, [new CognitoUserAttribute({ Name: "email", Value: email })], [], done),
    );
    assert.equal(signedUp.userConfirmed, false);
    assert.match(signedUp.userSub, uuid);
    assert.equal(signedUp.codeDeliveryDetails.AttributeName, "email");
    assert.equal(signedUp.codeDeliveryDetails.DeliveryMedium, "EMAIL");
    await assert.rejects(
      called((done) => pool.signUp(name, password, [], [], done)),
      refused("UsernameExistsException", "User already exists"),
    );

    const user = userOf(pool, name);
    await assert.rejects(signIn(user, password), refused("UserNotConfirmedException"));
    await assert.rejects(
      called((done) => user.confirmRegistration("000000", true, done)),
      refused("CodeMismatchException", "Invalid verification code provided, please try again."),
    );
    await called((done) => user.resendConfirmationCode(done));
    const code = await server.code(email);
    assert.equal(await called((done) => user.confirmRegistration(code, true, done)), "SUCCESS");

    const first = await session(user);
    assert.equal(first.getIdToken().payload["cognito:username"], name);
    assert.equal(first.getAccessToken().payload["sub"], signedUp.userSub);
    const cached = await called<CognitoUserSession>((done) => pool.getCurrentUser()!.getSession(done));
    assert.ok(cached.isValid());
    assert.equal(cached.getAccessToken().getJwtToken(), first.getAccessToken().getJwtToken());
    const fresh = await called<CognitoUserSession>((done) =>
      user.refreshSession(first.getRefreshToken(), done),
    );
    assert.notEqual(fresh.getAccessToken().getJwtToken(), first.getAccessToken().getJwtToken());
    assert.equal(fresh.getRefreshToken().getToken(), first.getRefreshToken().getToken());
    assert.equal(fresh.getIdToken().payload["auth_time"], first.getIdToken().payload["auth_time"]);
  });

  test("a user reads and writes their attributes, and verifies a new e-mail address", async () => {
    const { server, poolId, pool } = await start();
    const user = userOf(pool, await makeSomebody(server, poolId));
    await session(user);
    const email = `new-${user.getUsername()}@example.com`;
    const update = [
      new CognitoUserAttribute({ Name: "name", Value: "Ada Lovelace" }),
      new CognitoUserAttribute({ Name: "email", Value: email }),
    ];
    assert.equal(await called((done) => user.updateAttributes(update, done)), "SUCCESS");
    const read = async () => {
      const list = await called<CognitoUserAttribute[]>((done) => user.getUserAttributes(done));
      return Object.fromEntries(list.map((one) => [one.getName(), one.getValue()]));
    };
    const before = await read();
    assert.equal(before["name"], "Ada Lovelace");
    assert.equal(before["email"], email);
    assert.equal(before["email_verified"], "false");
    await told((callbacks) =>
      user.getAttributeVerificationCode("email", { ...callbacks, inputVerificationCode: null as never }),
    );
    const code = await server.code(email);
    assert.equal(await told((callbacks) => user.verifyAttribute("email", code, callbacks)), "SUCCESS");
    assert.equal((await read())["email_verified"], "true");
    await called((done) => user.deleteAttributes(["name"], done));
    assert.equal((await read())["name"], undefined);
    const data = await called<{ Username: string }>((done) =>
      user.getUserData(done as never, { bypassCache: true }),
    );
    assert.equal(data.Username, user.getUsername());
    await assert.rejects(
      called((done) =>
        user.updateAttributes([new CognitoUserAttribute({ Name: "flavor", Value: "x" })], done),
      ),
      (error: { code: string }) =>
        ["InvalidParameterException", "NotAuthorizedException"].includes(error.code),
    );
    assert.equal(await called((done) => user.deleteUser(done)), "SUCCESS");
    await assert.rejects(signIn(user, password), refused("UserNotFoundException", "User does not exist."));
  });

  test("a user changes their password, and gets a new one when it is forgotten", async () => {
    const { server, poolId, pool } = await start();
    const user = userOf(pool, await makeSomebody(server, poolId, { email_verified: "true" }));
    await session(user);
    const second = "Another-Horse-2";
    await assert.rejects(
      called((done) => user.changePassword("Wrong-Horse-1", second, done)),
      refused("NotAuthorizedException", "Incorrect username or password."),
    );
    await assert.rejects(
      called((done) => user.changePassword(password, "short-1", done)),
      refused("InvalidPasswordException"),
    );
    assert.equal(await called((done) => user.changePassword(password, second, done)), "SUCCESS");
    await assert.rejects(
      signIn(user, password),
      refused("NotAuthorizedException", "Incorrect username or password."),
    );
    await session(user, second);

    const delivery = await told<{ CodeDeliveryDetails: { Destination: string } }>((callbacks) =>
      user.forgotPassword({ ...callbacks, inputVerificationCode: callbacks.onSuccess }),
    );
    assert.match(delivery.CodeDeliveryDetails.Destination, /^u\*+@e\*+$/);
    const code = await server.code(`${user.getUsername()}@example.com`);
    const third = "Third-Horse-3";
    await assert.rejects(
      told((callbacks) => user.confirmPassword("000000", third, callbacks)),
      refused("CodeMismatchException"),
    );
    assert.equal(await told((callbacks) => user.confirmPassword(code, third, callbacks)), "SUCCESS");
    await session(user, third);
  });

  test("a global sign-out ends every session of the user", async () => {
    const { server, poolId, pool } = await start();
    const name = await makeSomebody(server, poolId);
    const [here, there] = [userOf(pool, name), userOf(pool, name)];
    await session(here);
    const other = await session(there);
    assert.equal(await told((callbacks) => here.globalSignOut(callbacks)), "SUCCESS");
    await assert.rejects(
      called((done) => there.getUserAttributes(done)),
      refused("NotAuthorizedException", "Access Token has been revoked"),
    );
    await assert.rejects(
      called((done) => there.refreshSession(other.getRefreshToken(), done)),
      refused("NotAuthorizedException", "Refresh Token has been revoked"),
    );
  });

  test("a sign-out of one session leaves the others", async () => {
    const { server, poolId, pool } = await start();
    const name = await makeSomebody(server, poolId);
    const [here, there] = [userOf(pool, name), userOf(pool, name)];
    const mine = await session(here);
    await session(there);
    await new Promise<void>((resolve) => here.signOut(resolve));
    await called((done) => there.getUserAttributes(done));
    // Not by the library, which tries a refused refresh for five seconds.
    const refresh = { ClientId: pool.getClientId(), AuthFlow: "REFRESH_TOKEN_AUTH" };
    const answer = await call(server.endpoint, "InitiateAuth", {
      ...refresh,
      AuthParameters: { REFRESH_TOKEN: mine.getRefreshToken().getToken() },
    });
    assert.equal(answer.message, "Refresh Token has been revoked");
  });

  test("an administrator's user chooses a password and fills in what is required", async () => {
    const { server, poolId, pool } = await start({
      Schema: [{ Name: "given_name", AttributeDataType: "String", Required: true, Mutable: true }],
    });
    const name = unique("grace");
    await server.client.send(
      new AdminCreateUserCommand({
        UserPoolId: poolId,
        Username: name,
        TemporaryPassword: "Temporary-1",
        MessageAction: "SUPPRESS",
        UserAttributes: [{ Name: "email", Value: `${name}@example.com` }],
      }),
    );
    const user = userOf(pool, name);
    const asked = await signIn(user, "Temporary-1");
    assert.ok("requiredAttributes" in asked);
    assert.deepEqual(asked.requiredAttributes, ["given_name"]);
    assert.equal(asked.userAttributes["email"], `${name}@example.com`);
    const complete = (secret: string, attributes: object) =>
      told<CognitoUserSession>((callbacks) =>
        user.completeNewPasswordChallenge(secret, attributes, callbacks),
      );
    await assert.rejects(complete(password, {}), refused("InvalidParameterException"));
    await assert.rejects(complete("weak-pass", { given_name: "Grace" }), refused("InvalidPasswordException"));
    const done = await complete(password, { given_name: "Grace" });
    assert.equal(done.getIdToken().payload["given_name"], "Grace");
    await session(user);
    await assert.rejects(signIn(user, "Temporary-1"), refused("NotAuthorizedException"));
  });

  test("whatever the salt of a user's verifier begins with, they sign in", async () => {
    const { server, poolId, pool } = await start();
    const { db } = server.app;
    const Username = await makeSomebody(server, poolId);
    const { user } = (await findUserByLoginName(db, poolId, Username)) ?? assert.fail("no such user");
    for (const begin of ["0000", "0001", "007f", "0080", "7f00", "8000"]) {
      const salt = Buffer.from(`${begin}5be92f0c7d1844a3b6e0f29d4c31`, "hex");
      const group = poolId.slice(poolId.indexOf("_") + 1);
      const srp = { salt, verifier: makeVerifier({ group, identity: Username, password, salt }) };
      const made = (await readCredential(db, poolId, user.id)) ?? assert.fail("no credential");
      assert.ok(
        await writeCredential(db, poolId, user.id, made.version, { ...made, srp }, server.clock.now),
        begin,
      );
      await session(userOf(pool, Username));
      const client = new SrpClient();
      const AuthParameters = { USERNAME: Username, SRP_A: client.srpA };
      const ClientId = pool.getClientId();
      const begun = await call(server.endpoint, "InitiateAuth", {
        ClientId,
        AuthFlow: "USER_SRP_AUTH",
        AuthParameters,
      });
      const asked = begun.body["ChallengeParameters"] as Record<string, string>;
      const done = await call(server.endpoint, "RespondToAuthChallenge", {
        ClientId,
        ChallengeName: "PASSWORD_VERIFIER",
        ChallengeResponses: client.prove(poolId, asked, password),
      });
      assert.ok(done.body["AuthenticationResult"], `${begin}, by its text: ${done.message}`);
    }
  });

  test("USER_PASSWORD_AUTH", async () => {
    const { server, poolId, pool } = await start();
    const user = userOf(pool, await makeSomebody(server, poolId));
    user.setAuthenticationFlowType("USER_PASSWORD_AUTH");
    await session(user);
    await assert.rejects(
      signIn(user, "Wrong-Horse-1"),
      refused("NotAuthorizedException", "Incorrect username or password."),
    );
  });

  test("a user who does not exist is told by LEGACY clients only", async () => {
    const { server, poolId, pool } = await start();
    const silent = await makeClient(server, poolId, {
      ExplicitAuthFlows: everyFlow,
      PreventUserExistenceErrors: "ENABLED",
    });
    for (const flow of ["USER_SRP_AUTH", "USER_PASSWORD_AUTH"]) {
      const known = userOf(pool, "nobody");
      known.setAuthenticationFlowType(flow);
      await assert.rejects(signIn(known, password), refused("UserNotFoundException", "User does not exist."));
      const hidden = userOf(poolOf(server, poolId, silent.ClientId), "nobody");
      hidden.setAuthenticationFlowType(flow);
      await assert.rejects(
        signIn(hidden, password),
        refused("NotAuthorizedException", "Incorrect username or password."),
      );
    }
  });

  test("names in UTF-8, and an e-mail address as user name", async () => {
    const { server, poolId, pool } = await start();
    const { UserPoolId: emailPool } = await makePool(server, {
      ...verifiedByMail,
      UsernameAttributes: ["email"],
    });
    const emailClient = await makeClient(server, emailPool, { ExplicitAuthFlows: everyFlow });
    const cases = [
      { pool, poolId, name: "zoë.ł", secret: "Pässwörd-1Ω" },
      {
        pool: poolOf(server, emailPool, emailClient.ClientId),
        poolId: emailPool,
        name: "joan@example.com",
        secret: password,
      },
    ];
    for (const { pool, name, secret } of cases) {
      const email = name.includes("@") ? name : "zoe@example.com";
      await called((done) =>
        pool.signUp(name, secret, [new CognitoUserAttribute({ Name: "email", Value: email })], [], done),
      );
      const user = userOf(pool, name);
      const code = await server.code(email);
      await called((done) => user.confirmRegistration(code, false, done));
      const signedIn = await session(user, secret);
      const { sub, ...claims } = signedIn.getIdToken().payload;
      assert.equal(claims["cognito:username"], name.includes("@") ? sub : name);
    }
  });
});
