/** What holds for every policy, tried on documents and requests by dice; a failure names the seed that comes again. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Asked, evaluate, evaluateAll, type Policy, parsePolicy } from "../../src/policy/policy.ts";
import { type Caller, evaluateTrust, parseTrustPolicy } from "../../src/policy/trust.ts";
import { type Dice, dice } from "../kit/dice.ts";

const rounds = 1000;
const seeds = Array.from({ length: rounds }, (_, at) => (at + 1) * 2654435761);

const list = <T>(from: Dice, most: number, make: () => T): T[] => {
  const length = from.pick(Array.from({ length: most + 1 }, (_, at) => at));
  return Array.from({ length }, make);
};
const some = <T>(from: Dice, make: () => T): T | T[] => (from.chance(3) ? [make(), make()] : make());

const words = [
  "a",
  "b",
  "A",
  "",
  "*",
  "a*",
  "?b",
  "ab",
  "5",
  "10",
  "true",
  "false",
  "${k}",
  "${l, 'a'}",
  "${*}",
];
const values = [
  ...words,
  "203.0.113.0/24",
  "203.0.113.9",
  "::1",
  "2026-01-01",
  "1772366400",
  "arn:aws:s3:::a",
];
const keys = ["k", "l", "K", "aws:TagKeys", "m"];
const actions = ["s3:GetObject", "s3:PutObject", "sts:AssumeRole", "a:B"];
const actionPatterns = [...actions, "*", "s3:*", "*:*", "s3:?et*", "S3:getobject", "iam:*"];
const resources = ["*", "arn:aws:s3:::a", "arn:aws:s3:::b/ab", "arn:aws:s3:::${k}"];
const resourcePatterns = [
  ...resources,
  "arn:aws:s3:::*",
  "arn:*",
  "arn:aws:s3:::b/?b",
  "arn:aws:s3:::${l, 'a'}",
];
const names = ["StringEquals", "StringNotEquals", "StringLike", "StringNotLike", "StringEqualsIgnoreCase"];
const operators = [
  ...names,
  ...["NumericEquals", "NumericLessThan", "DateGreaterThan", "Bool", "IpAddress", "NotIpAddress", "ArnLike"],
  ...["ArnNotLike", "BinaryEquals", "Null", "Foo"],
];

function condition(from: Dice): object {
  const spelled = () =>
    `${from.pick(["", "", "ForAnyValue:", "ForAllValues:"])}${from.pick(operators)}${from.pick(["", "", "IfExists"])}`;
  const block = list(from, 2, () => [
    spelled(),
    Object.fromEntries(list(from, 2, () => [from.pick(keys), some(from, () => from.pick(values))])),
  ]);
  return Object.fromEntries(block);
}

function statement(from: Dice, Effect: string = from.pick(["Allow", "Allow", "Deny"])): object {
  const not = (member: string) => (from.chance(5) ? `Not${member}` : member);
  return {
    Effect,
    [not("Action")]: some(from, () => from.pick(actionPatterns)),
    [not("Resource")]: some(from, () => from.pick(resourcePatterns)),
    ...(from.chance(2) && { Condition: condition(from) }),
  };
}

const parse = (statements: readonly object[], Version: string): Policy =>
  parsePolicy(JSON.stringify({ Version, Statement: statements }));

function request(from: Dice): Asked {
  const value = () => from.pick(["a", "b", "A", "", "*", "ab", "5", "true", "203.0.113.9", "2026-01-02"]);
  const context = list(from, 3, () => [
    from.pick(keys),
    from.chance(4) ? [value(), value()] : from.chance(8) ? [] : value(),
  ]);
  return {
    action: from.pick(actions),
    resource: from.pick(resources),
    context: Object.fromEntries(context),
  };
}

function shuffled<T>(from: Dice, all: readonly T[]): T[] {
  const left = [...all];
  return all.map(() => left.splice(left.indexOf(from.pick(left)), 1)[0]!);
}

test("a deny never helps, an allow never hurts, and order is nothing", () => {
  const seen = new Set<string>();
  for (const seed of seeds) {
    const from = dice(seed);
    const Version = from.pick(["2012-10-17", "2008-10-17"]);
    const statements = [statement(from), ...list(from, 3, () => statement(from))];
    const asked = request(from);
    const told = (given: readonly object[]) => evaluate([parse(given, Version)], asked);
    const before = told(statements);
    seen.add(before);
    const why = `seed ${seed}: ${JSON.stringify({ statements, asked })}`;
    const withDeny = told([...statements, statement(from, "Deny")]);
    if (before !== "allow") assert.notEqual(withDeny, "allow", why);
    if (before === "explicit-deny") assert.equal(withDeny, "explicit-deny", why);
    const withAllow = told([...statements, statement(from, "Allow")]);
    if (before !== "implicit-deny") assert.equal(withAllow, before, why);
    assert.equal(told([...statements, { Effect: "Deny", Action: "*", Resource: "*" }]), "explicit-deny", why);
    assert.equal(told(shuffled(from, statements)), before, why);
    assert.equal(
      evaluate(
        statements.map((one) => parse([one], Version)),
        asked,
      ),
      before,
      why,
    );
  }
  assert.equal(seen.size, 3, "all decisions occurred");
});

test("an allow and a deny of the same statement: it is never allowed where the deny applies", () => {
  for (const seed of seeds) {
    const from = dice(seed);
    const given = statement(from, "Allow");
    const asked = request(from);
    const told = (...all: object[]) => evaluate([parse(all, "2012-10-17")], asked);
    const [allowed, denied] = [told(given), told({ ...given, Effect: "Deny" })];
    if (allowed === "allow") assert.equal(denied, "explicit-deny", `seed ${seed}: ${JSON.stringify(given)}`);
    assert.notEqual(told(given, { ...given, Effect: "Deny" }), "allow", `seed ${seed}`);
  }
});

test("a session policy or a boundary never widens", () => {
  let restricted = 0;
  for (const seed of seeds) {
    const from = dice(seed);
    const some = () => [parse([statement(from), ...list(from, 2, () => statement(from))], "2012-10-17")];
    const identity = some();
    const asked = request(from);
    const alone = evaluateAll({ identity }, asked).decision;
    assert.equal(alone, evaluate(identity, asked), `seed ${seed}`);
    for (const kind of ["session", "boundary"] as const) {
      const policies = some();
      const both = evaluateAll({ identity, [kind]: policies }, asked).decision;
      const decisions: readonly string[] = [alone, evaluate(policies, asked)];
      const expected = ["explicit-deny", "implicit-deny", "allow"].find((one) => decisions.includes(one));
      assert.equal(both, expected, `seed ${seed}: ${kind}`);
      if (both !== alone) restricted += 1;
      assert.notEqual(
        evaluateAll({ identity, [kind]: [] }, asked).decision,
        "allow",
        `seed ${seed}: ${kind}`,
      );
    }
  }
  assert.ok(restricted > 50, `${restricted} were restricted`);
});

test("trust policies: a deny never helps, an allow never hurts, and order is nothing", () => {
  const root = "arn:aws:iam::123456789012:root";
  const callers: readonly Caller[] = [
    { type: "AWS", values: [root, "arn:aws:iam::123456789012:user/ann"] },
    { type: "Federated", values: ["accounts.google.com"] },
    { type: "Service", values: ["lambda.amazonaws.com"] },
  ];
  const principals = [
    "*",
    { AWS: "*" },
    { AWS: ["123456789012"] },
    { AWS: "arn:aws:iam::123456789012:user/ann", Service: "lambda.amazonaws.com" },
    { Federated: ["accounts.google.com", "cognito-identity.amazonaws.com"] },
  ];
  const seen = new Set<string>();
  for (const seed of seeds) {
    const from = dice(seed);
    const one = (Effect = from.pick(["Allow", "Allow", "Deny"])) => ({
      Effect,
      Principal: from.pick(principals),
      Action: some(from, () => from.pick(["sts:AssumeRole", "sts:*", "sts:AssumeRoleWithWebIdentity"])),
      ...(from.chance(2) && { Condition: condition(from) }),
    });
    const statements = [one(), ...list(from, 3, () => one())];
    const asked = { action: "sts:AssumeRole", principal: from.pick(callers), context: request(from).context };
    const told = (given: readonly object[]) =>
      evaluateTrust(parseTrustPolicy(JSON.stringify({ Version: "2012-10-17", Statement: given })), asked);
    const before = told(statements);
    seen.add(before);
    const withDeny = told([...statements, one("Deny")]);
    if (before !== "allow") assert.notEqual(withDeny, "allow", `seed ${seed}`);
    if (before !== "implicit-deny") assert.equal(told([...statements, one("Allow")]), before, `seed ${seed}`);
    assert.equal(told(shuffled(from, statements)), before, `seed ${seed}`);
  }
  assert.equal(seen.size, 3, "all decisions occurred");
});

/** A document that is a policy in parts only. */
function broken(from: Dice, depth = 0): unknown {
  const leaf = () =>
    from.pick<unknown>(["", "*", "Allow", "arn:aws:s3:::a", "s3:*", 0, -1.5, true, null, "${", "__proto__"]);
  if (depth > 3 || from.chance(3)) return leaf();
  if (from.chance(3)) return list(from, 3, () => broken(from, depth + 1));
  const members = [
    "Version",
    "Statement",
    "Effect",
    "Action",
    "NotAction",
    "Resource",
    "Condition",
    "Principal",
    "Sid",
  ];
  const names = [
    ...members,
    "StringEquals",
    "ForAnyValue:IpAddress",
    "AWS",
    "Federated",
    "constructor",
    "__proto__",
    "k",
  ];
  return Object.fromEntries(list(from, 4, () => [from.pick(names), broken(from, depth + 1)]));
}

test("whatever is parsed, the parser's own error is all that is thrown", () => {
  const tried = { parsed: 0, refused: 0 };
  for (const seed of seeds) {
    const from = dice(seed);
    const whole = statement(from) as Record<string, unknown>;
    const member = from.pick([...Object.keys(whole), "Principal", "Sid", "Condition"]);
    const odd = { [from.pick(operators)]: { [from.pick(keys)]: broken(from, 4) } };
    const Statement = from.pick([
      broken(from),
      { ...whole, [member]: broken(from) },
      { ...whole, Condition: odd },
      { ...whole, Principal: "*", Action: "sts:*", Resource: undefined, Condition: odd },
    ]);
    const text = JSON.stringify(from.chance(4) ? broken(from) : { Version: "2012-10-17", Statement });
    const json = from.chance(10) ? text.slice(0, -from.pick([1, 2, 3])) : text;
    for (const read of [
      () => evaluate([parsePolicy(json)], request(from)),
      () =>
        evaluateTrust(parseTrustPolicy(json), {
          ...{ action: "sts:AssumeRole", context: request(from).context },
          principal: { type: "AWS", values: ["123456789012"] },
        }),
    ])
      try {
        read();
        tried.parsed += 1;
      } catch (error) {
        assert.equal((error as Error).constructor, Error, `seed ${seed}: ${json}: ${error}`);
        tried.refused += 1;
      }
  }
  assert.ok(tried.parsed > 100 && tried.refused > 100, JSON.stringify(tried));
});
