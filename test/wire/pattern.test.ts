import assert from "node:assert/strict";
import { test } from "node:test";
import { identityPoolModel } from "../../src/wire/generated/identity-pools.ts";
import { userPoolModel } from "../../src/wire/generated/user-pools.ts";
import { matchesPattern, toJavaScript } from "../../src/wire/pattern.ts";

const shapes = [...Object.entries(userPoolModel.shapes), ...Object.entries(identityPoolModel.shapes)];
const patterns = shapes.flatMap(([name, shape]) =>
  shape.type === "string" && shape.pattern !== undefined ? [{ name, pattern: shape.pattern }] : [],
);

test("every pattern of both models compiles", () => {
  assert.ok(patterns.length > 60);
  for (const { name, pattern } of patterns) {
    assert.doesNotThrow(() => new RegExp(`^(?:${toJavaScript(pattern)})$`, "u"), name);
    assert.doesNotThrow(() => matchesPattern(pattern, "x"), name);
    // The translation of \s and \S holds inside brackets only.
    assert.doesNotMatch(pattern.replace(/\[[^\]]*\]/g, ""), /\\[sS]/, name);
  }
});

test("a pattern matches the whole value, as Java would", () => {
  const of = (name: string) => {
    const shape = userPoolModel.shapes[name];
    return shape?.type === "string" ? shape.pattern! : assert.fail(name);
  };
  const cases: [string, string, boolean][] = [
    ["UserPoolIdType", "us-east-1_AbC", true],
    ["UserPoolIdType", "us-east-1_AbC\n", false],
    ["UserPoolIdType", "x us-east-1_AbC", false],
    ["PasswordType", "pass word", false],
    ["PasswordType", "pass\u00a0word", true],
    ["ClientNameType", "my client+1", true],
    ["ClientNameType", "my\u00a0client", false],
    ["UsernameType", "дженни", true],
    ["UsernameType", "a b", false],
    ["SmsInviteMessageType", "line\nline", true],
    ["SmsVerificationMessageType", "code {####}", true],
    ["SmsVerificationMessageType", "code", false],
    ["TokenModelType", "a-b_c.d=", true],
    ["S3BucketType", "bucket.", false],
    ["HexStringType", "0aF", true],
  ];
  for (const [name, value, expected] of cases)
    assert.equal(matchesPattern(of(name), value), expected, `${name} ${value}`);
});

test("the linear matcher of templates agrees with the regular expression", () => {
  const templates = patterns.filter(({ name }) =>
    /^Email(Mfa|Verification)Message|^EmailAddressType$/.test(name),
  );
  assert.equal(templates.length, 4);
  const alphabet = ["a", "@", "{", "}", "#", "{##", "##}", "{####}", " ", "\u0000", "😀", "*"];
  for (let seed = 0; seed < 20_000; seed += 1) {
    let rest = seed * 2654435761;
    let value = "";
    for (let step = 0; step < seed % 9; step += 1, rest = Math.floor(rest / alphabet.length)) {
      value += alphabet[rest % alphabet.length];
    }
    for (const { name, pattern } of templates) {
      const expected = new RegExp(`^(?:${toJavaScript(pattern)})$`, "u").test(value);
      assert.equal(matchesPattern(pattern, value), expected, `${name} ${JSON.stringify(value)}`);
    }
  }
});
