/** The table of the sign-in machine, over every combination of its facts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Facts, type Flow, nextStep, type Proof } from "../../src/domain/signin/steps.ts";
import type { UserStatus } from "../../src/store/users.ts";

const flows: Flow[] = [
  "USER_SRP_AUTH",
  "USER_PASSWORD_AUTH",
  "ADMIN_USER_PASSWORD_AUTH",
  "ADMIN_NO_SRP_AUTH",
];
const statuses: UserStatus[] = [
  "CONFIRMED",
  "UNCONFIRMED",
  "FORCE_CHANGE_PASSWORD",
  "RESET_REQUIRED",
  "EXTERNAL_PROVIDER",
];
const proofs: Proof[] = ["password", "new-password", "mfa"];
const subsets = Array.from({ length: 8 }, (_, bits) => proofs.filter((_proof, index) => bits & (1 << index)));

const everyFact: Facts[] = flows.flatMap((flow) =>
  statuses.flatMap((status) =>
    subsets.flatMap((proven) => [true, false].map((mfaRequired) => ({ flow, status, proven, mfaRequired }))),
  ),
);

test("done only when every required factor is proven", () => {
  for (const facts of everyFact) {
    const missing =
      !facts.proven.includes("password") ||
      (facts.status === "FORCE_CHANGE_PASSWORD" && !facts.proven.includes("new-password")) ||
      (facts.mfaRequired && !facts.proven.includes("mfa"));
    assert.equal(nextStep(facts) === "done", !missing, JSON.stringify(facts));
  }
});

test("the first factor comes first, then the new password, then MFA", () => {
  const facts: Facts = {
    flow: "USER_SRP_AUTH",
    status: "FORCE_CHANGE_PASSWORD",
    proven: [],
    mfaRequired: true,
  };
  assert.equal(nextStep(facts), "PASSWORD_VERIFIER");
  assert.equal(nextStep({ ...facts, flow: "USER_PASSWORD_AUTH" }), "PASSWORD");
  assert.equal(nextStep({ ...facts, proven: ["password"] }), "NEW_PASSWORD_REQUIRED");
  assert.equal(nextStep({ ...facts, proven: ["password", "new-password"] }), "MFA");
});
