/** Amplify, unmodified, in Chromium: sign-in by password, passkey and code, second factors, devices. */

import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import {
  AdminForgetDeviceCommand,
  AdminGetDeviceCommand,
  type CreateUserPoolClientCommandInput,
  type CreateUserPoolCommandInput,
  DeleteWebAuthnCredentialCommand,
  GetTokensFromRefreshTokenCommand,
  ListWebAuthnCredentialsCommand,
  SetUserPoolMfaConfigCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { forceMfaOn, totp, turnMfa, wrongTotp } from "../kit/factors.ts";
import { needs } from "../kit/machine.ts";
import { makePool, makeUser, newAddress, password, refused } from "../kit/people.ts";
import { forOneServer } from "../kit/server.ts";
import { Application } from "./amplify.ts";

const everyFlow: Partial<CreateUserPoolClientCommandInput> = {
  ExplicitAuthFlows: ["ALLOW_USER_SRP_AUTH", "ALLOW_USER_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
};
const choosing: Partial<CreateUserPoolCommandInput> = {
  AutoVerifiedAttributes: ["email"],
  Policies: { SignInPolicy: { AllowedFirstAuthFactors: ["PASSWORD", "EMAIL_OTP", "WEB_AUTHN"] } },
};
const softwareTokens = { SoftwareTokenMfaConfiguration: { Enabled: true } };

const done = { isSignedIn: true, nextStep: { signInStep: "DONE" } };
const byPasskey = {
  username: "ann",
  options: { authFlowType: "USER_AUTH", preferredChallenge: "WEB_AUTHN" },
} as const;
const byChoice = { username: "ann", options: { authFlowType: "USER_AUTH" } } as const;
const bySrp = { username: "ann", password };
const wrong = refused("NotAuthorizedException", "Incorrect username or password.");
const nobody = refused("UserUnAuthenticatedException");

describe("Amplify in Chromium", needs("chromium"), () => {
  forOneServer("sqlite", "with a server", (open) => {
    let opened: Promise<Application> | undefined;
    // Before the server's own end, which waits for the browser's connections.
    after(async () => (await opened)?.close());

    async function setUp(pool: Partial<CreateUserPoolCommandInput> = choosing) {
      const server = await open();
      const place = await makePool(server, pool, everyFlow);
      const address = newAddress();
      await makeUser(server, place.UserPoolId, "ann", verified(address));
      opened ??= Application.open();
      const app = await opened;
      await app.visit(server, place);
      return { server, place, app, address };
    }

    type World = Awaited<ReturnType<typeof setUp>>;

    async function signInAndOut({ app }: World, input: Parameters<typeof app.call<"signIn">>[1] = bySrp) {
      assert.deepEqual(await app.call("signIn", input), done);
      await app.call("signOut");
    }

    async function setUpToken({ app, server }: World): Promise<string> {
      const { sharedSecret } = await app.call("setUpTOTP");
      await app.call("verifyTOTPSetup", { code: totp(sharedSecret, server.clock.now) });
      await app.call("updateMFAPreference", { totp: "PREFERRED" });
      // A code is good for one use.
      server.clock.advance(60_000);
      return sharedSecret;
    }

    test("SRP: signs in, comes back, refreshes, and signs out", async () => {
      const { app, server, place, address } = await setUp();
      await assert.rejects(app.call("signIn", { ...bySrp, password: "Wrong-Horse-7" }), wrong);
      await assert.rejects(app.call("getCurrentUser"), nobody);
      assert.deepEqual(await app.call("signIn", bySrp), done);
      await app.page.reload();
      const { tokens } = await app.call("fetchAuthSession");
      assert.equal(tokens?.idToken?.payload["email"], address);
      assert.deepEqual(await app.call("getCurrentUser"), {
        username: "ann",
        userId: tokens?.accessToken.payload.sub,
        signInDetails: { loginId: "ann", authFlowType: "USER_SRP_AUTH" },
      });
      const fresh = (await app.call("fetchAuthSession", { forceRefresh: true })).tokens;
      assert.equal(fresh?.accessToken.payload["origin_jti"], tokens?.accessToken.payload["origin_jti"]);
      assert.notEqual(fresh?.accessToken.payload.jti, tokens?.accessToken.payload.jti);
      assert.equal((await app.call("fetchUserAttributes")).email, address);
      const RefreshToken = await app.stored("refreshToken");
      assert.ok(RefreshToken);
      await app.call("signOut");
      await assert.rejects(app.call("getCurrentUser"), nobody);
      await assert.rejects(
        server.client.send(new GetTokensFromRefreshTokenCommand({ ClientId: place.ClientId, RefreshToken })),
        refused("NotAuthorizedException"),
      );
    });

    test("a passkey is associated, listed, signs in, and is deleted", async () => {
      const { app } = await setUp();
      await app.call("signIn", bySrp);
      const began = Date.now();
      await app.call("associateWebAuthnCredential");
      const ended = Date.now();
      const { credentials } = await app.call("listWebAuthnCredentials");
      const [passkey, ...others] = credentials;
      assert.deepEqual(others, []);
      assert.equal(passkey?.relyingPartyId, "localhost");
      assert.equal(passkey?.authenticatorAttachment, "platform");
      assert.deepEqual(passkey?.authenticatorTransports, ["internal"]);
      const createdAt = passkey!.createdAt!.getTime();
      // The wire has whole seconds.
      assert.ok(began - 1_000 <= createdAt && createdAt <= ended, `${began}, ${createdAt}, ${ended}`);
      // The authenticator has one of this user's already.
      await assert.rejects(app.call("associateWebAuthnCredential"), refused("PasskeyAlreadyExists"));
      await app.call("signOut");
      assert.deepEqual(await app.call("signIn", byPasskey), done);
      assert.equal((await app.call("getCurrentUser")).username, "ann");
      await app.call("signOut");
      const choice = await app.call("signIn", byChoice);
      assert.deepEqual(choice.nextStep, {
        signInStep: "CONTINUE_SIGN_IN_WITH_FIRST_FACTOR_SELECTION",
        availableChallenges: ["PASSWORD_SRP", "PASSWORD", "EMAIL_OTP", "WEB_AUTHN"],
      });
      assert.deepEqual(await app.call("confirmSignIn", { challengeResponse: "WEB_AUTHN" }), done);
      await app.call("deleteWebAuthnCredential", { credentialId: passkey!.credentialId! });
      assert.deepEqual((await app.call("listWebAuthnCredentials")).credentials, []);
      await app.call("signOut");
      const without = await app.call("signIn", byPasskey);
      assert.deepEqual(without.nextStep, {
        signInStep: "CONTINUE_SIGN_IN_WITH_FIRST_FACTOR_SELECTION",
        availableChallenges: ["PASSWORD_SRP", "PASSWORD", "EMAIL_OTP"],
      });
      await assert.rejects(app.call("getCurrentUser"), nobody);
    });

    test("another user's passkey signs nobody in", async () => {
      const { app, server, place } = await setUp();
      await app.call("signIn", bySrp);
      await app.call("associateWebAuthnCredential");
      await app.call("signOut");
      // The browser keeps bob's only; what it is told of ann's is not there.
      const { devtools, authenticatorId } = app.authenticator;
      await devtools.send("WebAuthn.clearCredentials", { authenticatorId });
      await makeUser(server, place.UserPoolId, "bob");
      await app.call("signIn", { username: "bob", password });
      await app.call("associateWebAuthnCredential");
      await app.call("signOut");
      await assert.rejects(app.call("signIn", byPasskey), refused("PasskeyAuthenticationCanceled"));
      // A page that lets any passkey sign.
      await app.page.evaluate(`{
        const get = navigator.credentials.get.bind(navigator.credentials);
        navigator.credentials.get = ({ publicKey }) => get({ publicKey: { ...publicKey, allowCredentials: [] } });
      }`);
      assert.deepEqual(await app.call("signIn", { ...byPasskey, username: "bob" }), done);
      await app.call("signOut");
      await assert.rejects(app.call("signIn", byPasskey), wrong);
      await assert.rejects(app.call("getCurrentUser"), nobody);
    });

    test("a passkey that is deleted while the browser asks for it signs nobody in", async () => {
      const { app, server } = await setUp();
      await app.call("signIn", bySrp);
      await app.call("associateWebAuthnCredential");
      const AccessToken = await app.stored("accessToken");
      await app.page.exposeFunction("afterwards", async () => {
        const { Credentials } = await server.client.send(new ListWebAuthnCredentialsCommand({ AccessToken }));
        const CredentialId = Credentials?.[0]?.CredentialId;
        await server.client.send(new DeleteWebAuthnCredentialCommand({ AccessToken, CredentialId }));
      });
      // The access token is needed until then, so this sign-in begins beside it.
      await app.page.evaluate("localStorage.clear()");
      await app.page.evaluate(`{
        const get = navigator.credentials.get.bind(navigator.credentials);
        navigator.credentials.get = async (options) => {
          const credential = await get(options);
          await afterwards();
          return credential;
        };
      }`);
      await assert.rejects(app.call("signIn", byPasskey), wrong);
      await assert.rejects(app.call("getCurrentUser"), nobody);
    });

    test("an authenticator that has not verified its user is not enough where the pool demands it", async () => {
      const world = await setUp();
      const { app, server, place } = world;
      await server.client.send(
        new SetUserPoolMfaConfigCommand({
          UserPoolId: place.UserPoolId,
          WebAuthnConfiguration: { UserVerification: "required" },
        }),
      );
      await app.call("signIn", bySrp);
      await app.call("associateWebAuthnCredential");
      await app.call("signOut");
      const { devtools, authenticatorId } = app.authenticator;
      const verify = (isUserVerified: boolean) =>
        devtools.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified });
      await verify(false);
      await assert.rejects(app.call("signIn", byPasskey), refused("PasskeyAuthenticationCanceled"));
      await assert.rejects(app.call("getCurrentUser"), nobody);
      // Asked for it in the course of a sign-in, the user may yet choose again.
      await app.call("signIn", byChoice);
      const choose = (challengeResponse: string) => app.call("confirmSignIn", { challengeResponse });
      await assert.rejects(choose("WEB_AUTHN"), refused("PasskeyAuthenticationCanceled"));
      assert.equal((await choose("PASSWORD_SRP")).nextStep.signInStep, "CONFIRM_SIGN_IN_WITH_PASSWORD");
      assert.deepEqual(await choose(password), done);
      await app.call("signOut");
      await app.call("signIn", byChoice);
      await assert.rejects(choose("WEB_AUTHN"), refused("PasskeyAuthenticationCanceled"));
      await verify(true);
      assert.deepEqual(await choose("WEB_AUTHN"), done);
      await app.call("signOut");
      await signInAndOut(world, byPasskey);
    });

    test("USER_AUTH: the user chooses a code by mail, or the password", async () => {
      const world = await setUp();
      const { app, server, address } = world;
      const choose = async (challengeResponse: string) => {
        const choice = await app.call("signIn", byChoice);
        assert.deepEqual(choice.nextStep, {
          signInStep: "CONTINUE_SIGN_IN_WITH_FIRST_FACTOR_SELECTION",
          availableChallenges: ["PASSWORD_SRP", "PASSWORD", "EMAIL_OTP"],
        });
        return (await app.call("confirmSignIn", { challengeResponse })).nextStep;
      };
      const asked = await choose("EMAIL_OTP");
      assert.ok(asked.signInStep === "CONFIRM_SIGN_IN_WITH_EMAIL_CODE");
      assert.equal(asked.codeDeliveryDetails?.deliveryMedium, "EMAIL");
      assert.match(asked.codeDeliveryDetails?.destination ?? "", /^u\*+@m\*+$/);
      const code = await server.code(address);
      const other = code === "00000000" ? "00000001" : "00000000";
      await assert.rejects(
        app.call("confirmSignIn", { challengeResponse: other }),
        refused("CodeMismatchException"),
      );
      assert.deepEqual(await app.call("confirmSignIn", { challengeResponse: code }), done);
      assert.equal((await app.call("getCurrentUser")).signInDetails?.authFlowType, "USER_AUTH");
      await app.call("signOut");
      for (const factor of ["PASSWORD_SRP", "PASSWORD"] as const) {
        assert.equal((await choose(factor)).signInStep, "CONFIRM_SIGN_IN_WITH_PASSWORD");
        assert.deepEqual(await app.call("confirmSignIn", { challengeResponse: password }), done);
        await app.call("signOut");
        const preferring = { authFlowType: "USER_AUTH", preferredChallenge: factor } as const;
        await signInAndOut(world, { ...bySrp, options: preferring });
        const wrongly = { ...bySrp, password: "Wrong-Horse-7", options: preferring };
        await assert.rejects(app.call("signIn", wrongly), wrong);
      }
    });

    test("a software token is set up, preferred, and asked for", async () => {
      const world = await setUp();
      const { app, server, place } = world;
      await turnMfa(server, place, "OPTIONAL", softwareTokens);
      await app.call("signIn", bySrp);
      const secret = await setUpToken(world);
      assert.deepEqual(await app.call("fetchMFAPreference"), { enabled: ["TOTP"], preferred: "TOTP" });
      await app.call("signOut");
      assert.deepEqual(await app.call("signIn", bySrp), {
        isSignedIn: false,
        nextStep: { signInStep: "CONFIRM_SIGN_IN_WITH_TOTP_CODE" },
      });
      const { now } = server.clock;
      await assert.rejects(
        app.call("confirmSignIn", { challengeResponse: wrongTotp(secret, now) }),
        refused("CodeMismatchException"),
      );
      await assert.rejects(app.call("getCurrentUser"), nobody);
      assert.deepEqual(await app.call("confirmSignIn", { challengeResponse: totp(secret, now) }), done);
    });

    test("a software token is set up within the sign-in that demands one", async () => {
      const { app, server, place } = await setUp();
      await forceMfaOn(server, place, softwareTokens);
      const { nextStep } = await app.call("signIn", bySrp);
      assert.ok(nextStep.signInStep === "CONTINUE_SIGN_IN_WITH_TOTP_SETUP");
      const challengeResponse = totp(nextStep.totpSetupDetails.sharedSecret, server.clock.now);
      assert.deepEqual(await app.call("confirmSignIn", { challengeResponse }), done);
      assert.deepEqual(await app.call("fetchMFAPreference"), { enabled: ["TOTP"], preferred: "TOTP" });
    });

    test("a remembered device stands for the second factor until it is forgotten", async () => {
      const world = await setUp({
        ...choosing,
        DeviceConfiguration: { ChallengeRequiredOnNewDevice: true, DeviceOnlyRememberedOnUserPrompt: true },
      });
      const { app, server, place } = world;
      await turnMfa(server, place, "OPTIONAL", softwareTokens);
      await app.call("signIn", bySrp);
      const [device, ...others] = await app.call("fetchDevices");
      assert.deepEqual(others, []);
      const named = { UserPoolId: place.UserPoolId, Username: "ann", DeviceKey: device!.id };
      const status = async () => {
        const { Device } = await server.client.send(new AdminGetDeviceCommand(named));
        return Device?.DeviceAttributes?.find(({ Name }) => Name === "dev:device_remembered_status")?.Value;
      };
      assert.equal(await status(), "not_remembered");
      await app.call("rememberDevice");
      assert.equal(await status(), "remembered");
      const secret = await setUpToken(world);
      await app.call("signOut");
      const withCode = async () => {
        const { nextStep } = await app.call("signIn", bySrp);
        assert.equal(nextStep.signInStep, "CONFIRM_SIGN_IN_WITH_TOTP_CODE");
        const challengeResponse = totp(secret, server.clock.now);
        assert.deepEqual(await app.call("confirmSignIn", { challengeResponse }), done);
      };
      // It was confirmed by the password alone, and stands for a factor only once it is proven beside both.
      await withCode();
      await app.call("signOut");
      server.clock.advance(60_000);
      await signInAndOut(world);
      await signInAndOut(world, {
        ...bySrp,
        options: { authFlowType: "USER_AUTH", preferredChallenge: "PASSWORD_SRP" },
      });
      assert.deepEqual(await app.call("signIn", bySrp), done);
      assert.equal(
        (await app.call("fetchAuthSession", { forceRefresh: true })).tokens?.accessToken.payload[
          "device_key"
        ],
        device!.id,
      );
      await app.call("forgetDevice");
      await assert.rejects(
        server.client.send(new AdminGetDeviceCommand(named)),
        refused("ResourceNotFoundException"),
      );
      await app.call("signOut");
      await withCode();
    });

    test("a device that an administrator has forgotten is replaced by the next sign-in", async () => {
      const world = await setUp({
        ...choosing,
        DeviceConfiguration: { ChallengeRequiredOnNewDevice: false, DeviceOnlyRememberedOnUserPrompt: false },
      });
      const { app, server, place } = world;
      await signInAndOut(world);
      await app.call("signIn", bySrp);
      const [device, ...others] = await app.call("fetchDevices");
      assert.deepEqual(others, []);
      await app.call("signOut");
      await server.client.send(
        new AdminForgetDeviceCommand({
          UserPoolId: place.UserPoolId,
          Username: "ann",
          DeviceKey: device!.id,
        }),
      );
      assert.deepEqual(await app.call("signIn", bySrp), done);
      const [fresh, ...more] = await app.call("fetchDevices");
      assert.deepEqual(more, []);
      assert.notEqual(fresh!.id, device!.id);
    });
  });
});

const verified = (address: string) => [
  { Name: "email", Value: address },
  { Name: "email_verified", Value: "true" },
];
