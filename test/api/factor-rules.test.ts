/**
 * Which first factors, MFA modes and second factors of a pool go together: what was measured at AWS, in its words, and
 * that no other order of the three operations gets round it.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type AuthFactorType,
  CreateUserPoolCommand,
  type CreateUserPoolCommandInput,
  DescribeUserPoolCommand,
  GetUserPoolMfaConfigCommand,
  SetUserPoolMfaConfigCommand,
  type SetUserPoolMfaConfigCommandInput,
  UpdateUserPoolCommand,
  type UpdateUserPoolCommandInput,
} from "@aws-sdk/client-cognito-identity-provider";
import { smsConfiguration } from "../kit/factors.ts";
import { refused } from "../kit/people.ts";
import { forEachServer, type TestServer } from "../kit/server.ts";

const invalid = (message: string | RegExp) => refused("InvalidParameterException", message);
const together = invalid("Invalid MFA configuration given, can't turn off MFA and configure an MFA together");
const onlyThese = invalid(
  "Only PASSWORD and WEB_AUTHN (if configured) can be enabled as an auth factor if MFA is enabled",
);
const notSingle = invalid(
  "Cannot set WebAuthn factor configuration to SINGLE_FACTOR if MFA is required and WebAuthn is an allowed first auth factor",
);
const noSms = invalid(
  "SMS_OTP can not be configured as AuthFactor as user pool is missing valid SMS configuration",
);
const smsNeeded = invalid(
  "SMS configuration and Auto verification for phone_number are required when MFA is required/optional",
);
const notOn = invalid("Cannot turn MFA functionality ON, once the user pool has been created.");
const noFactor = invalid(
  "Invalid MFA Configuration given. SMS MFA, Email MFA, or Software Token MFA must be enabled.",
);

const totp = { SoftwareTokenMfaConfiguration: { Enabled: true } };
const email = { EmailMfaConfiguration: { Message: "{####}", Subject: "Code" } };
const allow = (...AllowedFirstAuthFactors: AuthFactorType[]) => ({
  Policies: { SignInPolicy: { AllowedFirstAuthFactors } },
});
const multi = { FactorConfiguration: "MULTI_FACTOR_WITH_USER_VERIFICATION" } as const;
const passkeys = (WebAuthnConfiguration: SetUserPoolMfaConfigCommandInput["WebAuthnConfiguration"]) => ({
  WebAuthnConfiguration,
});

forEachServer("which factors go together", (open) => {
  const create = (server: TestServer, settings: Partial<CreateUserPoolCommandInput> = {}) =>
    server.client.send(new CreateUserPoolCommand({ PoolName: "pool", ...settings }));

  async function makePool(settings: Partial<CreateUserPoolCommandInput> = {}) {
    const server = await open();
    const { client } = server;
    const UserPoolId = (await create(server, settings)).UserPool!.Id!;
    return {
      set: (request: Partial<SetUserPoolMfaConfigCommandInput>) =>
        client.send(new SetUserPoolMfaConfigCommand({ UserPoolId, ...request })),
      update: (request: Partial<UpdateUserPoolCommandInput>) =>
        client.send(new UpdateUserPoolCommand({ UserPoolId, ...request })),
      async read() {
        const { UserPool } = await client.send(new DescribeUserPoolCommand({ UserPoolId }));
        const { $metadata: _, ...mfa } = await client.send(new GetUserPoolMfaConfigCommand({ UserPoolId }));
        return { mfa, first: UserPool?.Policies?.SignInPolicy?.AllowedFirstAuthFactors };
      },
    };
  }

  test("CreateUserPool", async () => {
    const server = await open();
    for (const MfaConfiguration of ["ON", "OPTIONAL"] as const)
      await assert.rejects(create(server, { MfaConfiguration }), smsNeeded);
    await assert.rejects(create(server, allow("PASSWORD", "SMS_OTP")), noSms);
    await create(server, allow("PASSWORD", "EMAIL_OTP"));
    await create(server, { ...allow("PASSWORD", "SMS_OTP"), ...smsConfiguration });
    const on = { MfaConfiguration: "ON", ...smsConfiguration } as const;
    await create(server, on);
    await assert.rejects(create(server, { ...on, ...allow("PASSWORD", "EMAIL_OTP") }), onlyThese);
    await assert.rejects(create(server, { ...on, ...allow("PASSWORD", "SMS_OTP") }), onlyThese);
    await assert.rejects(create(server, { ...on, ...allow("PASSWORD", "WEB_AUTHN") }), notSingle);
    await assert.rejects(
      create(server, { MfaConfiguration: "" as never }),
      invalid(/mfaConfiguration.*enum value set/),
    );
  });

  test("SetUserPoolMfaConfig: OFF or no mode beside a factor, whatever the factor says", async () => {
    const { set, read } = await makePool();
    await set({ MfaConfiguration: "ON", ...totp });
    const off = { SoftwareTokenMfaConfiguration: { Enabled: false } };
    for (const factor of [totp, off, email, { SmsMfaConfiguration: {} }]) {
      await assert.rejects(set(factor), together);
      await assert.rejects(set({ MfaConfiguration: "OFF", ...factor }), together);
    }
    // It comes first: this relying party would be refused, too.
    await assert.rejects(set({ ...totp, ...passkeys({ RelyingPartyId: "a b" }) }), together);
    assert.deepEqual((await read()).mfa, { MfaConfiguration: "ON", ...totp });
    await set({});
    assert.deepEqual((await read()).mfa, { MfaConfiguration: "OFF" });
    await set({ MfaConfiguration: "OFF", ...passkeys({ UserVerification: "required" }) });
    assert.deepEqual((await read()).mfa, {
      MfaConfiguration: "OFF",
      WebAuthnConfiguration: { UserVerification: "required" },
    });
  });

  test("SetUserPoolMfaConfig: passkeys are no factor by themselves, and SMS needs somebody to send it", async () => {
    const { set } = await makePool(allow("PASSWORD", "WEB_AUTHN"));
    for (const MfaConfiguration of ["ON", "OPTIONAL"] as const) {
      const request = { MfaConfiguration, ...passkeys({ UserVerification: "required" }) };
      await assert.rejects(set(request), noFactor);
      await assert.rejects(set({ MfaConfiguration }), invalid(/without configuring an MFA$/));
    }
    await assert.rejects(
      set({ MfaConfiguration: "OPTIONAL", SmsMfaConfiguration: {} }),
      invalid("[SmsConfiguration] is a required member of [SmsMfaConfiguration]."),
    );
  });

  test("one-time codes as first factors and MFA ON, by every way there", async () => {
    for (const factor of ["EMAIL_OTP", "SMS_OTP"] as const) {
      const { set, update, read } = await makePool({ ...smsConfiguration, ...allow("PASSWORD", factor) });
      await assert.rejects(set({ MfaConfiguration: "ON", ...totp }), onlyThese);
      await assert.rejects(update({ MfaConfiguration: "ON" }), onlyThese);
      await set({ MfaConfiguration: "OPTIONAL", ...totp });
      await assert.rejects(update({ MfaConfiguration: "ON" }), onlyThese);
      await update({ ...allow("PASSWORD"), MfaConfiguration: "ON" });
      await assert.rejects(update(allow("PASSWORD", factor)), onlyThese);
      assert.deepEqual(await read(), { mfa: { MfaConfiguration: "ON", ...totp }, first: ["PASSWORD"] });
      await update({ ...allow("PASSWORD", factor), MfaConfiguration: "OPTIONAL" });
    }
  });

  test("passkeys as a first factor and MFA ON, by every way there", async () => {
    const { set, update, read } = await makePool(allow("PASSWORD", "WEB_AUTHN"));
    const on = { MfaConfiguration: "ON", ...totp } as const;
    await assert.rejects(set(on), notSingle);
    for (const UserVerification of ["preferred", "required"] as const)
      await assert.rejects(set({ ...on, ...passkeys({ UserVerification }) }), notSingle);
    const single = { FactorConfiguration: "SINGLE_FACTOR" } as const;
    await set({ MfaConfiguration: "OPTIONAL", ...totp, ...passkeys(single) });
    await assert.rejects(update({ MfaConfiguration: "ON" }), notSingle);
    // MULTI_FACTOR_WITH_USER_VERIFICATION alone is enough, and says that users are verified.
    await set({ ...on, ...passkeys(multi) });
    assert.deepEqual((await read()).mfa.WebAuthnConfiguration, { ...multi, UserVerification: "required" });
    await assert.rejects(set(passkeys(single)), notSingle);
    // An empty structure takes nothing away.
    await set(passkeys({}));
    assert.deepEqual((await read()).mfa.WebAuthnConfiguration, { ...multi, UserVerification: "required" });
    await update(allow("PASSWORD"));
    await set(passkeys(single));
    await assert.rejects(update(allow("PASSWORD", "WEB_AUTHN")), notSingle);
  });

  test("UpdateUserPool: MFA needs a factor, and SMS somebody to send it as long as it is one", async () => {
    const bare = await makePool();
    for (const MfaConfiguration of ["ON", "OPTIONAL"] as const)
      await assert.rejects(bare.update({ MfaConfiguration }), notOn);
    await assert.rejects(bare.update(allow("PASSWORD", "SMS_OTP")), noSms);
    await bare.set({ MfaConfiguration: "OPTIONAL", ...totp });
    await bare.update({ MfaConfiguration: "ON" });
    await bare.update({ MfaConfiguration: "OFF" });
    assert.deepEqual((await bare.read()).mfa, { MfaConfiguration: "OFF" });

    const sms = { SmsMfaConfiguration: smsConfiguration };
    const { set, update, read } = await makePool();
    await set({ MfaConfiguration: "OPTIONAL", ...totp, ...sms });
    const none = { SmsConfiguration: {} };
    await assert.rejects(update(none), smsNeeded);
    await set({ MfaConfiguration: "OPTIONAL", ...totp });
    await update(allow("PASSWORD", "SMS_OTP"));
    await assert.rejects(update(none), noSms);
    await update({ ...allow("PASSWORD"), ...none });
    assert.deepEqual((await read()).mfa, { MfaConfiguration: "OPTIONAL", ...totp });
  });

  test("of two changes at once that do not go together, one is refused", async () => {
    for (let turn = 0; turn < 5; turn++) {
      const { set, update } = await makePool();
      const answers = await Promise.allSettled([
        set({ MfaConfiguration: "ON", ...totp }),
        update(allow("PASSWORD", "EMAIL_OTP")),
      ]);
      assert.equal(answers.filter(({ status }) => status === "fulfilled").length, 1);
    }
  });
});
