/** The IAM policy evaluator. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Context } from "../../src/policy/policy.ts";
import { countSteps } from "../kit/steps.ts";

const stepsOf = countSteps();
const { evaluate, parsePolicy } = await import("../../src/policy/policy.ts");

const pool = "arn:aws:cognito-idp:us-east-1:000000000000:userpool/us-east-1_AbCdEfGhI";

function policy(...statements: unknown[]) {
  return parsePolicy(JSON.stringify({ Version: "2012-10-17", Statement: statements }));
}

function decide(statement: object, context: Context = {}, resource = pool, action = "cognito-idp:ListUsers") {
  return evaluate([policy({ Effect: "Allow", Action: "*", Resource: "*", ...statement })], {
    action,
    resource,
    context,
  });
}

/** Whether an Allow, and whether a Deny, with this condition applies. */
function applies(Condition: object, context: Context): [boolean, boolean] {
  const allow = policy({ Effect: "Allow", Action: "*", Resource: "*", Condition });
  const deny = policy({ Effect: "Deny", Action: "*", Resource: "*", Condition });
  const request = { action: "a:B", resource: "*", context };
  return [evaluate([allow], request) === "allow", evaluate([deny], request) === "explicit-deny"];
}

const YES = [true, true];
const NO = [false, false];
/** Cannot be decided: allows nothing, denies. */
const UNKNOWN = [false, true];

test("explicit deny over allow over implicit deny, in any order and across policies", () => {
  const allow = policy({ Effect: "Allow", Action: "cognito-idp:*", Resource: "*" });
  const deny = policy({ Effect: "Deny", Action: ["cognito-idp:Delete*"], Resource: [pool] });
  const request = { action: "cognito-idp:DeleteUserPool", resource: pool, context: {} };
  assert.equal(evaluate([allow], request), "allow");
  assert.equal(evaluate([allow, deny], request), "explicit-deny");
  assert.equal(evaluate([deny, allow], request), "explicit-deny");
  assert.equal(evaluate([], request), "implicit-deny");
  assert.equal(evaluate([allow], { ...request, action: "sts:GetCallerIdentity" }), "implicit-deny");
});

test("NotAction, NotResource, wildcards", () => {
  assert.equal(decide({ Action: undefined, NotAction: "cognito-idp:List*" }), "implicit-deny");
  assert.equal(decide({ Action: undefined, NotAction: "cognito-idp:Delete*" }), "allow");
  assert.equal(decide({ Resource: undefined, NotResource: pool }), "implicit-deny");
  assert.equal(decide({ Resource: undefined, NotResource: `${pool}X` }), "allow");
  assert.equal(decide({ Action: "cognito-idp:List?sers" }), "allow");
  assert.equal(decide({ Action: "cognito-idp:ListUsers?" }), "implicit-deny");
  assert.equal(decide({ Action: "*:List*" }), "allow");
  assert.equal(decide({ Resource: "arn:aws:*:userpool/us-east-1_*GhI" }), "allow");
  assert.equal(decide({ Resource: "arn:aws:*:userpool/us-east-1_*GhX" }), "implicit-deny");
});

test("a hostile pattern takes no more steps than its length times that of the text", () => {
  const steps = (stars: number) =>
    stepsOf(() =>
      assert.equal(
        decide({ Resource: `arn:${"*a".repeat(stars)}b` }, {}, `arn:${"a".repeat(5 * stars)}`),
        "implicit-deny",
      ),
    );
  assert.ok(steps(10) > 100, "they were counted");
  // One more star would double them if each way were tried.
  for (const stars of [10, 100, 1000]) assert.ok(steps(stars) < 2 * stars * 5 * stars * 20, `${stars} stars`);
});

test("variables: values are literal, missing ones match nothing, defaults and escapes", () => {
  const Resource = "arn:aws:x:::user/${aws:username}";
  const at = (name: string) => `arn:aws:x:::user/${name}`;
  assert.equal(decide({ Resource }, { "aws:UserName": "ann" }, at("ann")), "allow");
  assert.equal(decide({ Resource }, { "aws:username": "*" }, at("ann")), "implicit-deny");
  assert.equal(decide({ Resource }, { "aws:username": "*" }, at("*")), "allow");
  assert.equal(decide({ Resource }, { "aws:username": ["ann", "bob"] }, at("ann")), "implicit-deny");
  assert.equal(decide({ Resource }, {}, at("")), "implicit-deny");
  assert.equal(decide({ Resource: undefined, NotResource: Resource }, {}, at("ann")), "implicit-deny");
  assert.equal(
    decide({ Effect: "Deny", Resource: undefined, NotResource: Resource }, {}, at("ann")),
    "explicit-deny",
  );
  assert.equal(decide({ Resource: "arn:aws:x:::user/${aws:username, 'none'}" }, {}, at("none")), "allow");
  assert.equal(decide({ Resource: "arn:aws:x:::user/${*}${?}${$}" }, {}, at("*?$")), "allow");
  assert.equal(decide({ Resource: "arn:aws:x:::user/${*}" }, {}, at("ann")), "implicit-deny");
  assert.equal(
    decide({ Resource: "${aws:PrincipalTag/arn}" }, { "aws:PrincipalTag/arn": at("x") }, at("x")),
    "allow",
  );
  // In the older version of the language a variable is plain text.
  const old = parsePolicy(JSON.stringify({ Statement: { Effect: "Allow", Action: "*", Resource } }));
  const request = { action: "a:B", context: { "aws:username": "ann" } };
  assert.equal(evaluate([old], { ...request, resource: at("ann") }), "implicit-deny");
  assert.equal(evaluate([old], { ...request, resource: at("${aws:username}") }), "allow");
});

test("condition operators", () => {
  const cases: [object, Context, boolean[]][] = [
    [{ StringEquals: { k: "a" } }, { K: "a" }, YES],
    [{ StringEquals: { k: ["b", "a"] } }, { k: "a" }, YES],
    [{ StringEquals: { k: "a" } }, { k: "A" }, NO],
    [{ StringEquals: { k: "*" } }, { k: "A" }, NO],
    [{ StringEquals: { k: "a" } }, {}, NO],
    [{ StringEquals: { k: "a", l: "b" } }, { k: "a", l: "c" }, NO],
    [{ StringEquals: { k: "a" }, Bool: { m: true } }, { k: "a", m: true }, YES],
    [{ StringNotEquals: { k: ["a", "b"] } }, { k: "b" }, NO],
    [{ StringNotEquals: { k: ["a", "b"] } }, { k: "c" }, YES],
    [{ StringNotEquals: { k: "a" } }, {}, YES],
    [{ StringEqualsIgnoreCase: { k: "Ab" } }, { k: "aB" }, YES],
    [{ StringNotEqualsIgnoreCase: { k: "Ab" } }, { k: "aB" }, NO],
    [{ StringLike: { k: "a*c" } }, { k: "abc" }, YES],
    [{ StringNotLike: { k: "a*c" } }, { k: "abc" }, NO],
    [{ StringEquals: { k: "${l}" } }, { k: "x", l: "x" }, YES],
    [{ StringEquals: { k: "${l}" } }, { k: "x" }, NO],
    [{ StringNotEquals: { k: "${l}" } }, { k: "x" }, UNKNOWN],
    [{ StringEqualsIfExists: { k: "a" } }, {}, YES],
    [{ StringEqualsIfExists: { k: "a" } }, { k: "b" }, NO],
    [{ NumericEquals: { k: "1.0" } }, { k: 1 }, YES],
    [{ NumericNotEquals: { k: 1 } }, { k: 1 }, NO],
    [{ NumericLessThan: { k: 10 } }, { k: 9 }, YES],
    [{ NumericLessThanEquals: { k: 9 } }, { k: 9 }, YES],
    [{ NumericGreaterThan: { k: 10 } }, { k: "9" }, NO],
    [{ NumericGreaterThanEquals: { k: 10 } }, { k: 10 }, YES],
    [{ NumericLessThan: { k: 10 } }, { k: "x" }, UNKNOWN],
    [{ NumericNotEquals: { k: 10 } }, { k: "x" }, UNKNOWN],
    [{ DateGreaterThan: { k: "2026-01-01T00:00:00Z" } }, { k: "2026-01-01T00:00:01Z" }, YES],
    [{ DateGreaterThan: { k: "2026-01-01T01:00:00+01:00" } }, { k: "1767225601" }, YES],
    [{ DateLessThan: { k: "2026-01-02" } }, { k: "2026-01-01T23:59:59" }, YES],
    [{ DateLessThan: { k: "tomorrow" } }, { k: "2026-01-01T23:59:59" }, UNKNOWN],
    [{ DateNotEquals: { k: "2026-01-02" } }, { k: "2026-01-02T00:00:00Z" }, NO],
    [{ Bool: { k: "true" } }, { k: true }, YES],
    [{ Bool: { k: "true" } }, { k: "false" }, NO],
    [{ Bool: { k: "false" } }, {}, NO],
    [{ IpAddress: { k: "203.0.113.0/24" } }, { k: "203.0.113.9" }, YES],
    [{ IpAddress: { k: "203.0.113.0/24" } }, { k: "::ffff:203.0.113.9" }, YES],
    [{ IpAddress: { k: ["198.51.100.1", "2001:db8::/32"] } }, { k: "2001:db8:1::1" }, YES],
    [{ IpAddress: { k: "203.0.113.0/24" } }, { k: "203.0.114.9" }, NO],
    [{ IpAddress: { k: "203.0.113.0/24" } }, { k: "2001:db8::1" }, NO],
    [{ NotIpAddress: { k: "203.0.113.0/24" } }, { k: "203.0.114.9" }, YES],
    [{ NotIpAddress: { k: "203.0.113.0/24" } }, { k: "203.0.113.9" }, NO],
    [{ NotIpAddress: { k: "203.0.113.0/99" } }, { k: "203.0.114.9" }, UNKNOWN],
    [{ NotIpAddress: { k: "203.0.113.0/24" } }, { k: "nonsense" }, UNKNOWN],
    [{ ArnLike: { k: "arn:aws:s3:::b*" } }, { k: "arn:aws:s3:::bucket/a:b" }, YES],
    [{ ArnEquals: { k: "arn:aws:*:::b*" } }, { k: "arn:aws:s3:us:::b" }, NO],
    [
      { ArnLike: { k: "arn:aws:s3:::${aws:username}" } },
      { k: "arn:aws:s3:::ann", "aws:username": "ann" },
      YES,
    ],
    [{ ArnLike: { k: "arn:aws:*" } }, { k: "arn:aws:s3:::b" }, UNKNOWN],
    [{ ArnNotLike: { k: "arn:aws:s3:::b*" } }, { k: "arn:aws:s3:::bucket" }, NO],
    [{ ArnNotEquals: { k: "arn:aws:s3:::c" } }, { k: "arn:aws:s3:::bucket" }, YES],
    [{ Null: { k: "true" } }, {}, YES],
    [{ Null: { k: true } }, { k: "a" }, NO],
    [{ Null: { k: "false" } }, { k: "a" }, YES],
    [{ Null: { k: "maybe" } }, { k: "a" }, UNKNOWN],
    [{ "ForAnyValue:StringEquals": { k: ["a", "b"] } }, { k: ["x", "b"] }, YES],
    [{ "ForAnyValue:StringLike": { k: "auth*" } }, { k: ["authenticated", "cognito"] }, YES],
    [{ "ForAnyValue:StringEquals": { k: "a" } }, { k: [] }, NO],
    [{ "ForAnyValue:StringNotEquals": { k: "a" } }, { k: ["a", "b"] }, YES],
    [{ "ForAllValues:StringEquals": { k: ["a", "b"] } }, { k: ["a", "b", "a"] }, YES],
    [{ "ForAllValues:StringEquals": { k: ["a", "b"] } }, { k: ["a", "c"] }, NO],
    [{ "ForAllValues:StringEquals": { k: "a" } }, {}, YES],
    [{ "ForAllValues:StringNotEquals": { k: "a" } }, { k: ["b", "a"] }, NO],
    // Several values where one is expected.
    [{ StringEquals: { k: "a" } }, { k: ["a", "b"] }, UNKNOWN],
    // Operators nobody knows, also beside a condition that fails.
    [{ StringMatches: { k: "a" } }, { k: "a" }, UNKNOWN],
    [{ StringMatchesIfExists: { k: "a" } }, {}, UNKNOWN],
    [{ "ForSomeValue:StringEquals": { k: "a" } }, { k: "a" }, UNKNOWN],
    [{ stringequals: { k: "a" } }, { k: "a" }, UNKNOWN],
    [{ NotStringEquals: { k: "a" } }, { k: "b" }, UNKNOWN],
    [{ NumericNotLike: { k: "a" } }, { k: "b" }, UNKNOWN],
    [{ NullIfExists: { k: "true" } }, {}, UNKNOWN],
    [{ constructor: { k: "a" } }, { k: "a" }, UNKNOWN],
    [{ Foo: { k: "a" }, StringEquals: { k: "b" } }, { k: "a" }, UNKNOWN],
    [{}, {}, YES],
  ];
  for (const [condition, context, expected] of cases) {
    assert.deepEqual(
      applies(condition, context),
      expected,
      `${JSON.stringify(condition)} for ${JSON.stringify(context)}`,
    );
  }
});

test("malformed policies are refused with a text", () => {
  const ok = { Effect: "Allow", Action: "a:B", Resource: "*" };
  const cases: [unknown, RegExp][] = [
    ["{", /not valid JSON/],
    [[], /JSON object/],
    [{ Version: "2012-10-17" }, /needs a Statement/],
    [{ Statement: [] }, /needs a Statement/],
    [{ Version: "2012-10-18", Statement: ok }, /Version/],
    [{ Statement: ok, Extra: 1 }, /unknown member 'Extra'/],
    [{ Statement: "x" }, /Statement 1 must be a JSON object/],
    [{ Statement: [ok, { ...ok, Effect: "allow" }] }, /Statement 2: Effect/],
    [{ Statement: { ...ok, Action: undefined } }, /either Action or NotAction/],
    [{ Statement: { ...ok, NotAction: "a:B" } }, /either Action or NotAction/],
    [{ Statement: { ...ok, Resource: undefined } }, /either Resource or NotResource/],
    [{ Statement: { ...ok, Resource: [] } }, /list of strings/],
    [{ Statement: { ...ok, Action: [1] } }, /list of strings/],
    [{ Statement: { ...ok, Action: "ListUsers" } }, /'ListUsers' is no action/],
    [{ Statement: { ...ok, Resource: "bucket" } }, /must be an ARN/],
    [{ Statement: { ...ok, Principal: "*" } }, /no principal/],
    [{ Statement: { ...ok, Conditions: {} } }, /unknown member 'Conditions'/],
    [{ Statement: { ...ok, Condition: [] } }, /Condition must be an object/],
    [{ Statement: { ...ok, Condition: { StringEquals: "a" } } }, /Condition must be an object/],
    [{ Statement: { ...ok, Condition: { StringEquals: { k: null } } } }, /strings, numbers or booleans/],
    [{ Statement: { ...ok, Sid: 5 } }, /Sid/],
    [" ".repeat(40_000), /at most/],
  ];
  for (const [given, expected] of cases) {
    const json = typeof given === "string" ? given : JSON.stringify(given);
    assert.throws(() => parsePolicy(json), { name: "Error", message: expected }, json.slice(0, 80));
  }
});
