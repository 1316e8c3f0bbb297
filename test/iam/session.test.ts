/** What the session of a role may do: its role's policy and its own, with condition keys about the session. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Ctx } from "../../src/app.ts";
import { decide } from "../../src/domain/iam/access-keys.ts";
import type { Principal, RoleSession } from "../../src/domain/iam/principal.ts";
import { Caches } from "../../src/lib/caches.ts";
import { reasonOf } from "../../src/policy/policy.ts";

const account = "000000000000";
const now = Date.UTC(2026, 2, 1);
const ctx = {
  now,
  app: { caches: new Caches() },
  config: { accountId: account, region: "us-east-1" },
  address: "203.0.113.5",
} as Ctx;
const roleArn = `arn:aws:iam::${account}:role/app/worker`;
const session: RoleSession = {
  roleArn,
  userId: "AROA000EXAMPLE:one",
  issuedAt: now,
  tags: { Team: "red" },
  sourceIdentity: "ann",
  federatedProvider: "cognito-identity.amazonaws.com",
  identity: { aud: "us-east-1:pool", sub: "us-east-1:identity", amr: ["authenticated", "idp"] },
};
const document = (...Statement: object[]) => JSON.stringify({ Version: "2012-10-17", Statement });
const all = { Effect: "Allow", Action: "*", Resource: "*" };

async function decideFor(
  statements: readonly object[],
  given: Partial<RoleSession> | undefined,
  resource = "*",
) {
  const principal: Principal = {
    accessKeyId: "ASIA000EXAMPLE",
    name: "worker",
    arn: `arn:aws:sts::${account}:assumed-role/worker/one`,
    policies: [document(...statements)],
    ...(given && { session: { ...session, ...given } }),
  };
  const request = {
    ...{ action: "cognito-idp:ListUsers", resource, input: {}, header: () => undefined },
    resourceTags: async () => undefined,
  };
  const verdict = await decide(ctx, principal, request);
  return verdict.decision === "allow" ? "allow" : reasonOf(verdict, request.action);
}

const rows: readonly (readonly [condition: object, ofSession: boolean, ofKey: boolean])[] = [
  [{ ArnEquals: { "aws:PrincipalArn": roleArn } }, true, false],
  [{ StringEquals: { "aws:userid": "AROA000EXAMPLE:one" } }, true, false],
  [{ StringEquals: { "aws:userid": "ASIA000EXAMPLE" } }, false, true],
  [{ StringEquals: { "aws:PrincipalType": "AssumedRole" } }, true, false],
  [{ Null: { "aws:username": "true" } }, true, false],
  [{ StringEquals: { "aws:PrincipalTag/team": "red" } }, true, false],
  [{ StringEquals: { "aws:PrincipalTag/TEAM": "red" } }, true, false],
  [{ Null: { "aws:PrincipalTag/other": "true" } }, true, true],
  [{ DateGreaterThanEquals: { "aws:TokenIssueTime": "2026-03-01" } }, true, false],
  [{ DateGreaterThan: { "aws:TokenIssueTime": "2026-03-01" } }, false, false],
  [{ StringEquals: { "aws:SourceIdentity": "ann" } }, true, false],
  [{ StringEquals: { "aws:FederatedProvider": "cognito-identity.amazonaws.com" } }, true, false],
  [{ StringEquals: { "cognito-identity.amazonaws.com:aud": "us-east-1:pool" } }, true, false],
  [{ StringEquals: { "cognito-identity.amazonaws.com:sub": "us-east-1:identity" } }, true, false],
  [{ "ForAnyValue:StringLike": { "cognito-identity.amazonaws.com:amr": "auth*" } }, true, false],
];

test("a session has the keys of its role, its tags and its sign-in; an access key has none of them", async () => {
  const none = "because no identity-based policy allows the cognito-idp:ListUsers action";
  for (const [Condition, ofSession, ofKey] of rows) {
    const why = JSON.stringify(Condition);
    assert.equal(await decideFor([{ ...all, Condition }], {}), ofSession ? "allow" : none, why);
    assert.equal(await decideFor([{ ...all, Condition }], undefined), ofKey ? "allow" : none, `key: ${why}`);
  }
});

test("a resource can name the identity", async () => {
  const Resource = `arn:aws:s3:::bucket/\${cognito-identity.amazonaws.com:sub}/*`;
  const mine = "arn:aws:s3:::bucket/us-east-1:identity/a";
  assert.equal(await decideFor([{ ...all, Resource }], {}, mine), "allow");
  assert.notEqual(
    await decideFor([{ ...all, Resource }], {}, mine.replace("identity/a", "other/a")),
    "allow",
  );
  assert.notEqual(await decideFor([{ ...all, Resource }], undefined, mine), "allow");
});

test("policies of the session limit, and are asked about their own keys", async () => {
  const no = { ...all, Effect: "Deny" };
  const red = { ...all, Condition: { StringEquals: { "aws:PrincipalTag/team": "red" } } };
  const blue = { ...all, Condition: { StringEquals: { "aws:PrincipalTag/team": "blue" } } };
  const none = "because no session policy allows the cognito-idp:ListUsers action";
  assert.equal(await decideFor([all], { policies: [document(red)] }), "allow");
  assert.equal(await decideFor([all], { policies: [document(blue)] }), none);
  assert.equal(await decideFor([all], { policies: [] }), none);
  assert.equal(
    await decideFor([all], { policies: [document(all, no)] }),
    "with an explicit deny in a session policy",
  );
  assert.equal(
    await decideFor([red, no], { policies: [document(all)] }),
    "with an explicit deny in an identity-based policy",
  );
});
