/** Who calls, and temporary credentials of access keys, by unmodified clients. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, test } from "node:test";
import { promisify } from "node:util";
import {
  type CognitoIdentityClient,
  GetCredentialsForIdentityCommand,
  GetIdCommand,
} from "@aws-sdk/client-cognito-identity";
import { DeleteUserPoolCommand, DescribeUserPoolCommand } from "@aws-sdk/client-cognito-identity-provider";
import {
  AssumeRoleCommand,
  GetAccessKeyInfoCommand,
  GetCallerIdentityCommand,
  GetSessionTokenCommand,
} from "@aws-sdk/client-sts";
import { SignatureV4 } from "@smithy/signature-v4";
import AWS from "aws-sdk";
import { resetRootKey } from "../../src/domain/iam/access-keys.ts";
import { setAccessKeyStatus } from "../../src/store/access-keys.ts";
import { listAuditEvents } from "../../src/store/audit.ts";
import { temporaryFolder } from "../kit/databases.ts";
import { needs } from "../kit/machine.ts";
import { makePool, refused } from "../kit/people.ts";
import { newSdk, rootKey } from "../kit/sdk.ts";
import { forEachServer, type TestServer } from "../kit/server.ts";
import { Sha256 } from "../kit/sha256.ts";
import { allowing, forClient, giveRoles, identityClient, makeIdentityPool } from "./setup.ts";
import {
  allow,
  ask,
  askSigned,
  askUnsigned,
  keysOf,
  makeKey,
  policy,
  stsClient,
  version,
} from "./sts-setup.ts";

const run = promisify(execFile);
const describing = allowing("cognito-idp:DescribeUserPool");

forEachServer("callers of STS", (open) => {
  const clients: { destroy(): void }[] = [];
  const kept = <T extends { destroy(): void }>(client: T): T => {
    clients.push(client);
    return client;
  };
  after(() => {
    for (const client of clients) client.destroy();
  });
  let guest: Promise<ReturnType<typeof forClient>> | undefined;
  const guestOf = (server: TestServer) => (guest ??= guestKeys(server, kept(identityClient(server))));

  test("GetCallerIdentity says who calls, and needs no permission", async () => {
    const server = await open();
    const { accountId } = server.app.config;
    const root = await kept(stsClient(server)).send(new GetCallerIdentityCommand({}));
    assert.deepEqual(
      [root.Account, root.Arn, root.UserId],
      [accountId, `arn:aws:iam::${accountId}:root`, accountId],
    );
    const key = await makeKey(server, policy({ Effect: "Deny", Action: "*", Resource: "*" }));
    const user = await kept(stsClient(server, { credentials: { ...key }, region: "eu-west-3" })).send(
      new GetCallerIdentityCommand({}),
    );
    assert.deepEqual([user.Arn, user.UserId], [key.arn, key.accessKeyId]);
    const session = await kept(stsClient(server, { credentials: await guestOf(server) })).send(
      new GetCallerIdentityCommand({}),
    );
    assert.match(session.Arn!, /^arn:aws:sts::\d{12}:assumed-role\/role\d+\/CognitoIdentityCredentials$/);
    assert.match(session.UserId!, /^AROA\w+:CognitoIdentityCredentials$/);
  });

  test("aws-cli and boto3 with the credentials of an identity", needs("boto3"), async () => {
    const server = await open();
    const { accessKeyId, secretAccessKey, sessionToken } = await guestOf(server);
    const env = {
      PATH: "/usr/bin:/bin",
      HOME: temporaryFolder(),
      AWS_DEFAULT_REGION: "us-east-1",
      AWS_EC2_METADATA_DISABLED: "true",
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_SESSION_TOKEN: sessionToken,
    };
    const shell = ["--endpoint-url", server.endpoint, "--output", "json", "sts", "get-caller-identity"];
    const python =
      "import boto3, json, sys\n" +
      "who = boto3.client('sts', endpoint_url=sys.argv[1]).get_caller_identity()\n" +
      "print(json.dumps({name: who[name] for name in ('UserId', 'Account', 'Arn')}))";
    const [cli, boto] = await Promise.all([
      run("/usr/bin/aws", shell, { env }),
      run("/usr/bin/python3", ["-c", python, server.endpoint], { env }),
    ]);
    const shown = JSON.parse(cli.stdout);
    assert.match(shown.Arn, /assumed-role\/role\d+\/CognitoIdentityCredentials$/);
    assert.deepEqual(JSON.parse(boto.stdout), shown);
  });

  test("AWS SDK v2, and curl with a session token", needs("curl"), async () => {
    const server = await open();
    const keys = await guestOf(server);
    const sts = new AWS.STS({ endpoint: server.endpoint, region: "us-east-1", ...keys });
    const { Arn } = await sts.getCallerIdentity().promise();
    assert.match(Arn!, /assumed-role/);
    const { stdout } = await run("curl", [
      ...[
        "-s",
        "--aws-sigv4",
        "aws:amz:us-east-1:sts",
        "--user",
        `${keys.accessKeyId}:${keys.secretAccessKey}`,
      ],
      ...["-H", `x-amz-security-token: ${keys.sessionToken}`, "-d", `Action=GetCallerIdentity&${version}`],
      server.endpoint,
    ]);
    assert.match(stdout, new RegExp(`<Arn>${Arn}</Arn>`));
    assert.match(
      stdout,
      /^<GetCallerIdentityResponse xmlns="https:\/\/sts\.amazonaws\.com\/doc\/2011-06-15\/">/,
    );
  });

  test("a presigned GET of GetCallerIdentity, as authenticators send it on", async () => {
    const server = await open();
    const presigned = (query: Record<string, string>, headers: Record<string, string> = {}) =>
      presign(server, { Version: "2011-06-15", ...query }, headers);
    const path = await presigned({ Action: "GetCallerIdentity" }, { "x-k8s-aws-id": "cluster" });
    const header = { "x-k8s-aws-id": "cluster" };
    const xml = await ask(server.endpoint, { path, headers: header });
    assert.equal(xml.status, 200, xml.body);
    assert.equal(xml.type, "text/xml");
    const json = await ask(server.endpoint, { path, headers: { ...header, accept: "application/json" } });
    const { GetCallerIdentityResponse } = JSON.parse(json.body);
    assert.match(GetCallerIdentityResponse.GetCallerIdentityResult.Arn, /:root$/);
    const other = await ask(server.endpoint, { path, headers: { "x-k8s-aws-id": "another" } });
    assert.deepEqual([other.status, other.code], [403, "SignatureDoesNotMatch"]);
    const changed = await ask(server.endpoint, {
      path: path.replace("GetCallerIdentity", "GetSessionToken"),
      headers: header,
    });
    assert.deepEqual([changed.status, changed.code], [400, "InvalidAction"]);
    const session = await ask(server.endpoint, { path: await presigned({ Action: "GetSessionToken" }) });
    assert.deepEqual([session.status, session.code], [400, "InvalidAction"]);
    const unsigned = await ask(server.endpoint, { path: `/?Action=GetCallerIdentity&${version}` });
    assert.deepEqual([unsigned.status, unsigned.code], [403, "MissingAuthenticationToken"]);
  });

  test("signatures count for a quarter of an hour, presigned ones whatever they say", async () => {
    const server = await open();
    const body = `Action=GetCallerIdentity&${version}`;
    const query = { Action: "GetCallerIdentity", Version: "2011-06-15" };
    const minute = 60_000;
    for (const [minutes, status] of [
      [-16, 403],
      [-14, 200],
      [14, 200],
      [16, 403],
    ] as const) {
      const now = server.clock.now + minutes * minute;
      assert.equal((await askSigned(server, body, { now })).status, status, `${minutes}`);
      for (const expiresIn of [60, 604_800]) {
        const path = await presign(server, query, {}, { expiresIn, now });
        const answer = await ask(server.endpoint, { path });
        assert.equal(answer.status, status, `${minutes} ${expiresIn} ${answer.body}`);
        if (minutes === -16) assert.match(answer.message!, /^Signature expired: .* - 15 min\.\)$/);
      }
    }
  });

  test("GetSessionToken: what the key may, and for as long as the key exists", async () => {
    const server = await open();
    const { UserPoolId } = await makePool(server);
    const key = await makeKey(server, policy(allow("cognito-idp:DescribeUserPool")));
    const sts = kept(stsClient(server, { credentials: { ...key } }));
    const { Credentials } = await sts.send(new GetSessionTokenCommand({ DurationSeconds: 900 }));
    const expires = Credentials!.Expiration!.getTime() - server.clock.now;
    assert.ok(expires > 880_000 && expires <= 900_000, String(expires));
    const credentials = keysOf(Credentials);
    const sdk = kept(newSdk(server.endpoint, { credentials }));
    assert.equal((await sdk.send(new DescribeUserPoolCommand({ UserPoolId }))).UserPool?.Id, UserPoolId);
    await assert.rejects(makePool({ client: sdk }), refused("AccessDeniedException"));
    const again = kept(stsClient(server, { credentials }));
    assert.equal((await again.send(new GetCallerIdentityCommand({}))).Arn, key.arn);
    await assert.rejects(again.send(new GetSessionTokenCommand({})), refused("AccessDenied"));
    await assert.rejects(
      again.send(new GetAccessKeyInfoCommand({ AccessKeyId: key.accessKeyId })),
      refused("AccessDenied"),
    );
    await assert.rejects(
      sts.send(new GetSessionTokenCommand({ DurationSeconds: 899 })),
      refused(
        "ValidationError",
        /'durationSeconds' failed to satisfy constraint: Member must have value greater/,
      ),
    );
    await setAccessKeyStatus(server.app.db, key.accessKeyId, "Inactive");
    await assert.rejects(again.send(new GetCallerIdentityCommand({})), refused("ExpiredToken"));
    await assert.rejects(sts.send(new GetCallerIdentityCommand({})), refused("InvalidClientTokenId"));
    await setAccessKeyStatus(server.app.db, key.accessKeyId, "Active");
  });

  test("the root key gets an hour, and assumes no role", async () => {
    const server = await open();
    const sts = kept(stsClient(server));
    const { Credentials } = await sts.send(new GetSessionTokenCommand({ DurationSeconds: 129_600 }));
    assert.ok(Credentials!.Expiration!.getTime() - server.clock.now <= 3_600_000);
    const { accountId } = server.app.config;
    const RoleArn = `arn:aws:iam::${accountId}:role/any`;
    for (const credentials of [rootKey, keysOf(Credentials)])
      await assert.rejects(
        kept(stsClient(server, { credentials })).send(
          new AssumeRoleCommand({ RoleArn, RoleSessionName: "me" }),
        ),
        refused("AccessDenied", "Roles may not be assumed by root accounts."),
      );
  });

  test("GetAccessKeyInfo needs a permission, and knows the keys of this installation", async () => {
    const server = await open();
    const key = await makeKey(server, policy(allow("sts:GetAccessKeyInfo")));
    const sts = kept(stsClient(server, { credentials: { ...key } }));
    const known = await sts.send(new GetAccessKeyInfoCommand({ AccessKeyId: key.accessKeyId }));
    assert.equal(known.Account, server.app.config.accountId);
    await assert.rejects(
      sts.send(new GetAccessKeyInfoCommand({ AccessKeyId: "AKIAAAAAAAAAAAAAAAAA" })),
      refused("ValidationError"),
    );
    const other = await makeKey(server, policy(allow("cognito-idp:*")));
    await assert.rejects(
      kept(stsClient(server, { credentials: { ...other } })).send(
        new GetAccessKeyInfoCommand({ AccessKeyId: key.accessKeyId }),
      ),
      refused("AccessDenied", /is not authorized to perform: sts:GetAccessKeyInfo on resource: \*/),
    );
  });

  test("temporary credentials end with their access key, also if another one has its id then", async () => {
    const server = await open();
    const sts = kept(stsClient(server));
    const { Credentials } = await sts.send(new GetSessionTokenCommand({}));
    const session = kept(stsClient(server, { credentials: keysOf(Credentials) }));
    await session.send(new GetCallerIdentityCommand({}));
    server.clock.advance(1);
    const other = { ...rootKey, secretAccessKey: "another secret of the same access key id" };
    await resetRootKey(server.app, other);
    try {
      await assert.rejects(session.send(new GetCallerIdentityCommand({})), refused("ExpiredToken"));
      const now = kept(stsClient(server, { credentials: other }));
      const { Credentials: newer } = await now.send(new GetSessionTokenCommand({}));
      const renewed = kept(stsClient(server, { credentials: keysOf(newer) }));
      assert.match((await renewed.send(new GetCallerIdentityCommand({}))).Arn!, /:root$/);
    } finally {
      await resetRootKey(server.app, rootKey);
    }
  });

  test("what guests are refused fills the audit log with a bounded number of events", async () => {
    const server = await open();
    // All within one hour.
    server.clock.freeze();
    const client = kept(identityClient(server));
    const stranger = await guestKeys(server, client);
    const sts = kept(stsClient(server, { credentials: stranger }));
    const { Arn: actor } = await sts.send(new GetCallerIdentityCommand({}));
    const sdk = kept(newSdk(server.endpoint, { credentials: stranger }));
    const eventsOf = async (operation: string) => {
      await server.app.audit.flush();
      const page = { limit: 200, order: "oldest first" } as const;
      return listAuditEvents(server.app.db, { actor: actor!, operation }, page);
    };
    const refusedTimes = async (times: number) => {
      for (let i = 0; i < times; i++)
        await assert.rejects(
          sdk.send(new DeleteUserPoolCommand({ UserPoolId: `us-east-1_Nobody${i}` })),
          refused("AccessDeniedException"),
        );
      const events = await eventsOf("DeleteUserPool");
      assert.ok(events.every(({ result }) => result === "AccessDeniedException"));
      return events;
    };
    assert.equal((await refusedTimes(30)).length, 30);
    const events = await refusedTimes(10);
    assert.equal(events.length, 31);
    const told = events.flatMap(({ details }) => details?.["others"] ?? []);
    assert.equal(told.length, 1);
    assert.match(String(told[0]), /^not recorded until \d{4}-/);
    // Nor does what nobody needs a permission for.
    for (let i = 0; i < 40; i++) await sts.send(new GetCallerIdentityCommand({}));
    assert.equal((await eventsOf("GetCallerIdentity")).length, 31);
  });

  test("errors of signatures, in STS's own words", async () => {
    const server = await open();
    const body = `Action=GetCallerIdentity&${version}`;
    const fine = await askSigned(server, body);
    assert.equal(fine.status, 200);
    const cases: [string, number, Parameters<typeof askSigned>[2]][] = [
      ["InvalidClientTokenId", 403, { accessKeyId: "AKIANOBODYNOBODY0000" }],
      ["InvalidClientTokenId", 403, { sessionToken: "bm90aGluZw==" }],
      ["SignatureDoesNotMatch", 403, { secretAccessKey: "wrong" }],
      ["SignatureDoesNotMatch", 403, { service: "cognito-idp" }],
      ["SignatureDoesNotMatch", 403, { now: server.clock.now - 16 * 60_000 }],
    ];
    for (const [code, status, how] of cases) {
      const answer = await askSigned(server, body, how);
      assert.deepEqual([answer.code, answer.status, answer.type], [code, status, "text/xml"], answer.body);
    }
    const odd = await askUnsigned(server.endpoint, body, { authorization: "Bearer x" });
    assert.deepEqual([odd.code, odd.status], ["IncompleteSignature", 403]);
    const none = await askUnsigned(server.endpoint, body);
    assert.deepEqual([none.code, none.status], ["MissingAuthenticationToken", 403]);
    assert.match(none.body, /<ErrorResponse xmlns="https:\/\/sts\.amazonaws\.com\/doc\/2011-06-15\/">/);
    assert.match(none.body, /<Type>Sender<\/Type>/);
    const { accessKeyId, secretAccessKey, sessionToken } = await guestOf(server);
    const stolen = { accessKeyId: "ASIAAAAAAAAAAAAAAAAA", secretAccessKey, sessionToken };
    assert.equal((await askSigned(server, body, stolen)).code, "InvalidClientTokenId");
    const cut = { accessKeyId, secretAccessKey, sessionToken: sessionToken.slice(4) };
    assert.equal((await askSigned(server, body, cut)).code, "InvalidClientTokenId");
    server.clock.advance(3_601_000);
    const late = await askSigned(server, body, { accessKeyId, secretAccessKey, sessionToken });
    assert.deepEqual([late.code, late.status], ["ExpiredToken", 403]);
  });
});

async function guestKeys(server: TestServer, client: CognitoIdentityClient) {
  const poolId = await makeIdentityPool(client, { AllowUnauthenticatedIdentities: true });
  await giveRoles(server, client, poolId, { unauthenticated: describing });
  const { IdentityId } = await client.send(new GetIdCommand({ IdentityPoolId: poolId }));
  const { Credentials } = await client.send(new GetCredentialsForIdentityCommand({ IdentityId }));
  return forClient(Credentials);
}

/** The path and query of a GET that is signed in the query for a minute. */
async function presign(
  server: TestServer,
  query: Record<string, string>,
  headers: Record<string, string>,
  { expiresIn = 60, now = server.clock.now } = {},
): Promise<string> {
  const { host, hostname, port } = new URL(server.endpoint);
  const signer = new SignatureV4({
    service: "sts",
    region: "us-east-1",
    credentials: rootKey,
    sha256: Sha256,
  });
  const request = { method: "GET", protocol: "http:", hostname, port: Number(port), path: "/", query };
  const signed = await signer.presign(
    { ...request, headers: { host, ...headers } },
    {
      expiresIn,
      signingDate: new Date(now),
      unhoistableHeaders: new Set(Object.keys(headers)),
    },
  );
  return `/?${new URLSearchParams(signed.query as Record<string, string>)}`;
}
