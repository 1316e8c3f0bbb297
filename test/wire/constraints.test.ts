import assert from "node:assert/strict";
import { test } from "node:test";
import { Refusal } from "../../src/lib/refusal.ts";
import { parseInput } from "../../src/wire/check.ts";
import { identityPoolModel } from "../../src/wire/generated/identity-pools.ts";
import type { IdentityPoolOperationName } from "../../src/wire/generated/identity-pools.types.ts";
import { userPoolModel } from "../../src/wire/generated/user-pools.ts";
import type { UserPoolOperationName } from "../../src/wire/generated/user-pools.types.ts";

const POOL = "us-east-1_AbCdEfGhI";
const NAME_PATTERN = String.raw`[\p{L}\p{M}\p{S}\p{N}\p{P}]+`;

function messageOf(action: () => unknown, code = "InvalidParameterException"): string {
  try {
    action();
  } catch (error) {
    assert.ok(error instanceof Refusal, String(error));
    assert.equal(error.code, code);
    return error.message;
  }
  return "";
}

function userPool(name: UserPoolOperationName, body: object): string {
  return messageOf(() => parseInput(userPoolModel, name, JSON.stringify(body)));
}

function identityPool(name: IdentityPoolOperationName, body: object): string {
  return messageOf(() => parseInput(identityPoolModel, name, JSON.stringify(body)), "ValidationException");
}

/** Puts the frame around single violations. */
function detected(...violations: string[]): string {
  return `${violations.length} validation error${violations.length === 1 ? "" : "s"} detected: ${violations.join("; ")}`;
}

const at = (path: string, constraint: string) =>
  `Value at '${path}' failed to satisfy constraint: ${constraint}`;
const of = (value: string, path: string, constraint: string) =>
  `Value '${value}' at '${path}' failed to satisfy constraint: ${constraint}`;
const absent = (path: string) =>
  `Value null at '${path}' failed to satisfy constraint: Member must not be null`;

const pattern = (text: string) => `Member must satisfy regular expression pattern: ${text}`;
const atLeast = (n: number) => `Member must have length greater than or equal to ${n}`;
const atMost = (n: number) => `Member must have length less than or equal to ${n}`;

test("every broken constraint is reported together, in member order, in Cognito's words", () => {
  const cases: [UserPoolOperationName, object, string][] = [
    // identity-js#388, without the password's minimum, which the model of 2026 leaves to the pool's policy.
    [
      "SignUp",
      { ClientId: "abc", Username: "", Password: " " },
      detected(
        at("username", atLeast(1)),
        at("username", pattern(NAME_PATTERN)),
        at("password", pattern(String.raw`[\S]+`)),
      ),
    ],
    ["SignUp", {}, detected(absent("clientId"), absent("username"))],
    [
      "SetUserPoolMfaConfig",
      { UserPoolId: POOL, MfaConfiguration: "false" },
      detected(of("false", "mfaConfiguration", "Member must satisfy enum value set: [OFF, ON, OPTIONAL]")),
    ],
    [
      "DescribeUserPool",
      { UserPoolId: "nope" },
      detected(of("nope", "userPoolId", pattern(String.raw`[\w-]+_[0-9a-zA-Z]+`))),
    ],
    [
      "ListUserPools",
      { MaxResults: 61 },
      detected(of("61", "maxResults", "Member must have value less than or equal to 60")),
    ],
    [
      "ListUserPools",
      { MaxResults: 0 },
      detected(of("0", "maxResults", "Member must have value greater than or equal to 1")),
    ],
    // amplify-flutter#3125: items of a list are counted from 1.
    [
      "SignUp",
      { ClientId: "c", Username: "u", UserAttributes: [{ Name: "email" }, { Name: "a".repeat(33) }, {}] },
      detected(
        of("a".repeat(33), "userAttributes.2.member.name", atMost(32)),
        absent("userAttributes.3.member.name"),
      ),
    ],
    // aws-cdk#14699
    [
      "CreateUserPool",
      { PoolName: "p", Schema: [{ Name: "phone_number_verified" }] },
      detected(of("phone_number_verified", "schema.1.member.name", atMost(20))),
    ],
    [
      "AddCustomAttributes",
      { UserPoolId: POOL, CustomAttributes: [] },
      detected(at("customAttributes", atLeast(1))),
    ],
    [
      "CreateUserPool",
      { PoolName: "p", UserPoolTags: { a: "x".repeat(257) } },
      detected(
        of(
          `{a=${"x".repeat(253)}…`,
          "userPoolTags",
          `Map value must satisfy constraint: [${atMost(256)}, ${atLeast(0)}]`,
        ),
      ),
    ],
    [
      "CreateUserPool",
      { PoolName: "p", UserPoolTags: { "": "x" } },
      detected(
        of("{=x}", "userPoolTags", `Map keys must satisfy constraint: [${atMost(128)}, ${atLeast(1)}]`),
      ),
    ],
    [
      "AdminInitiateAuth",
      { UserPoolId: POOL, ClientId: "no spaces", AuthFlow: "USER_SRP_AUTH" },
      detected(at("clientId", pattern(String.raw`[\w+]+`))),
    ],
  ];
  for (const [name, body, message] of cases) assert.equal(userPool(name, body), message);
});

test("plain values of a list are reported for the list as a whole", () => {
  // media-insights-on-aws#199, with today's values.
  const message = userPool("CreateUserPoolClient", {
    UserPoolId: POOL,
    ClientName: "c",
    ExplicitAuthFlows: ["ADMIN_USER_PASSWORD_AUTH"],
  });
  assert.match(
    message,
    /^1 validation error detected: Value '\[ADMIN_USER_PASSWORD_AUTH\]' at 'explicitAuthFlows' failed to satisfy constraint: Member must satisfy constraint: \[Member must satisfy enum value set: \[(\w+, )+\w+\]\]$/,
  );
});

test("identity pools speak the same way, with ValidationException and patterns without anchors", () => {
  const patterns = [pattern(String.raw`[\w-]+:[0-9a-f-]+`), pattern(String.raw`[\w\s+=,.@-]+`)] as const;
  assert.equal(
    identityPool("DescribeIdentityPool", { IdentityPoolId: "none" }),
    detected(of("none", "identityPoolId", patterns[0])),
  );
  // The value is matched as a whole all the same.
  assert.equal(
    identityPool("DescribeIdentityPool", { IdentityPoolId: "us-east-1:0aeb!" }),
    detected(of("us-east-1:0aeb!", "identityPoolId", patterns[0])),
  );
  assert.equal(
    identityPool("CreateIdentityPool", { IdentityPoolName: "a/b", AllowUnauthenticatedIdentities: false }),
    detected(of("a/b", "identityPoolName", patterns[1])),
  );
  const roles = Object.values(identityPoolModel.shapes).filter((shape) => shape.type === "string");
  for (const { pattern: text = "" } of roles) assert.doesNotMatch(text, /^\^|\$$/);
  const login = `Map value must satisfy constraint: [${atMost(50000)}, ${atLeast(1)}]`;
  assert.equal(
    identityPool("GetId", { IdentityPoolId: "us-east-1:0aeb", Logins: { "accounts.google.com": "" } }),
    detected(at("logins", login)),
  );
  assert.equal(identityPool("GetId", {}), detected(absent("identityPoolId")));
  assert.equal(
    identityPool("SetIdentityPoolRoles", {
      IdentityPoolId: "us-east-1:0aeb",
      Roles: {},
      RoleMappings: { idp: {} },
    }),
    detected(absent("roleMappings.idp.member.type")),
  );
});

test("length counts characters, not UTF-16 units or base64 digits", () => {
  assert.equal(userPool("SignUp", { ClientId: "c", Username: "😀".repeat(128) }), "");
  assert.equal(
    userPool("SignUp", { ClientId: "c", Username: "😀".repeat(129) }),
    detected(at("username", atMost(128))),
  );
  const image = (bytes: number) => ({ UserPoolId: POOL, ImageFile: Buffer.alloc(bytes).toString("base64") });
  assert.equal(userPool("SetUICustomization", image(131072)), "");
  assert.equal(userPool("SetUICustomization", image(131073)), detected(at("imageFile", atMost(131072))));
});

test("an answer stays bounded, and counts what it does not print", () => {
  const attributes = Array.from({ length: 250 }, () => ({ Name: "😀".repeat(400) }));
  const message = userPool("SignUp", { ClientId: "c", Username: "u", UserAttributes: attributes });
  assert.match(message, /^250 validation errors detected: /);
  assert.equal(message.split("; ").length, 100);
  assert.ok(message.includes(`Value '${"😀".repeat(256)}…' at`));
});

test("hostile text does not cost more than its length", (t) => {
  /** What was matched against more characters than a pattern may take its time over. */
  const long: string[] = [];
  const matches = RegExp.prototype.test;
  t.mock.method(RegExp.prototype, "test", function (this: RegExp, value: string): boolean {
    if (value.length > 4_096) long.push(this.source);
    return matches.call(this, value);
  });
  const bodies = [
    "{####}".repeat(300_000),
    `${"{##".repeat(3000)}${"##}".repeat(3000)}\u0001`,
    "@".repeat(500_000),
  ];
  // As long as a message may be: beyond that its pattern is not looked at.
  const messages = bodies.map((text) => text.slice(0, 19_000));
  for (const text of [...bodies, ...messages]) {
    userPool("CreateUserPool", {
      PoolName: "p",
      SmsVerificationMessage: `${text}\n`,
      EmailVerificationMessage: text,
      VerificationMessageTemplate: { EmailMessageByLink: text, EmailMessage: text },
    });
    userPool("SetRiskConfiguration", {
      UserPoolId: POOL,
      AccountTakeoverRiskConfiguration: {
        NotifyConfiguration: { SourceArn: text, From: `${text}\u0001` },
        Actions: {},
      },
    });
    userPool("SignUp", { ClientId: text, Username: text, Password: text, SecretHash: text });
  }
  assert.ok(long.length > 0);
  // One class of characters, repeated, and nothing beside it: an engine has nowhere to go back to.
  for (const source of long) assert.match(source, /^\^(?:\(\?:)?\[(?:\\.|[^\]\\])*\][*+]\)?\$$/);
});
