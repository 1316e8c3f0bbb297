/** Condition keys of policies, each by a call on the wire that it allows and one that it denies. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CreateUserPoolDomainCommand } from "@aws-sdk/client-cognito-identity-provider";
import { conditionKeys } from "../../src/domain/iam/condition-keys.ts";
import { insertAccessKey } from "../../src/store/access-keys.ts";
import { type KnownOperation, operations, sampleInput } from "../doors/operations.ts";
import { post, signedCall } from "../doors/wire.ts";
import { makePool } from "../kit/people.ts";
import { forOneServer, type TestServer } from "../kit/server.ts";
import { watchWork } from "./work.ts";

type Block = Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;

const operationNamed = (name: string): KnownOperation =>
  operations.find((one) => one.name === name) ?? assert.fail(name);

let made = 0;

/** A key as a release stored it that looked at no policy. */
async function keyWith(server: TestServer, ...statements: object[]) {
  const id = `AKIATESTPOLICY${String(++made).padStart(6, "0")}`;
  const secret = "policy-secret-0123456789abcdef";
  const policy = JSON.stringify({ Version: "2012-10-17", Statement: statements });
  const key = { id, principal: "ann", secret, policy, status: "Active", createdAt: 0 } as const;
  assert.ok(await insertAccessKey(server.app.db, key));
  return { accessKeyId: id, secretAccessKey: secret };
}

interface Request {
  readonly operation?: string;
  readonly input?: Readonly<Record<string, unknown>>;
  /** Sent, not signed. */
  readonly headers?: Readonly<Record<string, string>>;
}

async function call(
  server: TestServer,
  key: { accessKeyId: string; secretAccessKey: string },
  { operation = "ListUserPools", input = { MaxResults: 1 }, headers = {} }: Request,
) {
  const signed = signedCall(server.endpoint, operationNamed(operation), JSON.stringify(input), {
    now: server.clock.now,
    ...key,
  });
  const answer = await post(server.endpoint, { ...signed, headers: { ...signed.headers, ...headers } });
  if (answer.type === "AccessDeniedException")
    return /explicit deny/.test(answer.message) ? "denied" : "not allowed";
  assert.equal(answer.status, 200, `${operation}: ${answer.type} ${answer.message}`);
  return "done";
}

const everything = { Effect: "Allow", Action: "*", Resource: "*" };

/** What becomes of the call where this is the condition of a Deny, and where it is that of the only Allow. */
async function outcomes(server: TestServer, Condition: Block, request: Request) {
  const deny = await keyWith(server, everything, { ...everything, Effect: "Deny", Condition });
  const allow = await keyWith(server, { ...everything, Condition });
  return [await call(server, deny, request), await call(server, allow, request)];
}

const HOLDS = ["denied", "done"];
const FAILS = ["done", "not allowed"];
const UNDECIDED = ["denied", "not allowed"];

const account = "000000000000";
const arnOf = (pool: string) => `arn:aws:cognito-idp:us-east-1:${account}:userpool/${pool}`;

/** A key, a condition on it that holds and one that does not. */
type Row = readonly [string, Block, Block, Request?];

/** The keys that only the session of a role has. */
const ofSessions = [
  "aws:PrincipalTag/team",
  "aws:TokenIssueTime",
  "aws:SourceIdentity",
  "aws:FederatedProvider",
  "cognito-identity.amazonaws.com:aud",
  "cognito-identity.amazonaws.com:sub",
  "cognito-identity.amazonaws.com:amr",
];

/** The keys that a request has; `pool` is tagged env=prod and Team=red. */
const suppliedRows = (pool: string, now: number): readonly Row[] => {
  const describe = { operation: "DescribeUserPool", input: { UserPoolId: pool } };
  const tag = {
    operation: "TagResource",
    input: { ResourceArn: arnOf(pool), Tags: { color: "blue", b: "2" } },
  };
  const untag = { operation: "UntagResource", input: { ResourceArn: arnOf(pool), TagKeys: ["color"] } };
  const create = { operation: "CreateUserPool", input: { PoolName: "x", UserPoolTags: { color: "blue" } } };
  const replace = {
    operation: "UpdateUserPool",
    input: { UserPoolId: pool, UserPoolTags: { color: "blue" } },
  };
  const day = (offset: number) => new Date(now + offset * 86_400_000).toISOString();
  const agent = { headers: { "user-agent": "curl/8.1" } };
  return [
    ["aws:CurrentTime", { DateLessThan: { k: day(1) } }, { DateLessThan: { k: day(-1) } }],
    ["aws:EpochTime", { DateGreaterThan: { k: day(-1) } }, { NumericGreaterThan: { k: "9999999999" } }],
    [
      "aws:SourceIp",
      { IpAddress: { k: "127.0.0.0/8" } },
      { NotIpAddress: { k: ["10.0.0.0/8", "127.0.0.1"] } },
    ],
    ["aws:SecureTransport", { Bool: { k: "false" } }, { Bool: { k: "true" } }],
    ["aws:UserAgent", { StringLike: { k: "curl/*" } }, { StringLike: { k: "aws-cli/*" } }, agent],
    [
      "aws:referer",
      { StringEquals: { k: "https://a.example/" } },
      { Null: { k: "true" } },
      { headers: { referer: "https://a.example/" } },
    ],
    ...ofSessions.map((key): Row => [key, { Null: { k: "true" } }, { StringEquals: { k: "ann" } }]),
    ["aws:username", { StringEquals: { k: "ann" } }, { StringNotEquals: { k: "ann" } }],
    ["aws:userid", { StringLike: { k: "AKIATEST*" } }, { StringLike: { k: "AIDA*" } }],
    [
      "aws:PrincipalArn",
      { ArnLike: { k: `arn:aws:iam::${account}:user/*` } },
      { ArnEquals: { k: `arn:aws:iam::${account}:root` } },
    ],
    ["aws:PrincipalAccount", { StringEquals: { k: account } }, { StringEquals: { k: "111111111111" } }],
    ["aws:PrincipalType", { StringEquals: { k: "User" } }, { StringEquals: { k: "Account" } }],
    ["aws:PrincipalIsAWSService", { Bool: { k: "false" } }, { Bool: { k: "true" } }],
    ["aws:ViaAWSService", { Bool: { k: "false" } }, { Bool: { k: "true" } }],
    ["aws:RequestedRegion", { StringEquals: { k: "us-east-1" } }, { StringEquals: { k: "eu-west-1" } }],
    ["aws:ResourceAccount", { StringEquals: { k: account } }, { StringNotEquals: { k: account } }, describe],
    ["aws:ResourceTag/env", { StringEquals: { k: "prod" } }, { StringEquals: { k: "test" } }, describe],
    ["aws:ResourceTag/team", { StringEquals: { k: "red" } }, { StringEquals: { k: "RED" } }, describe],
    ["aws:ResourceTag/none", { Null: { k: "true" } }, { StringEquals: { k: "" } }, describe],
    ["aws:ResourceTag/env", { StringLike: { k: "p*" } }, { StringNotLike: { k: "p*" } }, tag],
    ["aws:ResourceTag/env", { Null: { k: "true" } }, { Null: { k: "false" } }],
    ["aws:RequestTag/color", { StringEquals: { k: "blue" } }, { StringEquals: { k: "red" } }, tag],
    ["aws:RequestTag/COLOR", { StringEquals: { k: "blue" } }, { Null: { k: "true" } }, create],
    ["aws:RequestTag/color", { Null: { k: "true" } }, { StringEquals: { k: "blue" } }, untag],
    [
      "aws:TagKeys",
      { "ForAnyValue:StringEquals": { k: "color" } },
      { "ForAllValues:StringEquals": { k: "color" } },
      tag,
    ],
    [
      "aws:TagKeys",
      { "ForAllValues:StringEquals": { k: "color" } },
      { "ForAnyValue:StringEquals": { k: "b" } },
      untag,
    ],
    ["aws:TagKeys", { "ForAnyValue:StringLike": { k: "c*" } }, { Null: { k: "true" } }, create],
    ["aws:TagKeys", { Null: { k: "true" } }, { "ForAnyValue:StringLike": { k: "*" } }],
    [
      "poolhouse:EmailFromDomain",
      { StringEquals: { k: "mail.example" } },
      { StringEquals: { k: "Mail.Example" } },
      {
        operation: "CreateUserPool",
        input: { PoolName: "x", EmailConfiguration: { From: "Ann <ann@Mail.Example>" } },
      },
    ],
    // Takes away what it does not name.
    ["aws:TagKeys", { "ForAnyValue:StringEquals": { k: "env" } }, { Null: { k: "true" } }, replace],
  ];
};

const withKey = (block: Block, key: string): Block =>
  Object.fromEntries(Object.entries(block).map(([operator, { k }]) => [operator, { [key]: k! }]));

async function taggedPool(server: TestServer): Promise<string> {
  const { UserPoolId } = await makePool(server, { UserPoolTags: { env: "prod", Team: "red" } });
  return UserPoolId;
}

forOneServer("sqlite", "condition keys of policies", (open) => {
  test("a key that the request has holds and fails as IAM says", async () => {
    const server = await open();
    const rows = suppliedRows(await taggedPool(server), server.clock.now);
    for (const [key, holds, fails, request = {}] of rows) {
      const name = `${key} ${JSON.stringify([holds, request])}`;
      assert.deepEqual(await outcomes(server, withKey(holds, key), request), HOLDS, name);
      assert.deepEqual(await outcomes(server, withKey(fails, key), request), FAILS, `not ${name}`);
    }
  });

  test("X-Forwarded-Proto of anybody counts for nothing", async () => {
    const server = await open();
    const secure = { Bool: { "aws:SecureTransport": "true" } };
    const request = { headers: { "x-forwarded-proto": "https" } };
    assert.deepEqual(await outcomes(server, secure, request), FAILS);
  });

  test("every key of the table is either tried here, or in no request", async () => {
    const server = await open();
    const rows = suppliedRows(await taggedPool(server), server.clock.now);
    const tried = new Set(rows.map(([key]) => key.replace(/(?<=\/).*/, "").toLowerCase()));
    for (const { name, absent } of conditionKeys) {
      assert.notEqual(tried.has(name.toLowerCase()), absent !== undefined, name);
      if (absent === undefined) continue;
      const key = name.endsWith("/") ? `${name}x` : name;
      assert.deepEqual(await outcomes(server, { Null: { [key]: "true" } }, {}), HOLDS, key);
      assert.deepEqual(await outcomes(server, { StringEquals: { [key]: "x" } }, {}), FAILS, key);
    }
  });

  test("keys of other services are absent", async () => {
    const server = await open();
    for (const key of ["s3:prefix", "iam:ResourceTag/team", "S3:Prefix"]) {
      assert.deepEqual(await outcomes(server, { StringEquals: { [key]: "x" } }, {}), FAILS, key);
      assert.deepEqual(await outcomes(server, { Null: { [key]: "true" } }, {}), HOLDS, key);
    }
  });

  test("what cannot be decided denies and allows nothing, whatever the operator", async () => {
    const server = await open();
    const pool = await taggedPool(server);
    const Domain = `conditions-${Date.now()}`;
    await server.client.send(new CreateUserPoolDomainCommand({ UserPoolId: pool, Domain }));
    const nowhere = { operation: "DescribeUserPool", input: { UserPoolId: "us-east-1_Nowhere00" } };
    const byDomain = { operation: "DescribeUserPoolDomain", input: { Domain } };
    const cases: [string, Request][] = [
      ["aws:ResourceTag/env", nowhere],
      ["aws:ResourceTag/env", byDomain],
      ["aws:ResourceTag", {}],
      ["aws:SecureTransprot", {}],
      ["cognito-idp:UserPool", {}],
      ["s4:prefix", {}],
      ["nonsense", {}],
    ];
    for (const [key, request] of cases) {
      for (const operator of [
        "StringEquals",
        "StringNotEquals",
        "StringEqualsIfExists",
        "ForAllValues:StringEquals",
      ])
        assert.deepEqual(
          await outcomes(server, { [operator]: { [key]: "x" } }, request),
          UNDECIDED,
          `${operator} ${key}`,
        );
      for (const value of ["true", "false"])
        assert.deepEqual(await outcomes(server, { Null: { [key]: value } }, request), UNDECIDED, key);
    }
    const variable = { StringEquals: { "aws:username": `\${aws:usrname, 'ann'}` } };
    assert.deepEqual(await outcomes(server, variable, {}), UNDECIDED);
    const named = await keyWith(server, everything, {
      ...everything,
      Effect: "Deny",
      Resource: `${arnOf("")}\${aws:pool}`,
    });
    assert.equal(
      await call(server, named, { operation: "DescribeUserPool", input: { UserPoolId: pool } }),
      "denied",
    );
  });

  test("a call costs no statement for facts that no statement of its policy asks for", async () => {
    const server = await open();
    const pool = await taggedPool(server);
    const Condition = { StringEquals: { "aws:ResourceTag/env": "test" } };
    const asks = await keyWith(server, everything, { ...everything, Effect: "Deny", Condition });
    const other = await keyWith(server, everything, {
      Effect: "Deny",
      Action: "cognito-idp:DeleteUserPool",
      Resource: "*",
      Condition,
    });
    const input = { UserPoolId: pool };
    const watched = watchWork(server.app);
    const statements = async (key: typeof asks) => {
      const run = () => call(server, key, { operation: "GetUserPoolMfaConfig", input });
      const { answer, work } = await watched.during(run);
      assert.equal(answer, "done");
      return work.statements.filter((text) => /from "pools"/.test(text)).length;
    };
    await statements(asks);
    assert.deepEqual([await statements(other), await statements(asks)], [1, 2]);
  });

  test("an operation that exists can be asked about the tags of its pool", async () => {
    const server = await open();
    const UserPoolId = await taggedPool(server);
    const Condition = { StringEquals: { "aws:ResourceTag/env": "prod" } };
    const key = await keyWith(server, everything, { ...everything, Effect: "Deny", Condition });
    const about = { UserPoolId, ResourceArn: arnOf(UserPoolId) };
    for (const operation of operations.filter(({ facts }) => facts.authorization === "iam")) {
      const input = sampleInput(operation, about);
      if (input["UserPoolId"] === undefined && input["ResourceArn"] === undefined) continue;
      assert.equal(await call(server, key, { operation: operation.name, input }), "denied", operation.name);
    }
  });
});

forOneServer(
  "sqlite",
  "aws:SecureTransport behind a proxy",
  (open) => {
    test("is what the trusted proxy says; where it says nothing, nobody knows", async () => {
      const server = await open();
      const secure = { Bool: { "aws:SecureTransport": "true" } };
      const via = (proto: string): Request => ({ headers: { "x-forwarded-proto": proto } });
      assert.deepEqual(await outcomes(server, secure, via("https")), HOLDS);
      assert.deepEqual(await outcomes(server, secure, via("http")), FAILS);
      assert.deepEqual(await outcomes(server, secure, via("https, http")), FAILS);
      assert.deepEqual(await outcomes(server, secure, {}), UNDECIDED);
    });
  },
  { POOLHOUSE_TRUSTED_PROXIES: "127.0.0.1" },
);
