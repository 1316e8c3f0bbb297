/** Claims as values. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  accessTokenClaims,
  type ClaimFacts,
  type Group,
  idTokenClaims,
  preferredRole,
} from "../../src/domain/tokens/claims.ts";

const group = (name: string, precedence: number | null, roleArn: string | null = null): Group => ({
  name,
  precedence,
  roleArn,
});
const role = (name: string) => `arn:aws:iam::000000000000:role/${name}`;

const facts: ClaimFacts = {
  issuer: "http://localhost:4747/us-east-1_A",
  clientId: "client",
  user: {
    poolId: "us-east-1_A",
    id: "sub-1",
    username: "ann",
    version: 1,
    status: "CONFIRMED",
    enabled: true,
    signOuts: 0,
    attributes: {
      email: "ann@example.com",
      email_verified: "true",
      phone_number_verified: "false",
      address: "1 Main Street",
      updated_at: "1700000000",
      "custom:level": "7",
      secret: "unreadable",
      sub: "another",
    },
    pendingAttributes: {},
    mfa: { enabled: [] },
    createdAt: 0,
    updatedAt: 0,
  },
  groups: [],
  familyId: "event-1",
  originJti: "origin-1",
  deviceKey: undefined,
  scope: "aws.cognito.signin.user.admin",
  origin: "api",
  resource: undefined,
  authTime: 1_700_000_000_999,
  now: 1_700_000_100_999,
  jti: "jti-1",
  lifetime: 3600,
  canRead: (attribute) => attribute !== "secret",
};

test("an access token carries who, for which client and scope, and no attribute", () => {
  assert.deepEqual(accessTokenClaims(facts), {
    sub: "sub-1",
    iss: "http://localhost:4747/us-east-1_A",
    origin_jti: "origin-1",
    event_id: "event-1",
    auth_time: 1_700_000_000,
    iat: 1_700_000_100,
    exp: 1_700_003_700,
    jti: "jti-1",
    client_id: "client",
    token_use: "access",
    scope: "aws.cognito.signin.user.admin",
    username: "ann",
  });
});

test("an ID token carries what the client may read, each in its type", () => {
  const claims = idTokenClaims({ ...facts, groups: [group("a", 1, role("r"))] });
  assert.equal(claims["aud"], "client");
  assert.equal(claims["token_use"], "id");
  assert.equal(claims["cognito:username"], "ann");
  assert.equal(claims["email"], "ann@example.com");
  assert.equal(claims["email_verified"], true);
  assert.equal(claims["phone_number_verified"], false);
  assert.deepEqual(claims["address"], { formatted: "1 Main Street" });
  assert.equal(claims["updated_at"], 1_700_000_000);
  assert.equal(claims["custom:level"], "7");
  assert.equal("secret" in claims, false);
  assert.equal(claims["sub"], "sub-1", "an attribute never replaces a claim of ours");
  assert.deepEqual(claims["cognito:groups"], ["a"]);
  assert.deepEqual(claims["cognito:roles"], [role("r")]);
  assert.equal(claims["cognito:preferred_role"], role("r"));
});

test("no groups, no claim; revocation off, no origin_jti", () => {
  const claims = idTokenClaims({ ...facts, originJti: undefined });
  for (const name of ["cognito:groups", "cognito:roles", "cognito:preferred_role", "origin_jti"]) {
    assert.equal(name in claims, false, name);
  }
});

test("the preferred role is that of the lowest precedence, when it is one", () => {
  const cases: [Group[], string | undefined][] = [
    [[], undefined],
    [[group("a", 2, role("a")), group("b", 1, role("b"))], role("b")],
    [[group("a", 1, role("a")), group("b", 1, role("b"))], undefined],
    [[group("a", 1, role("a")), group("b", 1, role("a"))], role("a")],
    [[group("a", 0), group("b", 1, role("b"))], role("b")],
    [[group("a", null, role("a"))], undefined],
  ];
  for (const [groups, expected] of cases) assert.equal(preferredRole(groups), expected);
});
