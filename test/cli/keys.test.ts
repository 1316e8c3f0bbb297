/** `poolhouse keys` as an operator uses it, beside a running server: access keys, and the rotation of keys. */

import assert from "node:assert/strict";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, describe, test } from "node:test";
import {
  type CognitoIdentityProviderClient,
  CreateUserPoolCommand,
  CreateUserPoolDomainCommand,
  DeleteUserPoolDomainCommand,
  ListUserPoolsCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { temporaryFolder } from "../kit/databases.ts";
import { createPostgres, dropPostgres, skipWithoutPostgres } from "../kit/postgres.ts";
import { newSdk, patient } from "../kit/sdk.ts";
import { part } from "../kit/whole.ts";
import { run, runWith, serve, start, stop } from "./program.ts";

interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

describe("beside a running server", () => {
  const data = temporaryFolder();
  let server: Awaited<ReturnType<typeof serve>>;
  const clients: CognitoIdentityProviderClient[] = [];
  before(async () => {
    server = await serve("--data", data, "--demo");
  });
  after(async () => {
    for (const client of clients) client.destroy();
    assert.equal(await stop(server.process), 0);
  });
  const keys = (...argv: string[]) => runWith({}, "keys", ...argv, "--data", data);
  const done = async (...argv: string[]) => {
    const { code, stdout, stderr } = await keys(...argv);
    assert.equal(code, 0, stderr);
    return stdout;
  };
  const as = (credentials: Credentials) => {
    const client = patient(newSdk(server.url, { credentials }));
    clients.push(client);
    return client;
  };
  const listPools = (client: CognitoIdentityProviderClient) =>
    client.send(new ListUserPoolsCommand({ MaxResults: 1 }));
  const file = (text: string) => {
    const path = join(temporaryFolder(), "policy.json");
    writeFileSync(path, text);
    return path;
  };

  const misspelt = JSON.stringify({
    Statement: {
      Effect: "Deny",
      Action: "cognito-idp:ListUser",
      Resource: "*",
      Condition: { IpAddress: { "aws:SourceIP4": "10.0.0.0/8" } },
    },
  });

  const abroad = JSON.stringify({
    Statement: {
      Effect: "Deny",
      Action: "cognito-idp:*",
      Resource: "arn:aws:cognito-idp:eu-west-1:123456789012:userpool/*",
    },
  });

  test("a policy for another account or region than the installation's is refused", async () => {
    const policy = file(abroad);
    const { code, stderr } = await keys("create", "--name", "abroad", "--policy", policy);
    assert.equal(code, 1);
    assert.match(
      stderr,
      /account 123456789012 is not this installation's \(000000000000\) and region eu-west-1 is not this installation's \(us-east-1\)/,
    );
    const here = ["--account-id", "123456789012", "--region", "eu-west-1"];
    const { accessKeyId } = JSON.parse(
      await done("create", "--name", "abroad", "--policy", policy, "--json", ...here),
    ) as Credentials;
    assert.equal((await keys("set-policy", accessKeyId, "--policy", policy)).code, 1);
    await done("set-policy", accessKeyId, "--policy", policy, ...here);
    await done("delete", accessKeyId);
  });

  test("a policy is shown, and set for the next call", async () => {
    const made = JSON.parse(
      await done("create", "--name", "ops", "--policy", "readonly", "--json"),
    ) as Credentials;
    const client = as(made);
    await listPools(client);
    const createPool = () => client.send(new CreateUserPoolCommand({ PoolName: "x" }));
    await assert.rejects(createPool(), { name: "AccessDeniedException" });
    const shown = JSON.parse(await done("show", made.accessKeyId, "--json"));
    assert.equal(shown.name, "ops");
    assert.deepEqual(shown.policy.Statement[0].Effect, "Allow");
    assert.match(await done("show", made.accessKeyId), /Status {6}Active[\s\S]*"cognito-idp:Describe\*"/);
    await done("set-policy", made.accessKeyId, "--policy", "admin");
    await createPool();
    const none = file('{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}');
    await done("set-policy", made.accessKeyId, "--policy", none);
    await assert.rejects(listPools(client), { name: "AccessDeniedException" });
    const listed = JSON.parse(await done("list", "--json")) as { accessKeyId: string; lastUsedAt: unknown }[];
    assert.ok(listed.some((key) => key.accessKeyId === made.accessKeyId));
    for (const output of [JSON.stringify(listed), JSON.stringify(shown)])
      assert.ok(!output.includes(made.secretAccessKey));
  });

  test("a policy that allows more than it seems to is stored with a warning, and told of by doctor", async () => {
    const Condition = { "ForAllValues:StringEquals": { "aws:TagKeys": "team" } };
    const open = { Effect: "Allow", Action: "cognito-idp:TagResource", Resource: "*", Condition };
    const guarded = { ...open, Condition: { ...Condition, Null: { "aws:TagKeys": "false" } } };
    const policy = (Statement: object) => file(JSON.stringify({ Version: "2012-10-17", Statement }));
    const warning = /Statement 1: ForAllValues:StringEquals also allows requests without 'aws:TagKeys'/;
    const made = await keys("create", "--name", "tags", "--policy", policy(open), "--json");
    assert.equal(made.code, 0);
    assert.match(made.stderr, warning);
    const { accessKeyId } = JSON.parse(made.stdout) as Credentials;
    assert.match((await runWith({}, "doctor", "--data", data)).stdout, warning);
    const set = await keys("set-policy", accessKeyId, "--policy", policy(guarded));
    assert.deepEqual([set.code, warning.test(set.stderr)], [0, false]);
    assert.doesNotMatch((await runWith({}, "doctor", "--data", data)).stdout, warning);
    await done("delete", accessKeyId);
  });

  test("a policy that was stored before policies were looked at is told of by doctor", async () => {
    const { accessKeyId } = JSON.parse(
      await done("create", "--name", "old", "--policy", "admin", "--json"),
    ) as Credentials;
    const { stdout } = await runWith({}, "doctor", "--data", data);
    assert.doesNotMatch(stdout, /would be refused today|may neither choose ids/);
    for (const [policy, told] of [
      ["pool:us-east-1_Demo12345", true],
      ["readonly", false],
      ["admin", false],
    ] as const) {
      await done("set-policy", accessKeyId, "--policy", policy);
      const says = (await runWith({}, "doctor", "--data", data)).stdout;
      const line = new RegExp(
        `^ok {4}access key ${accessKeyId} \\(old\\) .* may neither choose ids nor set`,
        "m",
      );
      assert.equal(line.test(says), told, `${policy}: ${says}`);
    }
    const database = new DatabaseSync(join(data, "db", "poolhouse.sqlite"));
    const store = (policy: string) =>
      database.prepare("update access_keys set policy = ? where access_key_id = ?").run(policy, accessKeyId);
    store(abroad);
    assert.match(
      (await runWith({}, "doctor", "--data", data)).stdout,
      /would be refused[\s\S]*account 123456789012 is not this installation's \(000000000000\)/,
    );
    store(misspelt);
    database.close();
    const told = await runWith({}, "doctor", "--data", data);
    assert.equal(told.code, 0, told.stdout);
    assert.match(
      told.stdout,
      new RegExp(
        `warn  the policy of access key ${accessKeyId} \\(old\\) would be refused[^]*'cognito-idp:ListUsers'`,
      ),
    );
    await done("delete", accessKeyId);
  });

  test("names that a pool gave up are listed, and released", async () => {
    const names = (...argv: string[]) => runWith({}, "names", ...argv, "--data", data);
    // Without poolhouse:ReuseName, which would take the name at once.
    const everything = file(
      JSON.stringify({ Statement: { Effect: "Allow", Action: "cognito-idp:*", Resource: "*" } }),
    );
    const client = as(
      JSON.parse(await done("create", "--name", "hosting", "--policy", everything, "--json")) as Credentials,
    );
    const { UserPool: other } = await client.send(new CreateUserPoolCommand({ PoolName: "other" }));
    const Domain = "given-up";
    const take = (UserPoolId: string) => client.send(new CreateUserPoolDomainCommand({ UserPoolId, Domain }));
    const UserPoolId = "us-east-1_Demo12345";
    await take(UserPoolId);
    await client.send(new DeleteUserPoolDomainCommand({ UserPoolId, Domain }));
    await assert.rejects(take(other!.Id!), /poolhouse names release domain given-up/);
    const listed = JSON.parse((await names("list", "--json")).stdout) as Record<string, string>[];
    assert.deepEqual(
      listed.map(({ kind, name, pool }) => [kind, name, pool]),
      [["domain", Domain, UserPoolId]],
    );
    assert.match((await names("list")).stdout, /^domain {2}20\d\d-.*Z {2}us-east-1_Demo12345 +given-up$/m);
    assert.match((await names("release", "domain", "GIVEN-UP")).stdout, /given-up: free for every pool/);
    await take(other!.Id!);
    const again = await names("release", "domain", Domain);
    assert.equal(again.code, 1);
    assert.match(again.stderr, /There is no retired domain given-up/);
    for (const wrong of [[], ["list", "x"], ["release", "domain"], ["release", "user", "x"]]) {
      const { code, stderr } = await names(...wrong);
      assert.equal(code, 2);
      assert.match(stderr, /^ {2}poolhouse names (?:list|release)/m);
    }
    const { stdout } = await runWith({}, "audit", "--operation", "ReleaseName", "--json", "--data", data);
    assert.match(stdout, /"target":"given-up"/);
    assert.equal(stdout.trim().split("\n").length, 1);
  });

  test("a lost root key is replaced; the former one is refused at once", async () => {
    const path = join(data, "secrets", "root-access-key.json");
    const read = () => JSON.parse(readFileSync(path, "utf8")) as Credentials;
    const former = as(read());
    await listPools(former);
    const output = await done("reset-root");
    assert.ok(output.includes(read().secretAccessKey));
    assert.equal(statSync(path).mode & 0o777, 0o600);
    await assert.rejects(listPools(former), { name: "UnrecognizedClientException" });
    await listPools(as(read()));
    const listed = JSON.parse(await done("list", "--json")) as { name: string }[];
    assert.equal(listed.filter((key) => key.name === "root").length, 1);
  });

  const refused: [string[], number, RegExp][] = [
    [[], 2, /poolhouse keys list/],
    [["frobnicate"], 2, /poolhouse keys list/],
    [["rotate"], 2, /poolhouse keys rotate/],
    [["rotate", "everything"], 2, /poolhouse keys rotate/],
    [["list", "extra"], 2, /poolhouse keys list/],
    [["list", "--pool", "x"], 2, /Unknown option --pool\./],
    [["show"], 2, /poolhouse keys show/],
    [["show", "AKIANOBODY"], 1, /There is no access key AKIANOBODY/],
    [["disable", "AKIANOBODY"], 1, /There is no access key/],
    [["set-policy", "AKIANOBODY", "--policy", "admin"], 1, /There is no access key/],
    [["create", "--name", "x"], 2, /--policy is missing\.\n\n {2}poolhouse keys create .*\n.*\n\nPOLICY/],
    [
      ["create", "--name", "x", "--policy", "file://p"],
      1,
      /no such file\. Give the path alone, without file:/,
    ],
    [["create", "--name", "root", "--policy", "admin"], 2, /not root/],
    [
      ["create", "--name", "x", "--policy", "/nowhere"],
      1,
      /neither admin, readonly or pool:.* there is no such file/,
    ],
    [["create", "--name", "x", "--policy", file("{")], 1, /not valid JSON/],
    [
      ["create", "--name", "x", "--policy", file('{"Statement":[{"Effect":"Perhaps"}]}')],
      1,
      /Effect must be/,
    ],
    [
      ["set-policy", "AKIANOBODY", "--policy", file(misspelt)],
      1,
      /is refused:\nStatement 1: 'cognito-idp:ListUser' is no action .* 'cognito-idp:ListUsers'\?\nStatement 1: .*'aws:SourceIP4'/,
    ],
    [["create", "--name", "x", "--policy", file(misspelt)], 1, /'cognito-idp:ListUsers'/],
    [
      ["create", "--name", "x", "--policy", "pool:a pool"],
      1,
      /must end in userpool\/<id>, not 'userpool\/a pool'/,
    ],
    [["create", "--name", "x", "--policy", "admin", "--master-key", "x"], 1, /is a secret/],
    [["rotate", "signing"], 2, /--pool POOL_ID, --identity-pools, or --all/],
    [["rotate", "signing", "--all", "--identity-pools"], 2, /--pool POOL_ID, --identity-pools, or --all/],
    [["rotate", "signing", "--all", "--pool", "x"], 2, /--pool POOL_ID, --identity-pools, or --all/],
    [["rotate", "signing", "--pool", "us-east-1_Nowhere"], 1, /There is no user pool/],
  ];
  for (const [argv, code, message] of part(refused, 3)) {
    test(`keys ${argv.map((word) => word.replace(/^\/.*\//, "")).join(" ")}: exit code ${code}`, async () => {
      const ended = await keys(...argv);
      assert.equal(ended.code, code, ended.stderr);
      assert.match(ended.stderr, message);
      assert.equal(ended.stdout, "");
    });
  }

  const kids = async () => {
    const answer = await fetch(`${server.url}/us-east-1_Demo12345/.well-known/jwks.json`);
    return ((await answer.json()) as { keys: { kid: string }[] }).keys.map((key) => key.kid);
  };

  test("signing keys: published by the running server at once; --now replaces them", async () => {
    const before = await kids();
    assert.match(
      await done("rotate", "signing", "--pool", "us-east-1_Demo12345"),
      /published, and sign from 20/,
    );
    const during = await kids();
    assert.equal(during.length, 4);
    for (const kid of before) assert.ok(during.includes(kid));
    assert.match(
      await done("rotate", "signing", "--all"),
      /us-east-1_Demo12345: .* wait to sign[\s\S]*\nidentity pools: has not signed anything/,
    );
    assert.match(
      await done("rotate", "signing", "--all", "--now"),
      /new keys sign; every ID and access token/,
    );
    const now = await kids();
    assert.equal(now.length, 2);
    for (const kid of now) assert.ok(!during.includes(kid));
  });

  test("the key of identity pools: once it has signed, a successor waits beside it; --now replaces it", async () => {
    const rotate = (...more: string[]) => done("rotate", "signing", "--identity-pools", ...more);
    assert.match(await rotate(), /^identity pools: has not signed anything yet/);
    const keySet = await fetch(`${server.url}/identity/.well-known/jwks.json`);
    assert.equal(((await keySet.json()) as { keys: object[] }).keys.length, 1);
    assert.match(await rotate(), /^identity pools: new keys are published, and sign from 20/);
    assert.match(await rotate(), /^identity pools: .* wait to sign/);
    assert.match(await rotate("--now"), /^identity pools: a new key signs within a minute/);
  });

  test("the master key's file: replaced beside the server, which goes on and starts again", async () => {
    const path = join(data, "secrets", "master-key");
    const before = readFileSync(path, "utf8");
    assert.match(await done("rotate", "master"), /2 data keys wrapped anew/);
    assert.notEqual(readFileSync(path, "utf8"), before);
    await kids();
    assert.equal(await stop(server.process), 0);
    server = await serve("--data", data, "--demo");
    assert.equal((await kids()).length, 2);
  });

  test("the data key: a rotation that was stopped is told by doctor, and another is refused meanwhile", async () => {
    const doctor = () => runWith({}, "doctor", "--data", data);
    const ages =
      /ok {4}the master key is 0 day[\s\S]*ok {4}the data key is 0 day[\s\S]*ok {4}the oldest signing key/;
    const healthy = await doctor();
    assert.match(healthy.stdout, ages);
    assert.doesNotMatch(healthy.stdout, /rotation/);
    const rotating = await start(
      /Waiting until every server knows it/,
      "keys",
      "rotate",
      "data",
      "--data",
      data,
    );
    const second = await keys("rotate", "data");
    assert.equal(second.code, 1);
    assert.match(second.stderr, /Another process is changing keys/);
    assert.equal(await stop(rotating.process, "SIGKILL"), null);
    const told = await doctor();
    assert.equal(told.code, 1);
    assert.match(told.stdout, /FAIL {2}a rotation of the data key is not finished/);
    await kids();
  });

  test("when a key was last used is written when the server ends, at the latest", async () => {
    const { accessKeyId } = JSON.parse(readFileSync(join(data, "secrets", "root-access-key.json"), "utf8"));
    const lastUse = async () => JSON.parse(await done("show", accessKeyId, "--json")).lastUsedAt;
    await listPools(as(JSON.parse(readFileSync(join(data, "secrets", "root-access-key.json"), "utf8"))));
    assert.equal(await stop(server.process), 0);
    assert.match(await lastUse(), /^20\d\d-/);
    server = await serve("--data", data, "--demo");
  });
});

test("without a database every action says so, and makes none", async () => {
  const data = temporaryFolder();
  for (const argv of [["list"], ["rotate", "master"], ["reset-root"]]) {
    const { code, stderr } = await runWith({}, "keys", ...argv, "--data", data);
    assert.equal(code, 1);
    assert.match(stderr, /There is no database at /);
  }
  assert.match((await run("doctor", "--data", data)).stdout, /no database yet/);
});

test("help names every command of keys", async () => {
  const { stdout } = await run("keys", "--help");
  for (const word of ["set-policy", "reset-root", "rotate signing", "rotate data", "rotate master"])
    assert.ok(stdout.includes(word), word);
});

test("a configured master key is replaced on PostgreSQL", {
  ...skipWithoutPostgres(),
}, async () => {
  const { name, url } = await createPostgres();
  try {
    const env = { POOLHOUSE_DATABASE: url };
    const [former, next] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)].map((key) => key.toString("base64"));
    const old = { ...env, POOLHOUSE_MASTER_KEY: former! };
    const both = { ...env, POOLHOUSE_MASTER_KEY: next!, POOLHOUSE_PREVIOUS_MASTER_KEY: former! };
    const keys = (environment: Record<string, string>, ...argv: string[]) =>
      runWith({ ...environment, POOLHOUSE_DATA: temporaryFolder() }, "keys", ...argv);
    assert.equal((await runWith(env, "migrate")).code, 0);
    assert.equal((await keys(old, "reset-root")).code, 0);
    assert.match((await keys(old, "rotate", "master")).stderr, /POOLHOUSE_PREVIOUS_MASTER_KEY/);
    assert.match((await keys({ ...env, POOLHOUSE_MASTER_KEY: next! }, "list")).stderr, /does not fit/);
    assert.match(
      (await runWith(both, "doctor")).stdout,
      /FAIL {2}data keys are wrapped under POOLHOUSE_PREV/,
    );
    assert.match((await keys(both, "rotate", "master")).stdout, /^2 data keys wrapped/);
    assert.match((await keys(both, "rotate", "master")).stdout, /already/);
    assert.match(
      (await runWith(both, "doctor")).stdout,
      /ok {4}POOLHOUSE_PREVIOUS_MASTER_KEY is needed no more/,
    );
    assert.match((await keys({ ...env, POOLHOUSE_MASTER_KEY: next! }, "list")).stdout, /root$/m);
    assert.match((await keys(old, "list")).stderr, /does not fit/);
  } finally {
    await dropPostgres(name);
  }
});
