/** `poolhouse roles` and what doctor says of roles, as an operator uses them beside a running server. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import {
  type CognitoIdentityClient,
  GetCredentialsForIdentityCommand,
  GetIdCommand,
  SetIdentityPoolRolesCommand,
} from "@aws-sdk/client-cognito-identity";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { allowing, forClient, identityClient, makeIdentityPool } from "../identity-pools/setup.ts";
import { temporaryFolder } from "../kit/databases.ts";
import { refused } from "../kit/people.ts";
import { runWith, serve, stop } from "./program.ts";

describe("roles", () => {
  const data = temporaryFolder();
  const folder = temporaryFolder();
  let server: Awaited<ReturnType<typeof serve>>;
  let client: CognitoIdentityClient;
  before(async () => {
    server = await serve("--data", data);
    const made = await command("keys", "create", "--name", "roles", "--policy", "admin", "--json");
    const credentials = JSON.parse(made.stdout) as { accessKeyId: string; secretAccessKey: string };
    client = identityClient({ endpoint: server.url }, { credentials, maxAttempts: 5 });
  });
  after(async () => {
    client.destroy();
    assert.equal(await stop(server.process), 0);
  });
  const command = (...argv: string[]) => runWith({}, ...argv, "--data", data);
  const done = async (...argv: string[]) => {
    const { code, stdout, stderr } = await command("roles", ...argv);
    assert.equal(code, 0, stderr);
    return stdout;
  };
  const wrong = async (says: RegExp, ...argv: string[]) => {
    const { code, stderr } = await command("roles", ...argv);
    assert.notEqual(code, 0);
    assert.match(stderr, says);
  };
  const file = (name: string, content: unknown) => {
    const path = join(folder, name);
    writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
    return path;
  };

  test("a role is created, gives credentials, which are revoked, and end with it", async () => {
    const poolId = await makeIdentityPool(client, { AllowUnauthenticatedIdentities: true });
    const arn = (await done("create", "guests", "--identity-pool", poolId, "--guests")).trim();
    assert.equal(arn, "arn:aws:iam::000000000000:role/guests");
    await wrong(
      /There is no identity pool us-east-1:nobody here\. ListIdentityPools shows/,
      ...["create", "nobody", "--identity-pool", "us-east-1:nobody"],
    );
    await wrong(/There is a role guests already/, "create", "guests", "--identity-pool", poolId);
    const Roles = { unauthenticated: arn };
    await client.send(new SetIdentityPoolRolesCommand({ IdentityPoolId: poolId, Roles }));
    const { IdentityId } = await client.send(new GetIdCommand({ IdentityPoolId: poolId }));
    const caller = async () => {
      const { Credentials } = await client.send(new GetCredentialsForIdentityCommand({ IdentityId }));
      return new STSClient({
        endpoint: server.url,
        region: "us-east-1",
        credentials: forClient(Credentials),
      });
    };
    const who = (sts: STSClient) => sts.send(new GetCallerIdentityCommand({}));
    const first = await caller();
    assert.match((await who(first)).Arn!, /:assumed-role\/guests\/CognitoIdentityCredentials$/);
    assert.match(await done("revoke", "guests"), /refused/);
    await assert.rejects(who(first), refused("ExpiredToken"));
    const second = await caller();
    assert.ok(await who(second));
    const revoked = await command("identity-pools", "revoke", poolId);
    assert.equal(revoked.code, 0, revoked.stderr);
    await assert.rejects(who(second), refused("ExpiredToken"));
    assert.equal((await command("identity-pools", "revoke", "us-east-1:nobody")).code, 1);
    const third = await caller();
    assert.ok(await who(third));
    const [guests] = [JSON.parse(await done("show", "guests"))] as Record<string, object>[];
    const { Version, Statement } = guests!["AssumeRolePolicyDocument"] as {
      Version: string;
      Statement: object[];
    };
    const closed = {
      RoleName: "guests",
      AssumeRolePolicyDocument: { Version, Statement: Statement.map((one) => ({ ...one, Effect: "Deny" })) },
      Policies: [{ PolicyName: "all", PolicyDocument: allowing("*") }],
    };
    assert.match(await done("apply", file("closed.json", [closed])), /changed \(trust, policies\)/);
    const warned = (await command("doctor", "--port", "0")).stdout;
    assert.match(warned, /warn {2}the trust policy of the role guests allows nobody/);
    assert.match(
      warned,
      /warn {2}guests of the identity pool .* role guests, which allows more than execute-api/,
    );
    await done("delete", "guests");
    await assert.rejects(who(third), refused("ExpiredToken"));
    const { stdout } = await command("doctor", "--port", "0");
    assert.match(
      stdout,
      /warn {2}the identity pool .* gives credentials of .*role\/guests, which is not defined here/,
    );
    await done("create", "guests", "--identity-pool", poolId, "--guests");
    await assert.rejects(who(third), refused("ExpiredToken"), "another role of the same name");
    for (const sts of [first, second, third]) sts.destroy();
    await wrong(/There is no role nobody/, "delete", "nobody");
  });

  test("a role has as many policies as files are given, each called after its file", async () => {
    const trust = file("trust.json", {
      Version: "2012-10-17",
      Statement: [
        { Effect: "Allow", Principal: { AWS: "arn:aws:iam::000000000000:root" }, Action: "sts:AssumeRole" },
      ],
    });
    const read = file("read.json", allowing("execute-api:Invoke", "*"));
    const write = file("write.things.json", allowing("s3:PutObject", "*"));
    const create = ["create", "several", "--trust", trust];
    await wrong(/policy read: given twice/, ...create, "--policy", read, "--policy", read);
    await wrong(
      /odd\.json cannot be read/,
      ...create,
      "--policy",
      read,
      "--policy",
      join(folder, "odd.json"),
    );
    await wrong(/PolicyName/, ...create, "--policy", file("with space.json", allowing("s3:*")));
    await done(...create, "--policy", read, "--policy", write);
    const { Policies } = JSON.parse(await done("show", "several")) as { Policies: { PolicyName: string }[] };
    assert.deepEqual(
      Policies.map(({ PolicyName }) => PolicyName),
      ["read", "write.things"],
    );
    await wrong(/There is a role several/, "create", "SEVERAL", "--trust", trust);
  });

  test("doctor names roles that do not trust the pool, and role mappings of no provider", async () => {
    const [poolId, other] = [await makeIdentityPool(client), await makeIdentityPool(client)];
    const userPool = "cognito-idp.us-east-1.amazonaws.com/us-east-1_Doctor123";
    const mine = await makeIdentityPool(client, {
      AllowUnauthenticatedIdentities: true,
      CognitoIdentityProviders: [{ ProviderName: userPool, ClientId: "app" }],
    });
    const arn = (name: string) => `arn:aws:iam::000000000000:role/${name}`;
    for (const [name, pool] of Object.entries({ "of-mine": mine, "of-other": other }))
      await done("create", name, "--identity-pool", pool);
    const mapping = { Type: "Token", AmbiguousRoleResolution: "Deny" } as const;
    const put = (IdentityPoolId: string, authenticated: string, unauthenticated?: string) =>
      client.send(
        new SetIdentityPoolRolesCommand({
          IdentityPoolId,
          Roles: { authenticated, ...(unauthenticated !== undefined && { unauthenticated }) },
          RoleMappings: { [userPool]: mapping, [`${userPool}:app`]: mapping },
        }),
      );
    await put(poolId, arn("of-other"));
    await put(mine, arn("of-mine"), arn("of-mine"));
    const { stdout } = await command("doctor", "--port", "0");
    const said = (text: string) => stdout.split("\n").filter((line) => line.startsWith(`warn  ${text}`));
    const about = (role: string) => said(`the trust policy of the role ${role} does not allow `);
    assert.equal(about("of-other").length, 1, stdout);
    assert.ok(about("of-other")[0]!.includes(poolId));
    assert.equal(about("of-mine").length, 1, "as that of guests only");
    assert.match(
      about("of-mine")[0]!,
      /guests of the identity pool .* must be that id, and :amr unauthenticated$/,
    );
    const idle = said(`the role mapping of ${userPool} never counts`);
    assert.ok(
      idle.some((line) => line.endsWith(`Its providers are ${userPool}:app`)),
      stdout,
    );
    assert.equal(said(`the role mapping of ${userPool}:app`).length, 1, "of the pool without providers");
  });

  test("templates are applied: of IAM's members, and of CloudFormation", async () => {
    const AssumeRolePolicyDocument = {
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Allow",
          Principal: { AWS: "arn:aws:iam::000000000000:root" },
          Action: "sts:AssumeRole",
        },
      ],
    };
    const PolicyDocument = {
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Action: "s3:GetObject", Resource: "arn:aws:s3:::bucket/*" }],
    };
    const Policies = [{ PolicyName: "read", PolicyDocument }];
    const role = { RoleName: "reader", AssumeRolePolicyDocument, Policies };
    const list = file("list.json", [role]);
    assert.equal(await done("apply", list, "--dry-run"), "reader: would be created\n");
    assert.equal(await done("apply", list), "reader: created\n");
    assert.equal(await done("apply", list), "reader: unchanged\n");
    const { RoleName: _, ...Properties } = { ...role, MaxSessionDuration: 7200 };
    const stack = file("stack.yaml", {
      Resources: {
        reader: { Type: "AWS::IAM::Role", Properties },
        Bucket: { Type: "AWS::S3::Bucket" },
      },
    });
    assert.equal(await done("apply", stack), "reader: changed (maxSessionSeconds)\n");
    const shown = JSON.parse(await done("show", "reader")) as Record<string, unknown>;
    assert.deepEqual(shown["Policies"], Policies);
    assert.equal(shown["MaxSessionDuration"], 7200);
    assert.match(await done("list"), /^reader +\S+ +arn:aws:iam::000000000000:role\/reader$/m);
    const trustTesting = (key: string) => ({
      ...AssumeRolePolicyDocument,
      Statement: AssumeRolePolicyDocument.Statement.map((one) => ({
        ...one,
        Condition: { StringEquals: { [key]: "x" } },
      })),
    });
    const trustingPools = (Principal: unknown, Condition: object) => ({
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Principal, Action: "sts:AssumeRoleWith*", Condition }],
    });
    const provider = "cognito-identity.amazonaws.com";
    const issuer = "localhost:4747/identity";
    const signedIn = { "ForAnyValue:StringLike": { [`${provider}:amr`]: "authenticated" } };
    const everyPool =
      /AssumeRolePolicyDocument: Statement 1: .* a condition with 'cognito-identity\.amazonaws\.com:aud'/;
    const openToAll = [
      { Federated: provider },
      { Federated: ["accounts.google.com", provider] },
      { Federated: `arn:aws:iam::000000000000:oidc-provider/${issuer}` },
      "*",
    ].map(
      (who) => [[{ ...role, AssumeRolePolicyDocument: trustingPools(who, signedIn) }], everyPool] as const,
    );
    const ofOnePool = [`${provider}:aud`, `${issuer}:AUD`].map((key) =>
      trustingPools({ Federated: provider }, { StringEquals: { [key]: "us-east-1:x" } }),
    );
    for (const AssumeRolePolicyDocument of ofOnePool)
      await done("apply", "--dry-run", file("fine.json", [{ ...role, AssumeRolePolicyDocument }]));
    const mistakes: readonly (readonly [unknown, RegExp])[] = [
      ...openToAll,
      [[{ ...role, Polices: [] }], /unknown member 'Polices'. Did you mean 'Policies'\?/],
      [[{ ...role, AssumeRolePolicyDocument: PolicyDocument }], /AssumeRolePolicyDocument: Statement 1/],
      [[role, { ...role, RoleName: "READER" }], /two roles of the name reader/],
      [[{ ...role, RoleName: "Reader" }], /There is a role reader: names of roles differ/],
      [
        [{ ...role, AssumeRolePolicyDocument: trustTesting("cognito-identity.amazonaws.com:audd") }],
        /the condition key 'cognito-identity.amazonaws.com:audd'/,
      ],
      [
        [
          {
            ...role,
            AssumeRolePolicyDocument: JSON.stringify(trustTesting("aws:SourceIp")).replace(
              "{",
              '{"Version":"x",',
            ),
          },
        ],
        /the member 'Version' is there twice/,
      ],
      [[{ ...role, MaxSessionDuration: 60 }], /3600 to 43200/],
      [PolicyDocument, /This is a policy, not a role/],
      [[{ AssumeRolePolicyDocument }], /A role needs a RoleName\./],
      ["RoleName: [", /cannot be read: it is not valid YAML at line 1/],
      ["RoleName: !Ref Name", /a word begins with ! at line 1, column 11, .*: write the value itself/],
    ];
    for (const [content, says] of mistakes) await wrong(says, "apply", file("mistake.yaml", content));
    const other = ["create", "other", "--trust"];
    await wrong(
      /not valid JSON: Unexpected token '\}', /,
      ...other,
      file("trust.json", '{ "Statement": [ }'),
    );
    await wrong(/there is no such file\. Give the path alone, without file:/, ...other, "file://trust.json");
    await wrong(/there is no such file\. Give the path of a file/, ...other, '{ "Statement": [] }');
    const { stdout } = await command("audit", "--operation", "UpdateRole", "--json");
    assert.match(stdout, /"target":"reader"/);
  });
});
