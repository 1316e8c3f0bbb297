/** Amplify, unmodified, in Chromium: accounts from their sign-up to their end, passwords, attributes. */

import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import {
  AdminCreateUserCommand,
  AdminGetUserCommand,
  type CreateUserPoolCommandInput,
  GetUserCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { turnMfa } from "../kit/factors.ts";
import { needs } from "../kit/machine.ts";
import { makePool, newAddress, password, refused } from "../kit/people.ts";
import { forOneServer } from "../kit/server.ts";
import { Application } from "./amplify.ts";

const done = { isSignedIn: true, nextStep: { signInStep: "DONE" } };
const another = "Another-Horse-8";
const username = "eve";

describe("accounts by Amplify in Chromium", needs("chromium"), () => {
  forOneServer("postgres", "with a server", (open) => {
    let opened: Promise<Application> | undefined;
    // Before the server's own end, which waits for the browser's connections.
    after(async () => (await opened)?.close());

    async function setUp(pool: Partial<CreateUserPoolCommandInput> = {}) {
      const server = await open();
      const place = await makePool(
        server,
        { AutoVerifiedAttributes: ["email"], ...pool },
        { ExplicitAuthFlows: ["ALLOW_USER_SRP_AUTH", "ALLOW_USER_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"] },
      );
      opened ??= Application.open();
      const app = await opened;
      await app.visit(server, place);
      return { server, place, app, address: newAddress() };
    }

    type World = Awaited<ReturnType<typeof setUp>>;

    const invite = ({ server, place, address }: World) =>
      server.client.send(
        new AdminCreateUserCommand({
          UserPoolId: place.UserPoolId,
          Username: username,
          TemporaryPassword: password,
          MessageAction: "SUPPRESS",
          UserAttributes: [
            { Name: "email", Value: address },
            { Name: "email_verified", Value: "true" },
          ],
        }),
      );

    const signUp = ({ app, address }: World, autoSignIn: boolean | { authFlowType: "USER_AUTH" }) =>
      app.call("signUp", {
        username,
        password,
        options: { userAttributes: { email: address }, autoSignIn },
      });

    test("who signs up is confirmed by a code before they sign in", async () => {
      const world = await setUp();
      const { app, server, address } = world;
      const signedUp = await signUp(world, false);
      assert.equal(signedUp.isSignUpComplete, false);
      assert.equal(signedUp.nextStep.signUpStep, "CONFIRM_SIGN_UP");
      const unconfirmed = await app.call("signIn", { username, password });
      assert.deepEqual(unconfirmed, { isSignedIn: false, nextStep: { signInStep: "CONFIRM_SIGN_UP" } });
      const first = await server.code(address);
      await app.call("resendSignUpCode", { username });
      const second = await server.code(address);
      assert.equal((await server.inbox(address)).length, 2);
      const wrong = ["000000", "000001", "000002"].find((code) => code !== first && code !== second)!;
      const confirm = (confirmationCode: string) => app.call("confirmSignUp", { username, confirmationCode });
      await assert.rejects(confirm(wrong), refused("CodeMismatchException"));
      assert.deepEqual(await confirm(second), { isSignUpComplete: true, nextStep: { signUpStep: "DONE" } });
      assert.deepEqual(await app.call("signIn", { username, password }), done);
      assert.equal((await app.call("getCurrentUser")).userId, signedUp.userId);
    });

    test("who signs up is signed in by the password at once", async () => {
      const world = await setUp();
      const { app, server, address } = world;
      await signUp(world, true);
      const confirmationCode = await server.code(address);
      assert.deepEqual(await app.call("confirmSignUp", { username, confirmationCode }), {
        isSignUpComplete: true,
        nextStep: { signUpStep: "COMPLETE_AUTO_SIGN_IN" },
      });
      assert.deepEqual(await app.call("autoSignIn"), done);
      assert.equal((await app.call("getCurrentUser")).signInDetails?.authFlowType, "USER_SRP_AUTH");
      await assert.rejects(app.call("autoSignIn"), refused("AutoSignInException"));
    });

    test("who was invited chooses a password, and changes it", async () => {
      const world = await setUp();
      const { app } = world;
      await invite(world);
      const { nextStep } = await app.call("signIn", { username, password });
      assert.deepEqual(nextStep, {
        signInStep: "CONFIRM_SIGN_IN_WITH_NEW_PASSWORD_REQUIRED",
        missingAttributes: [],
      });
      assert.deepEqual(await app.call("confirmSignIn", { challengeResponse: another }), done);
      await assert.rejects(
        app.call("updatePassword", { oldPassword: password, newPassword: "Third-Horse-9" }),
        refused("NotAuthorizedException"),
      );
      await app.call("updatePassword", { oldPassword: another, newPassword: "Third-Horse-9" });
      await app.call("signOut");
      await assert.rejects(
        app.call("signIn", { username, password: another }),
        refused("NotAuthorizedException"),
      );
      assert.deepEqual(await app.call("signIn", { username, password: "Third-Horse-9" }), done);
    });

    test("a forgotten password is replaced with a code", async () => {
      const world = await setUp();
      const { app, server, address } = world;
      await invite(world);
      await app.call("signIn", { username, password });
      await app.call("confirmSignIn", { challengeResponse: password });
      await app.call("signOut");
      const { nextStep } = await app.call("resetPassword", { username });
      assert.equal(nextStep.resetPasswordStep, "CONFIRM_RESET_PASSWORD_WITH_CODE");
      assert.equal(nextStep.codeDeliveryDetails.deliveryMedium, "EMAIL");
      const confirmationCode = await server.code(address);
      const reset = { username, confirmationCode, newPassword: another };
      await app.call("confirmResetPassword", reset);
      await assert.rejects(app.call("confirmResetPassword", reset), refused("ExpiredCodeException"));
      assert.deepEqual(await app.call("signIn", { username, password: another }), done);
    });

    test("where a second factor is demanded, an address is set up as one within the sign-in", async () => {
      const world = await setUp({ AutoVerifiedAttributes: [] });
      const { app, server, place, address } = world;
      await server.client.send(
        new AdminCreateUserCommand({
          UserPoolId: place.UserPoolId,
          Username: username,
          TemporaryPassword: password,
          MessageAction: "SUPPRESS",
        }),
      );
      await turnMfa(server, place, "ON", {
        SoftwareTokenMfaConfiguration: { Enabled: true },
        EmailMfaConfiguration: {},
      });
      await app.call("signIn", { username, password });
      const step = async (challengeResponse: string) =>
        (await app.call("confirmSignIn", { challengeResponse })).nextStep;
      assert.deepEqual(await step(another), {
        signInStep: "CONTINUE_SIGN_IN_WITH_MFA_SETUP_SELECTION",
        allowedMFATypes: ["TOTP", "EMAIL"],
      });
      assert.equal((await step("EMAIL")).signInStep, "CONTINUE_SIGN_IN_WITH_EMAIL_SETUP");
      assert.equal((await step(address)).signInStep, "CONFIRM_SIGN_IN_WITH_EMAIL_CODE");
      assert.equal((await step(await server.code(address))).signInStep, "DONE");
      assert.deepEqual(await app.call("fetchMFAPreference"), { enabled: ["EMAIL"], preferred: "EMAIL" });
      await app.call("signOut");
      await app.call("signIn", { username, password: another });
      assert.equal((await step(await server.code(address))).signInStep, "DONE");
    });

    test("attributes are changed and confirmed; signed out everywhere; deleted", async () => {
      const world = await setUp();
      const { app, server, place } = world;
      await invite(world);
      await app.call("signIn", { username, password });
      await app.call("confirmSignIn", { challengeResponse: password });
      const address = newAddress();
      const updated = await app.call("updateUserAttributes", {
        userAttributes: { email: address, name: "Eve" },
      });
      assert.equal(updated.name?.nextStep.updateAttributeStep, "DONE");
      assert.equal(updated.email?.nextStep.updateAttributeStep, "CONFIRM_ATTRIBUTE_WITH_CODE");
      const confirmationCode = await server.code(address);
      await app.call("confirmUserAttribute", { userAttributeKey: "email", confirmationCode });
      const { email, email_verified, name } = await app.call("fetchUserAttributes");
      assert.deepEqual(
        { email, email_verified, name },
        { email: address, email_verified: "true", name: "Eve" },
      );
      const AccessToken = await app.stored("accessToken");
      await app.call("signOut", { global: true });
      await assert.rejects(
        server.client.send(new GetUserCommand({ AccessToken })),
        refused("NotAuthorizedException"),
      );
      assert.deepEqual(await app.call("signIn", { username, password }), done);
      await app.call("deleteUser");
      await assert.rejects(
        server.client.send(new AdminGetUserCommand({ UserPoolId: place.UserPoolId, Username: username })),
        refused("UserNotFoundException"),
      );
      await assert.rejects(app.call("getCurrentUser"), refused("UserUnAuthenticatedException"));
    });

    test("who signs up is signed in by the confirmation itself: nothing more is asked or sent", async () => {
      const world = await setUp({
        Policies: { SignInPolicy: { AllowedFirstAuthFactors: ["PASSWORD", "EMAIL_OTP"] } },
      });
      const { app, server, address } = world;
      const { userId } = await signUp(world, { authFlowType: "USER_AUTH" });
      const confirmationCode = await server.code(address);
      assert.deepEqual(await app.call("confirmSignUp", { username, confirmationCode }), {
        isSignUpComplete: true,
        nextStep: { signUpStep: "COMPLETE_AUTO_SIGN_IN" },
      });
      assert.deepEqual(await app.call("autoSignIn"), done);
      const user = await app.call("getCurrentUser");
      assert.deepEqual(user, {
        username,
        userId,
        signInDetails: { loginId: username, authFlowType: "USER_AUTH" },
      });
      assert.equal((await server.inbox(address)).length, 1);
      await app.call("signOut");
      await assert.rejects(app.call("autoSignIn"), refused("AutoSignInException"));
    });
  });
});
