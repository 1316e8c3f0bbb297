/** The table of the sign-in machine, over every combination of its facts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { SecondFactor } from "../../src/domain/mfa/factors.ts";
import { allProofs, type Proof } from "../../src/domain/mfa/proofs.ts";
import { challenges } from "../../src/domain/signin/challenges.ts";
import { type Facts, type Flow, isFirstFactor, nextStep, type Step } from "../../src/domain/signin/steps.ts";
import type { UserStatus } from "../../src/store/users.ts";

/** All members of a union: a missing one is a type error. */
const all = <T extends string>(members: Readonly<Record<T, true>>) => Object.keys(members) as T[];

const flows = all<Flow>({
  USER_SRP_AUTH: true,
  USER_PASSWORD_AUTH: true,
  ADMIN_USER_PASSWORD_AUTH: true,
  ADMIN_NO_SRP_AUTH: true,
  USER_AUTH: true,
  CUSTOM_AUTH: true,
  HOSTED_AUTH: true,
  HOSTED_CUSTOM_AUTH: true,
});
const statuses = all<UserStatus>({
  CONFIRMED: true,
  UNCONFIRMED: true,
  FORCE_CHANGE_PASSWORD: true,
  RESET_REQUIRED: true,
  EXTERNAL_PROVIDER: true,
});
const devices = [undefined, { replacesMfa: false }, { replacesMfa: true }] as const;
const factors: SecondFactor[] = ["SMS_MFA", "SOFTWARE_TOKEN_MFA", "EMAIL_OTP"];
const isSecondFactor = (name: Step): name is SecondFactor => factors.includes(name as SecondFactor);
const allChallenges = Object.keys(challenges) as Step[];

/** Every selection of up to `most`, in every order. */
const ordersOf = <T>(from: readonly T[], most: number): T[][] =>
  most === 0
    ? [[]]
    : [
        [],
        ...from.flatMap((one) =>
          ordersOf(
            from.filter((other) => other !== one),
            most - 1,
          ).map((rest) => [one, ...rest]),
        ),
      ];

/** Every order matters: the first proof is the first factor. The longest sign-in has five. */
const histories = ordersOf(allProofs, 5);

function* everyFact(of = histories): Generator<Facts> {
  for (const flow of flows)
    for (const status of statuses)
      for (const proven of of)
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
    const seconds: Proof[] = ["sms", "email", "software-token"];
    const second =
      first === "verified-passkey" || later.some((proof) => seconds.includes(proof) && proof !== first);
    const byDevice = facts.device?.replacesMfa === true;
    const missing =
      first === undefined ||
      (/CUSTOM_AUTH$/.test(facts.flow) && !facts.proven.includes("custom")) ||
      (facts.status === "FORCE_CHANGE_PASSWORD" && !facts.proven.includes("new-password")) ||
      (facts.device !== undefined && !facts.proven.includes("device")) ||
      (facts.mfa.demanded && !second && !byDevice);
    if ((nextStep(facts) === "done") === missing) assert.fail(JSON.stringify(facts));
  }
});

test("every challenge can be reached", () => {
  // DEVICE_SRP_AUTH goes on to it.
  const reached = new Set<string>(["DEVICE_PASSWORD_VERIFIER"]);
  const choices = [undefined, ...allChallenges].filter(
    (name) => name === undefined || isFirstFactor(name) || isSecondFactor(name),
  );
  for (const facts of everyFact([[], ["password"]]))
    for (const chosen of choices)
      for (const enrolling of [undefined, ...factors])
        reached.add(nextStep({ ...facts, chosen, mfa: { ...facts.mfa, enrolling } }));
  assert.deepEqual(
    allChallenges.filter((name) => !reached.has(name)),
    [],
  );
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

test("CUSTOM_AUTH: the triggers are asked first, or once all else is proven where the password goes first", () => {
  const facts: Facts = { ...srp, flow: "CUSTOM_AUTH" };
  assert.equal(nextStep(facts), "CUSTOM_CHALLENGE");
  const srpFirst: Facts = { ...facts, chosen: "PASSWORD_SRP" };
  assert.equal(nextStep(srpFirst), "PASSWORD_VERIFIER");
  const afterPassword = (...more: Proof[]) => nextStep({ ...srpFirst, proven: ["password", ...more] });
  assert.equal(afterPassword(), "NEW_PASSWORD_REQUIRED");
  assert.equal(afterPassword("new-password"), "SELECT_MFA_TYPE");
  assert.equal(afterPassword("new-password", "sms"), "CUSTOM_CHALLENGE");
  assert.equal(afterPassword("new-password", "sms", "custom"), "done");
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
