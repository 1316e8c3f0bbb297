/** What is refused of a policy when it is written, and what is kept although nobody here knows it. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { namedPolicies } from "../../src/domain/iam/access-keys.ts";
import { ownActions } from "../../src/domain/iam/actions.ts";
import { conditionKeys } from "../../src/domain/iam/condition-keys.ts";
import { checkPolicy as check, policyWarnings } from "../../src/domain/iam/policy-check.ts";
import { closest } from "../../src/lib/closest.ts";
import { repeatedMember } from "../../src/lib/json-members.ts";
import { operatorNames } from "../../src/policy/operators.ts";

/** In an installation as it is unless something else is set. */
const home = { accountId: "000000000000", region: "us-east-1" };
const checkPolicy = (json: string) => check(json, home);
const lambda = "arn:aws:lambda:us-east-1:000000000000:";
const pool = "arn:aws:cognito-idp:us-east-1:000000000000:userpool/us-east-1_AbCdEfGhI";
const base = { Effect: "Deny", Action: "cognito-idp:DeleteUserPool", Resource: pool };
const write = (...statements: object[]) => JSON.stringify({ Version: "2012-10-17", Statement: statements });
const when = (Condition: object) => ({ ...base, Condition });

const kept: object[] = [
  base,
  { ...base, Action: "COGNITO-IDP:deleteuserpool" },
  { ...base, Action: ["cognito-idp:Admin*", "cognito-idp:*", "cognito-identity:Get??", "*:List*", "*"] },
  { ...base, Action: ["cognito-idp:InitiateAuth", "cognito-idp:AssociateWebACL"] },
  { ...base, Action: "poolhouse:*" },
  { ...base, Action: undefined, NotAction: ["cognito-idp:Delete*", "s3:*"] },
  { ...base, Action: ["s3:GetObject", "cognito-idp:ListUsers"], Resource: ["arn:aws:s3:::b/*", pool] },
  { ...base, Resource: undefined, NotResource: [pool, "*"] },
  { ...base, Resource: "arn:aws:cognito-idp:*:*:userpool/*" },
  { ...base, Resource: "arn:aws:cognito-idp:us-*:0000????????:user*" },
  { ...base, Resource: "arn:*:userpool/us-east-1_x" },
  { ...base, Resource: "arn:aws:cognito-idp:us-east-1:000000000000:userpool/${aws:username}" },
  {
    ...base,
    Action: "cognito-identity:*",
    Resource: "arn:aws:cognito-identity:us-east-1:000000000000:identitypool/us-east-1:0-1",
  },
  { ...base, Action: "sts:AssumeRole", Resource: "arn:aws:iam::000000000000:role/path/name" },
  { ...base, Action: "sts:AssumeRole", Resource: "arn:aws:iam::123456789012:role/another-account" },
  { ...base, Resource: "arn:aws:cognito-idp:${aws:RequestedRegion}:${aws:PrincipalAccount}:userpool/x" },
  { ...base, Action: ["cognito-idp:*", "s3:*"], Resource: ["arn:aws:s3:eu-west-1:123456789012:x", pool] },
  when({ StringEquals: { "aws:ResourceTag/Größe a_b.c:d/e=f+g-h@i": "x" } }),
  when({ StringEquals: { "AWS:resourcetag/Env": "x" }, Bool: { "aws:SecureTransport": false } }),
  when({ StringLikeIfExists: { "aws:UserAgent": ["a*", "b"] }, Null: { "aws:TokenIssueTime": "true" } }),
  when({
    "ForAllValues:StringNotEquals": { "aws:TagKeys": ["x"] },
    NotIpAddress: { "aws:SourceIp": "::1/64" },
  }),
  when({ DateGreaterThan: { "aws:EpochTime": "2026-01-01" }, NumericLessThan: { "aws:EpochTime": 5 } }),
  when({ StringEquals: { "aws:PrincipalTag/team": "${aws:ResourceTag/team, 'none'}" } }),
  when({}),
  // Of other services alone: whatever it says.
  { Effect: "Allow", Action: ["logs:CreateLogGroup", "s3:Foo"], Resource: "arn:aws:logs:*:*:*" },
  {
    Effect: "Deny",
    Action: "s3:*",
    Resource: "arn:aws:s3:::{bucket}",
    Condition: { StringLik: { "s3:x": [] } },
  },
  // Of STS and API Gateway, the actions are checked; what requests to STS have is its callers' and providers'.
  { ...base, Action: "sts:GetCallerIdentity", Resource: "arn:aws:sts::*:self" },
  {
    ...when({ StringEquals: { "saml:sub": "x", "iam:ResourceTag/x": "y" } }),
    Action: "sts:Assume*",
    Resource: "*",
  },
  { ...when({ StringEquals: { "sts:ExternalId": "x" } }), Action: "sts:AssumeRole", Resource: "*" },
  {
    ...base,
    Action: "execute-api:Invoke",
    Resource: "arn:aws:execute-api:eu-west-1:*:a1b2c3/prod/GET/notes/*",
  },
  { ...base, Action: "execute-api:*", Resource: "arn:aws:execute-api:*:*:*" },
  { ...base, Action: ["sts:AssumeRole", "cognito-idp:ListUsers"], Resource: ["arn:aws:sts::*:self", pool] },
  // For both: what the others have stays as it is.
  { ...when({ StringEquals: { "s3:prefix": "x" } }), Action: "*" },
  { ...when({ StringLik3: {} }), Action: "s3:*" },
  { ...when({ StringEquals: { "s3:prefix": "x" } }), Action: undefined, NotAction: "iam:*" },
  { ...when({ StringEquals: { "aws:username": "${s3:prefix}" } }), Action: ["s3:*", "cognito-idp:*"] },
  { ...when({ StringEquals: { "iam:ResourceTag/x": "y" } }), Action: ["sts:*", "cognito-idp:ListUsers"] },
  when({ Null: { "ec2:SourceInstanceARN": "false", "lambda:SourceFunctionArn": "false" } }),
  { ...base, Action: "cognito-idp:*WebACL*", Resource: "arn:aws:wafv2:*:000000000000:*/webacl/*/*" },
  { ...base, Effect: "Allow", Resource: [`${pool}/*`, `${pool}/client/abc123`] },
  // Of Lambda, InvokeFunction alone is served.
  { ...base, Action: "lambda:InvokeFunction", Resource: `${lambda}function:claims` },
  { ...base, Action: "lambda:Invoke*", Resource: [`${lambda}function:*`, `${lambda}function:claims:live`] },
  { ...base, Action: ["lambda:*", "lambda:GetFunction"], Resource: `${lambda}layer:x` },
  { ...base, Action: ["lambda:InvokeAsync", "lambda:InvokeFunctionUrl"], Resource: "*" },
  { Effect: "Deny", Action: ["sns:Publish", "sqs:*", "ses:*", "sms:*", "cognito-sync:*"], Resource: "*" },
];

/** Each has the texts of all that is wrong with it. */
const refused: [object, RegExp[]][] = [
  [{ ...base, Action: "sts:AssumRole", Resource: "*" }, [/'sts:AssumRole' is no .*'sts:AssumeRole'/]],
  [
    { ...base, Action: "stss:AssumeRole", Resource: "*" },
    [/no service here is called 'stss'.*'sts:AssumeRole'/],
  ],
  [{ ...when({ StringLik3: {} }), Action: "sts:*" }, [/is none of sts/, /'StringLik3'/]],
  [
    { ...when({ StringEquals: { "sts:ExternlId": "x" } }), Action: "sts:*", Resource: "*" },
    [/'sts:ExternalId'/],
  ],
  [{ ...base, Action: "execute-api:Invok", Resource: "*" }, [/Did you mean 'execute-api:Invoke'/]],
  [{ ...base, Action: "execute-apis:Invoke", Resource: "*" }, [/Did you mean 'execute-api:Invoke'/]],
  [{ ...base, Action: "execute-api:Invoke" }, [/is none of execute-api/]],
  [
    when({ DateLessThan: { "aws:CurrentTime": "${aws:TokenIssueTime}" } }),
    [/cannot compare 'aws:CurrentTime' with .*: it reads no variables\.$/],
  ],
  [
    { ...base, Action: "lambda:InvokeFunctoin", Resource: "*" },
    [/is no action of lambda\. Did you mean 'lambda:InvokeFunction'\?/],
  ],
  [
    { ...base, Action: "lambda:InvokeFunction", Resource: `${lambda}layer:x` },
    [/must end in function:<name>, not 'layer:x'/],
  ],
  [
    { ...base, Action: "cognito-idp:DeletUserPool" },
    [/is no action of cognito-idp\. Did you mean 'cognito-idp:DeleteUserPool'\?/],
  ],
  [{ ...base, Action: "cognito-idp:Delet3*" }, [/'cognito-idp:Delet3\*' matches no action of cognito-idp\./]],
  [{ ...base, Action: ["cognito-idp:Foo", "s3:Foo"] }, [/'cognito-idp:Foo'/]],
  [{ ...base, Action: undefined, NotAction: "cognito-idp:ListUser" }, [/'cognito-idp:ListUsers'/]],
  [
    { ...base, Action: "cognito-ipd:ListUsers" },
    [/no service here is called 'cognito-ipd' .*\. Did you mean 'cognito-idp:ListUsers'\?/],
  ],
  [
    { ...base, Action: "cognito:ListUsers" },
    [
      /'cognito:ListUsers': no service here is called 'cognito' \(cognito-idp, cognito-identity, lambda, execute-api, sts, poolhouse\)\. Did you mean 'cognito-idp:ListUsers'\?$/,
    ],
  ],
  [{ ...base, Action: "cognito:Foo" }, [/no service here is called 'cognito' \([^)]+\)\.$/]],
  [{ ...base, Action: "cognito-idp:Admn*" }, [/'cognito-idp:Admn\*' matches no action of cognito-idp\./]],
  [{ ...base, Action: "poolhouse:SetSpecialTag" }, [/'poolhouse:SetSpecialTags'/]],
  [{ ...base, Action: "*:PutObject" }, [/'\*:PutObject' is no action of/]],
  [
    when({ StringEqual: { "aws:username": "x" } }),
    [/'StringEqual' is no condition operator\. Did you mean 'StringEquals'\?/],
  ],
  [when({ stringlike: { "aws:username": "x" } }), [/Did you mean 'StringLike'\?/]],
  [when({ "ForAnyValue:StringLik": { "aws:TagKeys": "x" } }), [/Did you mean 'ForAnyValue:StringLike'\?/]],
  [
    when({ "ForSomeValue:StringLike": { "aws:TagKeys": "x" } }),
    [/'ForSomeValue:StringLike' is no condition operator\.$/],
  ],
  [when({ NullIfExists: { "aws:TagKeys": "x" } }), [/no condition operator/]],
  [
    when({ Bool: { "aws:SecureTransprot": "false" } }),
    [/'aws:SecureTransprot'\. Did you mean 'aws:SecureTransport'\?/],
  ],
  [when({ StringEquals: { "aws:ResourceTags/env": "x" } }), [/Did you mean 'aws:ResourceTag\/env'\?/]],
  [when({ StringEquals: { "aws:ResourceTag": "x" } }), [/'aws:ResourceTag\/<key>'/]],
  [when({ StringEquals: { "s3:prefix": "x" } }), [/'s3:prefix'\. Keys of other services/]],
  [when({ StringEquals: { "iam:ResourceTag/x": "y" } }), [/'iam:ResourceTag\/x'\. Keys of other services/]],
  [{ ...when({ StringEquals: { "s4:prefix": "x" } }), Action: "*" }, [/'s4:prefix'/]],
  [{ ...when({ Bool: { "aws:ViaAWSServices": "true" } }), Action: "*" }, [/'aws:ViaAWSService'/]],
  [
    when({ Null: { "ec2:SourceInstanceAR": "false" } }),
    [/'ec2:SourceInstanceAR'\. Did you mean 'ec2:SourceInstanceARN'/],
  ],
  [{ ...base, Resource: `${pool}/*` }, [/would never match: what is below a pool is no resource of its own/]],
  [{ ...base, Resource: `${pool}/client/abc123` }, [/would never match/]],
  [{ ...base, Effect: "Allow", Resource: undefined, NotResource: `${pool}/*` }, [/would never match/]],
  [{ ...base, Effect: "Allow", Resource: `${pool}/clients/x` }, [/must end in/]],
  [{ ...base, Resource: "arn:aws:wafv2:us-east-1:000000000000:regional/webacl/a/b" }, [/is none of/]],
  [when({ StringEquals: { "cognito-idp:UserPool": "x" } }), [/'cognito-idp:UserPool'/]],
  [when({ StringEquals: {} }), [/StringEquals has no condition key/]],
  [when({ StringEquals: { "aws:username": [] } }), [/has no values/]],
  [
    when({ StringEquals: { "aws:SourceIp": "10.0.0.0/8" } }),
    [/StringEquals cannot be used with 'aws:SourceIp', which is an address/],
  ],
  [when({ Bool: { "aws:username": "true" } }), [/Bool cannot be used with 'aws:username'/]],
  [
    when({ IpAddress: { "aws:SourceIp": ["10.0.0.0/8", "10.0.0.0/33"] } }),
    [/cannot compare 'aws:SourceIp' with '10\.0\.0\.0\/33': it needs an address or a CIDR range\.$/],
  ],
  [when({ DateLessThan: { "aws:CurrentTime": "tomorrow" } }), [/'tomorrow'/]],
  [when({ Bool: { "aws:SecureTransport": "no" } }), [/with 'no': use true or false\.$/]],
  [when({ Null: { "aws:TagKeys": "yes" } }), [/with 'yes': use true or false\.$/]],
  [when({ ArnLike: { "aws:PrincipalArn": "user/ann" } }), [/'user\/ann'/]],
  [
    when({ StringEquals: { "aws:username": "${aws:usrname}" } }),
    [/a variable: .*'aws:usrname'\. Did you mean 'aws:username'\?/],
  ],
  [{ ...base, Resource: pool.replace("userpool/", "userpools/") }, [/must end in userpool\/<id>/]],
  [{ ...base, Resource: pool.replace("000000000000", "00000000000") }, [/'00000000000' is no account/]],
  [{ ...base, Resource: pool.replace("us-east-1:", ":") }, [/'' is no region/]],
  [{ ...base, Resource: pool.replace("arn:aws:", "arn:asw:") }, [/partition is 'aws'/]],
  [{ ...base, Resource: pool.replace("cognito-idp", "cognito-ipd") }, [/Did you mean 'cognito-idp'\?/]],
  ...["prot*", "${aws:username}", "Env ", " Env", "a?"].map((tag): [object, RegExp[]] => [
    when({ StringEquals: { [`aws:ResourceTag/${tag}`]: "x" } }),
    [/^Statement 2: no tag has the key '.+' of 'aws:ResourceTag\//],
  ]),
  [when({ Null: { "aws:RequestTag/Env ": "false" } }), [/no tag has the key 'Env '/]],
  [
    when({ StringEquals: { "aws:username": "${aws:ResourceTag/prot*}" } }),
    [/a variable: no tag has the key 'prot\*'/],
  ],
  [
    { ...base, Resource: pool.replace("000000000000", "123456789012") },
    [/account 123456789012 is not this installation's \(000000000000\), so it would never match\.$/],
  ],
  [
    { ...base, Resource: [pool, pool.replace("us-east-1:", "eu-west-1:")] },
    [/: region eu-west-1 is not this installation's \(us-east-1\), so it would never match\.$/],
  ],
  [
    { ...base, Resource: undefined, NotResource: "arn:aws:cognito-idp:eu-*:1???????????:userpool/*" },
    [/account 1\?+ is not this .* and region eu-\* is not this installation's/],
  ],
  [
    {
      Effect: "Allow",
      Action: "*",
      Resource: "arn:aws:cognito-identity:us-east-1:123456789012:identitypool/us-east-1:0-1",
    },
    [/account 123456789012 is not this/],
  ],
  [{ ...base, Resource: "arn:aws:s3:::bucket" }, [/is none of cognito-idp/]],
  [{ ...base, Resource: "arn:aws:cognito-idp:us-east-1:userpool/x" }, [/fewer than six parts/]],
  [{ ...base, Resource: undefined, NotResource: `${pool}/clients/x` }, [/must end in/]],
  [
    {
      ...when({ StringEqual: { "aws:username": "x" }, Bool: { "aws:Secure": "x" } }),
      Action: "cognito-idp:X",
    },
    [/'cognito-idp:X'/, /'StringEqual'/, /'aws:Secure'/],
  ],
];

test("what is known is kept, and so is what is about other services", () => {
  for (const statement of kept) checkPolicy(write(statement));
  for (const policy of Object.values(namedPolicies)) checkPolicy(policy);
});

test("what is about our services and unknown is refused, by its name", () => {
  for (const [statement, expected] of refused) {
    const text = write({ Effect: "Allow", Action: "*", Resource: "*" }, statement);
    assert.throws(
      () => checkPolicy(text),
      ({ message }: Error) => {
        const lines = message.split("\n");
        assert.equal(lines.length, expected.length, message);
        for (const [index, pattern] of expected.entries()) {
          assert.match(lines[index]!, /^Statement 2: /);
          assert.match(lines[index]!, pattern);
        }
        return true;
      },
      text,
    );
  }
});

test("what allows more than it seems to is told, and kept", () => {
  const allow = (Condition: object) => write({ ...base, Effect: "Allow", Condition });
  const open = { "ForAllValues:StringEquals": { "aws:TagKeys": ["a"] } };
  const [warning, ...others] = policyWarnings(allow(open));
  assert.match(
    warning!,
    /^Statement 1: ForAllValues:StringEquals also allows requests without 'aws:TagKeys'\./,
  );
  assert.deepEqual(others, []);
  checkPolicy(allow(open));
  assert.deepEqual(policyWarnings(allow({ ...open, Null: { "AWS:tagkeys": "false" } })), []);
  assert.equal(policyWarnings(allow({ ...open, Null: { "aws:TagKeys": ["true", "false"] } })).length, 1);
  assert.deepEqual(policyWarnings(write({ ...base, Condition: open })), []);
  for (const policy of Object.values(namedPolicies)) assert.deepEqual(policyWarnings(policy), []);
});

test("what the language itself lets pass without a word is refused", () => {
  assert.throws(
    () => checkPolicy('{"Statement":{"Effect":"Deny","Effect":"Allow","Action":"*","Resource":"*"}}'),
    /the member 'Effect' twice/,
  );
  const variable = { ...base, Resource: `${pool}\${aws:username}` };
  assert.throws(() => checkPolicy(JSON.stringify({ Statement: variable })), /"Version": "2012-10-17"/);
  assert.throws(
    () => checkPolicy(JSON.stringify({ Statement: base, Verison: "2012-10-17" })),
    /Did you mean 'Version'/,
  );
  assert.throws(() => checkPolicy(write({ ...base, Effects: "Deny" })), /'Effects'\. Did you mean 'Effect'/);
  assert.equal(repeatedMember('{"a":{"b":1,"c":["b",{"b":":"}]},"b":"a"}'), undefined);
  assert.equal(repeatedMember('{"x":[{"\\u0061":1,"b":{"a":2},"a":3}]}'), "a");
});

test("every action, operator and condition key that there is passes; misspelt by a letter none does", () => {
  const drop = (text: string, at: number) => text.slice(0, at) + text.slice(at + 1);
  for (const [service, names] of Object.entries(ownActions)) {
    checkPolicy(write({ ...base, Action: names.map((name) => `${service}:${name}`), Resource: "*" }));
    const misspelt = names.map((name) => drop(name, 4)).filter((name) => !names.includes(name));
    for (const name of misspelt)
      assert.throws(
        () => checkPolicy(write({ ...base, Action: `${service}:${name}`, Resource: "*" })),
        /Did you mean/,
        name,
      );
  }
  for (const { name } of conditionKeys) {
    const key = name.endsWith("/") ? `${name}team` : name;
    checkPolicy(write(when({ Null: { [key]: "true" } })));
    assert.throws(() => checkPolicy(write(when({ Null: { [drop(key, 5)]: "true" } }))), /Did you mean/, key);
  }
  for (const name of operatorNames)
    assert.throws(
      () => checkPolicy(write(when({ [drop(name, 2)]: { "aws:username": "x" } }))),
      /Did you mean/,
      name,
    );
  assert.equal(operatorNames.length, new Set(operatorNames).size);
  assert.equal(closest("entirely-else", operatorNames), undefined);
});

test("the policy of the document is taken once its placeholders are filled in", () => {
  const printed = readFileSync(join(import.meta.dirname, "..", "doors", "policies.test.ts"), "utf8");
  const [, text = assert.fail()] = /printed = `([^`]+)`/.exec(printed) ?? [];
  assert.throws(() => checkPolicy(text), /Statement 2: .*'\{aws_account_id\}' is no account/);
  checkPolicy(
    text.replace("{aws_account_id}", "000000000000").replace("{user_pool_id}", "us-east-1_AbCdEfGhI"),
  );
});

const document = (name: string) => readFileSync(join(import.meta.dirname, "..", "..", "docs", name), "utf8");

test("the documentation names the keys that no request has, and an example that is taken", () => {
  const model = document("security-model.md");
  const shown = (name: string) => (name.endsWith("/") ? `${name}<key>` : name);
  const flowing = model.replaceAll("\n", " ");
  for (const { name, absent } of conditionKeys) {
    if (absent !== undefined) assert.ok(flowing.includes(`\`${shown(name)}\``), name);
  }
  const [, example = assert.fail()] =
    /```json\n(\{ "Version[\s\S]+?)```/.exec(document("operating.md")) ?? [];
  checkPolicy(example);
});

test("policies are stored through the room that looks at them", () => {
  const root = join(import.meta.dirname, "..", "..", "src");
  const writers = globSync("**/*.ts", { cwd: root }).filter((file) =>
    /\b(?:insertAccessKey|setAccessKeyPolicy|replaceAccessKeys)\b/.test(
      readFileSync(join(root, file), "utf8"),
    ),
  );
  assert.deepEqual(writers.sort(), ["domain/iam/access-keys.ts", "store/access-keys.ts"]);
});
