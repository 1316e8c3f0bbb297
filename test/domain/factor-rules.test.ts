/** No sequence of CreateUserPool, UpdateUserPool and SetUserPoolMfaConfig leads to factors that do not go together. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { newDocument } from "../../src/domain/user-pools/create-pool.ts";
import type { PoolDocument } from "../../src/domain/user-pools/load-pool.ts";
import { withMfaConfig } from "../../src/domain/user-pools/mfa-config.ts";
import { updatedDocument } from "../../src/domain/user-pools/update-pool.ts";
import { Refusal } from "../../src/lib/refusal.ts";
import type { AuthFactorType } from "../../src/wire/generated/user-pools.types.ts";
import { dice } from "../kit/dice.ts";

const region = "us-east-1";
const UserPoolId = "us-east-1_a";

type Choose = <const T>(...values: readonly T[]) => T;

function settings(choose: Choose) {
  const first = (["EMAIL_OTP", "SMS_OTP", "WEB_AUTHN"] as const).filter(() => choose(true, false, false));
  const AllowedFirstAuthFactors: AuthFactorType[] = ["PASSWORD", ...first];
  return {
    MfaConfiguration: choose(undefined, undefined, "OFF", "OPTIONAL", "ON" as const),
    SmsConfiguration: choose(
      undefined,
      undefined,
      {},
      { SnsCallerArn: "arn:aws:iam::000000000000:role/sms" },
    ),
    Policies: choose(undefined, { SignInPolicy: { AllowedFirstAuthFactors } }),
  };
}

function mfaConfig(choose: Choose) {
  const sms = { SnsCallerArn: "arn:aws:iam::000000000000:role/sms" };
  return {
    MfaConfiguration: choose(undefined, "OFF", "OPTIONAL", "OPTIONAL", "ON", "ON" as const),
    SoftwareTokenMfaConfiguration: choose(undefined, undefined, { Enabled: true }, { Enabled: false }),
    EmailMfaConfiguration: choose(undefined, undefined, {}),
    SmsMfaConfiguration: choose(undefined, undefined, {}, { SmsConfiguration: sms }),
    WebAuthnConfiguration: choose(
      undefined,
      undefined,
      {},
      { FactorConfiguration: "SINGLE_FACTOR" as const },
      { FactorConfiguration: "MULTI_FACTOR_WITH_USER_VERIFICATION" as const },
    ),
  };
}

/** What is wrong with a document, said apart from the rules. */
function wrong(document: PoolDocument): string | undefined {
  const { MfaConfiguration: mode, SmsConfiguration, SmsMfaConfiguration, EmailMfaConfiguration } = document;
  const first = document.Policies?.SignInPolicy?.AllowedFirstAuthFactors ?? [];
  const isTotp = document.SoftwareTokenMfaConfiguration?.Enabled;
  const factors = [SmsMfaConfiguration, EmailMfaConfiguration, isTotp || undefined];
  const { FactorConfiguration, UserVerification } = document.WebAuthnConfiguration ?? {};
  const isMulti = FactorConfiguration === "MULTI_FACTOR_WITH_USER_VERIFICATION";
  if (mode !== "OFF" && factors.every((factor) => factor === undefined)) return "MFA without factor";
  if (
    mode === "OFF" &&
    (document.SoftwareTokenMfaConfiguration ?? SmsMfaConfiguration ?? EmailMfaConfiguration)
  )
    return "a factor without MFA";
  if (SmsConfiguration === undefined && (first.includes("SMS_OTP") || SmsMfaConfiguration)) return "no SMS";
  if (mode === "ON" && first.some((factor) => factor.endsWith("_OTP"))) return "codes as a first factor";
  if (mode === "ON" && first.includes("WEB_AUTHN") && !isMulti) return "passkeys as a single factor";
  if (isMulti && UserVerification !== "required") return "passkeys for two without verification";
  return undefined;
}

test("no sequence of the three operations leads to factors that do not go together", () => {
  let refusals = 0;
  const reached = new Set<string>();
  for (let seed = 1; seed <= 2000; seed++) {
    const die = dice(seed * 2_654_435_761);
    const choose: Choose = (...values) => die.pick(values);
    const told: string[] = [];
    const attempt = (document: PoolDocument, change: () => PoolDocument) => {
      try {
        return change();
      } catch (error) {
        assert.ok(error instanceof Refusal && error.code === "InvalidParameterException", String(error));
        refusals++;
        return document;
      }
    };
    const bare = newDocument({ PoolName: "p" }, region);
    let document = attempt(bare, () => newDocument({ PoolName: "p", ...settings(choose) }, region));
    for (let step = 0; step < 12; step++) {
      const request = choose(true, false) ? settings(choose) : mfaConfig(choose);
      told.push(JSON.stringify(request));
      const before = document;
      document = attempt(document, () =>
        "Policies" in request
          ? updatedDocument(before, { UserPoolId, ...request }, region)
          : withMfaConfig(before, { UserPoolId, ...request }, region),
      );
      assert.equal(wrong(document), undefined, `seed ${seed}: ${told.join("\n")}`);
      reached.add(String(document.MfaConfiguration));
      // What is not named never turns MFA off.
      if (document.MfaConfiguration === "OFF" && before.MfaConfiguration !== "OFF" && "Policies" in request)
        assert.equal(request.MfaConfiguration, "OFF", `seed ${seed}: ${told.join("\n")}`);
    }
  }
  assert.deepEqual([...reached].toSorted(), ["OFF", "ON", "OPTIONAL"]);
  assert.ok(refusals > 1000, "it was tried");
});
