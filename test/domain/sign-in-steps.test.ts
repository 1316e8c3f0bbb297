/** The table of the sign-in machine, over every combination of its facts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { SecondFactor } from "../../src/domain/mfa/factors.ts";
import { type Facts, type Flow, nextStep, type Proof } from "../../src/domain/signin/steps.ts";
import type { UserStatus } from "../../src/store/users.ts";

const flows: Flow[] = [
  "USER_SRP_AUTH",
  "USER_PASSWORD_AUTH",
  "ADMIN_USER_PASSWORD_AUTH",
  "ADMIN_NO_SRP_AUTH",
  "USER_AUTH",
  "CUSTOM_AUTH",
];
const statuses: UserStatus[] = [
  "CONFIRMED",
  "UNCONFIRMED",
  "FORCE_CHANGE_PASSWORD",
  "RESET_REQUIRED",
  "EXTERNAL_PROVIDER",
];
const proofs: Proof[] = [
  "password",
  "new-password",
  "email",
  "software-token",
  "verified-passkey",
  "custom",
  "device",
];
const devices = [undefined, { replacesMfa: false }, { replacesMfa: true }] as const;
const factors: SecondFactor[] = ["SMS_MFA", "SOFTWARE_TOKEN_MFA", "EMAIL_OTP"];

const subsetsOf = <T>(all: readonly T[]): T[][] =>
  Array.from({ length: 2 ** all.length }, (_, bits) => all.filter((_one, index) => bits & (1 << index)));
const ordersOf = <T>(all: readonly T[]): T[][] =>
  all.length === 0
    ? [[]]
    : all.flatMap((one) => ordersOf(all.filter((other) => other !== one)).map((rest) => [one, ...rest]));

/** Every order matters: the first proof is the first factor. */
const histories = subsetsOf(proofs).flatMap(ordersOf);

function* everyFact(): Generator<Facts> {
  for (const flow of flows)
    for (const status of statuses)
      for (const proven of histories)
        for (const demanded of [true, false])
          for (const usable of [[], factors])
            for (const device of devices)
              yield {
                flow,
                status,
                proven,
                chosen: undefined,
                mfa: { demanded, usable, ask: undefined, enrolling: undefined },
                device,
              };
}

test("done only when every factor that is required was proven, and no factor counts twice", () => {
  for (const facts of everyFact()) {
    const [first, ...later] = facts.proven;
    const seconds: Proof[] = ["email", "software-token"];
    const second =
      first === "verified-passkey" || later.some((proof) => seconds.includes(proof) && proof !== first);
    const byDevice = facts.device?.replacesMfa === true;
    const missing =
      first === undefined ||
      (facts.flow === "CUSTOM_AUTH" && !facts.proven.includes("custom")) ||
      (facts.status === "FORCE_CHANGE_PASSWORD" && !facts.proven.includes("new-password")) ||
      (facts.device !== undefined && !facts.proven.includes("device")) ||
      (facts.mfa.demanded && !second && !byDevice);
    assert.equal(nextStep(facts) === "done", !missing, JSON.stringify(facts));
  }
});

const srp: Facts = {
  flow: "USER_SRP_AUTH",
  status: "FORCE_CHANGE_PASSWORD",
  proven: [],
  chosen: undefined,
  mfa: { demanded: true, usable: ["SMS_MFA", "EMAIL_OTP"], ask: undefined, enrolling: undefined },
  device: undefined,
};

test("the first factor comes first, then the new password, then MFA", () => {
  assert.equal(nextStep(srp), "PASSWORD_VERIFIER");
  assert.equal(nextStep({ ...srp, flow: "USER_PASSWORD_AUTH" }), "PASSWORD");
  assert.equal(nextStep({ ...srp, proven: ["password"] }), "NEW_PASSWORD_REQUIRED");
  assert.equal(nextStep({ ...srp, proven: ["password", "new-password"] }), "SELECT_MFA_TYPE");
});

test("which second factor is asked for", () => {
  const proven: Proof[] = ["password", "new-password"];
  const mfa = (change: Partial<Facts["mfa"]>) => nextStep({ ...srp, proven, mfa: { ...srp.mfa, ...change } });
  assert.equal(mfa({ ask: "EMAIL_OTP" }), "EMAIL_OTP");
  assert.equal(mfa({ usable: [] }), "MFA_SETUP");
  assert.equal(mfa({ usable: [], enrolling: "EMAIL_OTP" }), "EMAIL_OTP");
  assert.equal(nextStep({ ...srp, proven, chosen: "SMS_MFA" }), "SMS_MFA");
  assert.equal(nextStep({ ...srp, proven, chosen: "SOFTWARE_TOKEN_MFA" }), "SELECT_MFA_TYPE");
});

test("USER_AUTH begins with the choice, or with what was chosen", () => {
  const facts: Facts = { ...srp, flow: "USER_AUTH" };
  assert.equal(nextStep(facts), "SELECT_CHALLENGE");
  assert.equal(nextStep({ ...facts, chosen: "SMS_OTP" }), "SMS_OTP");
  assert.equal(nextStep({ ...facts, chosen: "SOFTWARE_TOKEN_MFA" }), "SELECT_CHALLENGE");
  assert.equal(nextStep({ ...srp, chosen: "EMAIL_OTP" }), "PASSWORD_VERIFIER");
});

test("CUSTOM_AUTH: the triggers are asked, after the password where it goes first", () => {
  const facts: Facts = { ...srp, flow: "CUSTOM_AUTH" };
  assert.equal(nextStep(facts), "CUSTOM_CHALLENGE");
  const srpFirst: Facts = { ...facts, chosen: "PASSWORD_SRP" };
  assert.equal(nextStep(srpFirst), "PASSWORD_VERIFIER");
  assert.equal(nextStep({ ...srpFirst, proven: ["password"] }), "CUSTOM_CHALLENGE");
  assert.equal(nextStep({ ...facts, proven: ["custom"] }), "NEW_PASSWORD_REQUIRED");
});

test("a known device proves itself last, and in the place of MFA where it is remembered for that", () => {
  const proven: Proof[] = ["password", "new-password"];
  const of = (replacesMfa: boolean, more: Proof[] = []) =>
    nextStep({ ...srp, proven: [...proven, ...more], device: { replacesMfa } });
  assert.equal(of(true), "DEVICE_SRP_AUTH");
  assert.equal(of(true, ["device"]), "done");
  assert.equal(of(false), "SELECT_MFA_TYPE");
  assert.equal(of(false, ["device"]), "SELECT_MFA_TYPE");
  assert.equal(of(false, ["sms"]), "DEVICE_SRP_AUTH");
  assert.equal(of(false, ["sms", "device"]), "done");
});
