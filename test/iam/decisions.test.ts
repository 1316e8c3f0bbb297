/** What the policy evaluator decides, against tables that were worked out by hand from the IAM User Guide. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Decision, evaluate, evaluateAll, parsePolicy, reasonOf } from "../../src/policy/policy.ts";
import { evaluateTrust, parseTrustPolicy, trustKeysAsked } from "../../src/policy/trust.ts";
import * as operators from "./decisions/operators.ts";
import type { Holds, OperatorRow } from "./decisions/row.ts";
import { sessions } from "./decisions/sessions.ts";
import * as statements from "./decisions/statements.ts";
import * as trust from "./decisions/trust.ts";
import { variables } from "./decisions/variables.ts";

const documentOf = (Statement: unknown, Version: string | undefined = "2012-10-17") =>
  JSON.stringify({ Version, Statement });

for (const [subject, rows] of Object.entries(statements))
  test(subject, () => {
    for (const [why, given, { action, resource = "*", context = {} }, expected] of rows) {
      const policy = parsePolicy(documentOf(given));
      assert.equal(evaluate([policy], { action, resource, context }), expected, why);
      const apart = given.map((statement) => parsePolicy(documentOf([statement])));
      assert.equal(
        evaluate(apart, { action, resource, context }),
        expected,
        `${why}, in policies of their own`,
      );
    }
  });

/** What an allow and a deny with this condition decide. */
function decided([operator, wanted, actual]: OperatorRow): readonly [Decision, Decision] {
  const of = (Effect: string) =>
    parsePolicy(documentOf({ Effect, Action: "*", Resource: "*", Condition: { [operator]: { k: wanted } } }));
  const request = { action: "a:B", resource: "*", context: { k: actual } };
  return [evaluate([of("Allow")], request), evaluate([of("Deny")], request)];
}

const outcomes: Readonly<Record<Holds, readonly [Decision, Decision]>> = {
  Y: ["allow", "explicit-deny"],
  N: ["implicit-deny", "implicit-deny"],
  U: ["implicit-deny", "explicit-deny"],
};

for (const [subject, rows] of Object.entries(operators))
  test(`operators: ${subject}`, () => {
    for (const row of rows) {
      const [operator, wanted, actual, holds, why] = row;
      assert.deepEqual(decided(row), outcomes[holds], JSON.stringify([operator, wanted, actual, why]));
    }
  });

test("variables", () => {
  for (const [why, version, statement, { resource = "*", context = {} }, expected] of variables) {
    const policy = parsePolicy(
      JSON.stringify({ ...(version && { Version: version }), Statement: statement }),
    );
    const action = "iam:GetUser";
    assert.equal(evaluate([policy], { action, resource, context }), expected, why);
  }
});

test("identity, boundary and session", () => {
  const policies = (given: readonly object[] | undefined) =>
    given?.map((statement) => parsePolicy(documentOf(statement)));
  for (const [why, { identity, boundary, session }, expected] of sessions) {
    const sets = {
      identity: policies(identity)!,
      boundary: policies(boundary),
      session: policies(session),
    };
    const request = {
      action: "s3:GetObject",
      resource: "arn:aws:s3:::bucket/a",
      context: { team: "red" },
    };
    const verdict = evaluateAll(sets, request);
    const told = verdict.decision === "allow" ? "allow" : reasonOf(verdict, request.action);
    assert.equal(told, expected, why);
  }
});

for (const [subject, rows] of Object.entries(trust))
  test(`trust policies: ${subject}`, () => {
    for (const [why, given, name, principal, context, expected] of rows) {
      const action = `sts:${name}`;
      const policy = parseTrustPolicy(documentOf(given));
      assert.equal(evaluateTrust(policy, { action, principal, context }), expected, why);
      // The keys that are said to be asked for are all that it takes.
      const asked = trustKeysAsked(policy, action);
      const needed = Object.fromEntries(
        Object.entries(context).filter(([key]) => asked.has(key.toLowerCase())),
      );
      assert.equal(evaluateTrust(policy, { action, principal, context: needed }), expected, why);
    }
  });

const tables = [
  ...Object.values(statements),
  ...Object.values(operators),
  variables,
  sessions,
  ...Object.values(trust),
];

test("the tables are as long as they are meant to be, and no row is there twice", () => {
  const rows: readonly unknown[] = tables.flat();
  assert.ok(rows.length >= 300, `${rows.length}`);
  assert.equal(
    new Set(rows.map((row) => JSON.stringify(row, (_, value) => value ?? "absent"))).size,
    rows.length,
  );
});

test("trust policies that could not mean what they say are refused with a text", () => {
  const ok = { Effect: "Allow", Principal: { AWS: "123456789012" }, Action: "sts:AssumeRole" };
  const user = "arn:aws:iam::123456789012:user/";
  const cases: readonly (readonly [object, RegExp])[] = [
    [{ ...ok, Principal: undefined, NotPrincipal: { AWS: "123456789012" } }, /NotPrincipal is not accepted/],
    [{ ...ok, Principal: undefined }, /needs a Principal/],
    [{ ...ok, Principal: "123456789012" }, /Principal must be "\*" or an object/],
    [{ ...ok, Principal: [] }, /Principal must be a JSON object/],
    [{ ...ok, Principal: {} }, /names nobody/],
    [{ ...ok, Principal: { Aws: "*" } }, /'Aws' is no type of principal .* Did you mean 'AWS'/],
    [{ ...ok, Principal: { CanonicalUser: "abc" } }, /is no type of principal/],
    [{ ...ok, Principal: { AWS: [] } }, /Principal\.AWS must be a string or a list/],
    [{ ...ok, Principal: { AWS: `${user}*` } }, /wildcards are not read/],
    [{ ...ok, Principal: { AWS: "arn:aws:iam::*:root" } }, /wildcards are not read/],
    [{ ...ok, Principal: { AWS: "ann" } }, /'ann' is not an account id/],
    [{ ...ok, Principal: { AWS: "arn:aws:iam::123456789012:group/a" } }, /is not an account id/],
    [{ ...ok, Principal: { AWS: "arn:aws:iam::12345:root" } }, /is not an account id/],
    [{ ...ok, Principal: { Federated: "*" } }, /wildcards are not read/],
    [{ ...ok, Principal: { Federated: "https://id.example.com" } }, /is not cognito-identity/],
    [{ ...ok, Principal: { Federated: user } }, /is not cognito-identity/],
    [{ ...ok, Principal: { Service: "lambda" } }, /is not the name of a service/],
    [{ ...ok, Resource: "*" }, /names no resource/],
    [{ ...ok, NotAction: "sts:TagSession" }, /by Action/],
    [{ ...ok, Action: undefined }, /needs an Action/],
    [{ ...ok, Action: "sts:AssumRole" }, /Did you mean 'sts:AssumeRole'/],
    [{ ...ok, Action: "*" }, /is no action of a trust policy/],
    [{ ...ok, Action: "s3:*" }, /is no action of a trust policy/],
    [{ ...ok, Action: "sts:GetCallerIdentity" }, /is no action of a trust policy/],
    [{ ...ok, Conditions: {} }, /unknown member 'Conditions'\. Did you mean 'Condition'/],
    [{ ...ok, Effect: "Permit" }, /Effect must be Allow or Deny/],
  ];
  parseTrustPolicy(documentOf(ok));
  for (const [statement, expected] of cases)
    assert.throws(() => parseTrustPolicy(documentOf(statement)), { name: "Error", message: expected });
});
