/** amazon-cognito-identity-js, unmodified: second factors, and a device that is remembered from one sign-in to the next. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AdminForgetDeviceCommand,
  AdminGetDeviceCommand,
  AdminListDevicesCommand,
  AdminUpdateDeviceStatusCommand,
  ConfirmDeviceCommand,
  InitiateAuthCommand,
  ListDevicesCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import {
  AuthenticationDetails,
  CognitoUser,
  CognitoUserPool,
  type CognitoUserSession,
} from "amazon-cognito-identity-js";
import { start, totp, turnMfa } from "../kit/factors.ts";
import { makePool, makeUser, password, refused } from "../kit/people.ts";
import { forOneServer } from "../kit/server.ts";

/** What the library asks its page to do in the course of a sign-in, in order. */
interface Steps {
  readonly asked: string[];
  readonly session: CognitoUserSession;
}

type Answers = Readonly<Record<string, () => string | Promise<string>>>;

/** Signs in and answers what is asked. */
function signIn(user: CognitoUser, answers: Answers = {}): Promise<Steps> {
  const asked: string[] = [];
  return new Promise((resolve, reject) => {
    const ask = async (name: string, kind?: string) => {
      asked.push(name);
      const answer = answers[name];
      if (answer === undefined) return reject(new Error(`asked for ${name}`));
      user.sendMFACode(await answer(), callbacks, kind);
    };
    const callbacks = {
      onSuccess: (session: CognitoUserSession) => resolve({ asked, session }),
      onFailure: reject,
      mfaRequired: () => void ask("SMS_MFA"),
      totpRequired: () => void ask("SOFTWARE_TOKEN_MFA", "SOFTWARE_TOKEN_MFA"),
      mfaSetup: () => {
        asked.push("MFA_SETUP");
        user.associateSoftwareToken({
          associateSecretCode: async (secret) => {
            secrets.set(user, secret);
            user.verifySoftwareToken(await answers["MFA_SETUP"]!(), "Phone", callbacks);
          },
          onFailure: reject,
        });
      },
    };
    user.authenticateUser(
      new AuthenticationDetails({ Username: user.getUsername(), Password: password }),
      callbacks,
    );
  });
}

const secrets = new WeakMap<CognitoUser, string>();

const told = <T>(
  run: (callbacks: { onSuccess: (result: T) => void; onFailure: (error: unknown) => void }) => void,
): Promise<T> => new Promise((resolve, reject) => run({ onSuccess: resolve, onFailure: reject }));

forOneServer("postgres", "amazon-cognito-identity-js with factors", (open) => {
  async function setUp(devices?: { challenge?: boolean; onPrompt?: boolean }) {
    const server = await open();
    const place = await makePool(
      server,
      devices === undefined
        ? {}
        : {
            DeviceConfiguration: {
              ChallengeRequiredOnNewDevice: devices.challenge ?? false,
              DeviceOnlyRememberedOnUserPrompt: devices.onPrompt ?? false,
            },
          },
      { ExplicitAuthFlows: ["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_PASSWORD_AUTH"] },
    );
    const storage = memory();
    const pool = new CognitoUserPool({ ...place, endpoint: server.endpoint, Storage: storage });
    /** Another page of the same browser. */
    const page = (Username: string) => new CognitoUser({ Pool: pool, Username, Storage: storage });
    return { server, place, page };
  }

  type World = Awaited<ReturnType<typeof setUp>>;
  const devicesOf = async ({ server, place }: World) =>
    (await server.client.send(new AdminListDevicesCommand({ UserPoolId: place.UserPoolId, Username: "ann" })))
      .Devices ?? [];

  test("a software token is set up and then asked for", async () => {
    const { server, place, page } = await setUp();
    await makeUser(server, place.UserPoolId, "ann");
    await turnMfa(server, place, "ON", { SoftwareTokenMfaConfiguration: { Enabled: true } });
    const user = page("ann");
    const code = () => totp(secrets.get(user)!, server.clock.now);
    const first = await signIn(user, { MFA_SETUP: code });
    assert.deepEqual(first.asked, ["MFA_SETUP"]);
    assert.ok(first.session.isValid());
    server.clock.advance(60_000);
    const second = await signIn(user, { SOFTWARE_TOKEN_MFA: code });
    assert.deepEqual(second.asked, ["SOFTWARE_TOKEN_MFA"]);
  });

  test("a code by SMS", async () => {
    const { server, place, page } = await setUp();
    const number = `+1555${Math.floor(Math.random() * 1e7)
      .toString()
      .padStart(7, "0")}`;
    await makeUser(server, place.UserPoolId, "ann", [{ Name: "phone_number", Value: number }]);
    await turnMfa(server, place, "ON", {
      SmsMfaConfiguration: {
        SmsConfiguration: { SnsCallerArn: "arn:aws:iam::000000000000:role/sms" },
      },
    });
    const { asked } = await signIn(page("ann"), { SMS_MFA: () => server.code(number) });
    assert.deepEqual(asked, ["SMS_MFA"]);
  });

  test("a device is confirmed by one sign-in and proven by the next", async () => {
    const world = await setUp({});
    const { server, place, page } = world;
    await makeUser(server, place.UserPoolId, "ann");
    const { session } = await signIn(page("ann"));
    const [device] = await devicesOf(world);
    const key = device?.DeviceKey ?? assert.fail("no device");
    assert.equal(session.getAccessToken().payload["device_key"], key);
    const seen = device!.DeviceLastAuthenticatedDate!.getTime();
    server.clock.advance(60_000);
    const again = await signIn(page("ann"));
    assert.equal(again.session.getAccessToken().payload["device_key"], key);
    const [after, ...others] = await devicesOf(world);
    assert.deepEqual(others, []);
    assert.ok(after!.DeviceLastAuthenticatedDate!.getTime() > seen);
    const fresh = await new Promise<CognitoUserSession>((resolve, reject) => {
      const user = page("ann");
      user.getSession(() =>
        user.refreshSession(again.session.getRefreshToken(), (error, result) =>
          error ? reject(error) : resolve(result),
        ),
      );
    });
    assert.ok(fresh.isValid());
    // Without the device's key, or with another, the same token is worth nothing.
    const refresh = (parameters: Record<string, string>) =>
      server.client.send(
        new InitiateAuthCommand({
          ClientId: place.ClientId,
          AuthFlow: "REFRESH_TOKEN_AUTH",
          AuthParameters: { REFRESH_TOKEN: again.session.getRefreshToken().getToken(), ...parameters },
        }),
      );
    await assert.rejects(refresh({}), refused("NotAuthorizedException", "Invalid Refresh Token."));
    const another = `${key.slice(0, -1)}${key.endsWith("0") ? "1" : "0"}`;
    await assert.rejects(refresh({ DEVICE_KEY: another }), refused("NotAuthorizedException"));
    assert.ok((await refresh({ DEVICE_KEY: key })).AuthenticationResult);
  });

  test("a remembered device stands for the second factor, until it is no longer remembered", async () => {
    const world = await setUp({ challenge: true });
    const { server, place, page } = world;
    await makeUser(server, place.UserPoolId, "ann");
    await turnMfa(server, place, "ON", { SoftwareTokenMfaConfiguration: { Enabled: true } });
    const user = page("ann");
    const code = () => totp(secrets.get(user)!, server.clock.now);
    await signIn(user, { MFA_SETUP: code });
    server.clock.advance(60_000);
    // The library confirms no device at the end of a setup, but here.
    await signIn(user, { SOFTWARE_TOKEN_MFA: code });
    assert.deepEqual((await signIn(page("ann"))).asked, []);
    // The password alone, without the device, is not enough.
    assert.equal((await start(server, place, "ann")).ChallengeName, "SOFTWARE_TOKEN_MFA");
    const [device] = await devicesOf(world);
    const named = { UserPoolId: place.UserPoolId, Username: "ann", DeviceKey: device!.DeviceKey! };
    const challenge = await start(server, place, "ann", "USER_PASSWORD_AUTH", {
      PASSWORD: password,
      DEVICE_KEY: named.DeviceKey,
    });
    assert.equal(challenge.ChallengeName, "DEVICE_SRP_AUTH");
    await server.client.send(
      new AdminUpdateDeviceStatusCommand({ ...named, DeviceRememberedStatus: "not_remembered" }),
    );
    server.clock.advance(60_000);
    const later = page("ann");
    secrets.set(later, secrets.get(user)!);
    const { asked } = await signIn(later, { SOFTWARE_TOKEN_MFA: code });
    assert.deepEqual(asked, ["SOFTWARE_TOKEN_MFA"]);
  });

  test("a device that was forgotten is not known, and has no tokens any more", async () => {
    const world = await setUp({});
    const { server, place, page } = world;
    await makeUser(server, place.UserPoolId, "ann");
    const { session } = await signIn(page("ann"));
    const [device] = await devicesOf(world);
    const named = { UserPoolId: place.UserPoolId, Username: "ann", DeviceKey: device!.DeviceKey! };
    await server.client.send(new AdminForgetDeviceCommand(named));
    await assert.rejects(
      server.client.send(new AdminGetDeviceCommand(named)),
      refused("ResourceNotFoundException", "Device does not exist."),
    );
    await assert.rejects(
      server.client.send(
        new InitiateAuthCommand({
          ClientId: place.ClientId,
          AuthFlow: "REFRESH_TOKEN_AUTH",
          AuthParameters: {
            REFRESH_TOKEN: session.getRefreshToken().getToken(),
            DEVICE_KEY: named.DeviceKey,
          },
        }),
      ),
      refused("NotAuthorizedException"),
    );
    // The library comes again with the same SECRET_BLOCK, without the device it had kept, and gets a new one.
    const again = await signIn(page("ann"));
    assert.ok(again.session.isValid());
    const [fresh] = await devicesOf(world);
    assert.notEqual(fresh?.DeviceKey, named.DeviceKey);
  });

  test("remembered on the user's word; listed, and forgotten by the user", async () => {
    const world = await setUp({ onPrompt: true });
    const { server, place, page } = world;
    await makeUser(server, place.UserPoolId, "ann");
    const user = page("ann");
    await signIn(user);
    const statusOf = async () =>
      (await devicesOf(world))[0]?.DeviceAttributes?.find(
        ({ Name }) => Name === "dev:device_remembered_status",
      )?.Value;
    assert.equal(await statusOf(), "not_remembered");
    await told((callbacks) => user.setDeviceStatusRemembered(callbacks));
    assert.equal(await statusOf(), "remembered");
    const listed = await told<{ Devices: unknown[] }>((callbacks) =>
      user.listDevices(10, "", callbacks as never),
    ).catch(() => undefined);
    assert.ok(listed === undefined || listed.Devices.length === 1);
    await told((callbacks) => user.forgetDevice(callbacks as never));
    assert.deepEqual(await devicesOf(world), []);
  });

  test("only the device that tokens were issued to is confirmed by them, once, with a usable verifier", async () => {
    const { server, place } = await setUp({});
    await makeUser(server, place.UserPoolId, "ann");
    const { AuthenticationResult } = await start(server, place, "ann");
    const { AccessToken, NewDeviceMetadata } = AuthenticationResult!;
    assert.match(NewDeviceMetadata!.DeviceGroupKey!, /^-[\w-]{8}$/);
    const verifier = {
      Salt: Buffer.alloc(16, 3).toString("base64"),
      PasswordVerifier: Buffer.alloc(300, 5).toString("base64"),
    };
    const confirm = (DeviceKey: string, DeviceSecretVerifierConfig: object | undefined = verifier) =>
      server.client.send(new ConfirmDeviceCommand({ AccessToken, DeviceKey, DeviceSecretVerifierConfig }));
    const key = NewDeviceMetadata!.DeviceKey!;
    await assert.rejects(
      confirm("us-east-1_00000000-0000-4000-8000-000000000000"),
      refused("ResourceNotFoundException"),
    );
    for (const bad of [{}, { ...verifier, PasswordVerifier: "AA==" }, { ...verifier, Salt: "!" }])
      await assert.rejects(confirm(key, bad), refused("InvalidParameterException"));
    assert.equal((await confirm(key)).UserConfirmationNecessary, false);
    await assert.rejects(confirm(key), refused("DeviceKeyExistsException"));
    const off = await setUp();
    await makeUser(server, off.place.UserPoolId, "ann");
    const tokens = (await start(server, off.place, "ann")).AuthenticationResult!;
    assert.equal(tokens.NewDeviceMetadata, undefined);
    await assert.rejects(
      server.client.send(new ConfirmDeviceCommand({ AccessToken: tokens.AccessToken, DeviceKey: key })),
      refused("InvalidUserPoolConfigurationException"),
    );
    const untracked = refused("InvalidUserPoolConfigurationException");
    const listed = new ListDevicesCommand({ AccessToken: tokens.AccessToken });
    await assert.rejects(server.client.send(listed), untracked);
    const of = { UserPoolId: off.place.UserPoolId, Username: "ann" };
    await assert.rejects(server.client.send(new AdminListDevicesCommand(of)), untracked);
  });
});

/** The storage of a browser. */
function memory() {
  const items = new Map<string, string>();
  return {
    setItem: (key: string, value: string) => void items.set(key, value),
    getItem: (key: string) => items.get(key) ?? null,
    removeItem: (key: string) => void items.delete(key),
    clear: () => items.clear(),
  };
}
