/** AssumeRole: whom a role trusts, what callers may, session tags and policies, and role chaining. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { DescribeUserPoolCommand } from "@aws-sdk/client-cognito-identity-provider";
import {
  AssumeRoleCommand,
  type AssumeRoleCommandInput,
  GetCallerIdentityCommand,
  GetSessionTokenCommand,
} from "@aws-sdk/client-sts";
import { fromTemporaryCredentials } from "@aws-sdk/credential-providers";
import { listAuditEvents } from "../../src/store/audit.ts";
import { deleteRole, readRole, updateRole } from "../../src/store/roles.ts";
import { makePool, refused, unique } from "../kit/people.ts";
import { newSdk } from "../kit/sdk.ts";
import { forEachServer, type TestServer } from "../kit/server.ts";
import { makeRole } from "./setup.ts";
import { allow, keysOf, makeKey, policy, stsClient, trustingAws } from "./sts-setup.ts";

const everything = { all: policy(allow("*")) };
const assuming = policy(allow(["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]));
const nothing = policy(allow("cognito-idp:ListUsers"));
const denying = policy({ Effect: "Deny", Action: "sts:AssumeRole", Resource: "*" });

interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

forEachServer("AssumeRole", (open) => {
  const clients: { destroy(): void }[] = [];
  const kept = <T extends { destroy(): void }>(client: T): T => {
    clients.push(client);
    return client;
  };
  after(() => {
    for (const client of clients) client.destroy();
  });
  const assume = (
    server: TestServer,
    credentials: Keys,
    RoleArn: string,
    more: Partial<AssumeRoleCommandInput> = {},
  ) =>
    kept(stsClient(server, { credentials: { ...credentials } })).send(
      new AssumeRoleCommand({ RoleArn, RoleSessionName: "session", ...more }),
    );
  const callerOf = async (server: TestServer, credentials: Keys) =>
    (
      await kept(stsClient(server, { credentials: { ...credentials } })).send(
        new GetCallerIdentityCommand({}),
      )
    ).Arn;
  /** Whether credentials may describe a pool: an ordinary call that roles allow or do not. */
  const describes = (server: TestServer, credentials: Keys, UserPoolId: string) =>
    kept(newSdk(server.endpoint, { credentials: { ...credentials } })).send(
      new DescribeUserPoolCommand({ UserPoolId }),
    );

  test("the rule for callers of the same account", async () => {
    const server = await open();
    const { accountId } = server.app.config;
    const root = `arn:aws:iam::${accountId}:root`;
    const callers = {
      allowed: await makeKey(server, assuming),
      silent: await makeKey(server, nothing),
      denied: await makeKey(server, denying),
      limited: await makeKey(server, policy(allow("sts:AssumeRole", `arn:aws:iam::${accountId}:role/other`))),
    };
    const trusts = {
      account: trustingAws(accountId),
      root: trustingAws(root),
      named: trustingAws(Object.values(callers).map(({ arn }) => arn)),
      everybody: trustingAws("*"),
      another: trustingAws(`arn:aws:iam::${accountId}:user/somebody`),
      foreign: trustingAws("111122223333"),
      federated: policy({
        Effect: "Allow",
        Principal: { Federated: "cognito-identity.amazonaws.com" },
        Action: "sts:AssumeRole",
      }),
    };
    const expected: Record<keyof typeof trusts, readonly (keyof typeof callers)[]> = {
      account: ["allowed"],
      root: ["allowed"],
      named: ["allowed", "silent", "limited"],
      everybody: ["allowed", "silent", "limited"],
      another: [],
      foreign: [],
      federated: [],
    };
    for (const [name, trust] of Object.entries(trusts)) {
      const role = await makeRole(server, trust, everything);
      for (const [caller, key] of Object.entries(callers)) {
        const may = expected[name as keyof typeof trusts].includes(caller as keyof typeof callers);
        if (may) {
          const { AssumedRoleUser } = await assume(server, key, role);
          const session = role.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/");
          assert.equal(AssumedRoleUser?.Arn, `${session}/session`, `${name} ${caller}`);
        } else
          await assert.rejects(
            assume(server, key, role),
            refused(
              "AccessDenied",
              `User: ${key.arn} is not authorized to perform: sts:AssumeRole on resource: ${role}`,
            ),
            `${name} ${caller}`,
          );
      }
    }
    const missing = `arn:aws:iam::${accountId}:role/missing`;
    await assert.rejects(
      assume(server, callers.allowed, missing),
      refused(
        "AccessDenied",
        `User: ${callers.allowed.arn} is not authorized to perform: sts:AssumeRole on resource: ${missing}`,
      ),
    );
  });

  test("conditions: ExternalId, source identity, the name of the session", async () => {
    const server = await open();
    const key = await makeKey(server, assuming);
    const role = await makeRole(
      server,
      trustingAws(server.app.config.accountId, {
        StringEquals: { "sts:ExternalId": "ours", "sts:SourceIdentity": "ann" },
        StringLike: { "sts:RoleSessionName": "${aws:username}-*" },
      }),
    );
    const RoleSessionName = `${key.arn.split("/").at(-1)}-1`;
    const right = { ExternalId: "ours", SourceIdentity: "ann", RoleSessionName };
    assert.equal((await assume(server, key, role, right)).SourceIdentity, "ann");
    for (const wrong of [
      { ExternalId: "theirs" },
      { ExternalId: undefined },
      { SourceIdentity: "bob" },
      { SourceIdentity: undefined },
      { RoleSessionName: "session" },
    ])
      await assert.rejects(assume(server, key, role, { ...right, ...wrong }), refused("AccessDenied"));
    const plain = await makeRole(server, trustingAws(server.app.config.accountId, {}, "sts:AssumeRole"));
    await assume(server, key, plain);
    await assert.rejects(
      assume(server, key, plain, { SourceIdentity: "ann" }),
      refused("AccessDenied", /sts:SetSourceIdentity/),
    );
    await assert.rejects(
      assume(server, key, plain, { Tags: [{ Key: "team", Value: "a" }] }),
      refused("AccessDenied", /sts:TagSession/),
    );
  });

  test("sessions may do what the role may, and no session policy widens it", async () => {
    const server = await open();
    const { UserPoolId } = await makePool(server);
    const key = await makeKey(server, assuming);
    const trust = trustingAws(server.app.config.accountId);
    const able = await makeRole(server, trust, { p: policy(allow("cognito-idp:DescribeUserPool")) });
    const idle = await makeRole(server, trust, { p: policy(allow("cognito-idp:ListUsers")) });
    const Policy = JSON.stringify(policy(allow("*")));
    const wide = keysOf((await assume(server, key, able, { Policy })).Credentials);
    assert.equal((await describes(server, wide, UserPoolId)).UserPool?.Id, UserPoolId);
    const still = keysOf((await assume(server, key, idle, { Policy })).Credentials);
    await assert.rejects(
      describes(server, still, UserPoolId),
      refused("AccessDeniedException", /no identity-based policy allows/),
    );
    const Narrow = JSON.stringify(policy(allow("cognito-idp:ListUsers")));
    const narrowed = await assume(server, key, able, { Policy: Narrow });
    assert.equal(narrowed.PackedPolicySize, Math.ceil(Narrow.length / 40.96));
    assert.equal((await assume(server, key, able)).PackedPolicySize, undefined, "neither policy nor tags");
    await assert.rejects(
      describes(server, keysOf(narrowed.Credentials), UserPoolId),
      refused("AccessDeniedException", /no session policy allows/),
    );
    const cases: [string, string][] = [
      ["MalformedPolicyDocumentException", "{"],
      ["MalformedPolicyDocumentException", JSON.stringify({ Version: "2012-10-17" })],
      ["MalformedPolicyDocumentException", '{"Version":"2012-10-17","Statement":[],"Statement":[]}'],
      ["PackedPolicyTooLargeException", JSON.stringify(policy(allow("a:b", `arn:${"x".repeat(2048)}`)))],
    ];
    for (const [code, text] of cases)
      await assert.rejects(assume(server, key, able, { Policy: text }), refused(code), text.slice(0, 80));
    const Tags = Array.from({ length: 20 }, (_, index) => ({ Key: `key${index}`, Value: "x".repeat(256) }));
    await assert.rejects(assume(server, key, able, { Tags }), refused("PackedPolicyTooLargeException"));
    await assert.rejects(
      assume(server, key, able, { PolicyArns: [{ arn: "arn:aws:iam::aws:policy/ReadOnlyAccess" }] }),
      refused("ValidationError", /no managed policies/),
    );
  });

  test("sessions end with their role, and when its sessions are revoked", async () => {
    const server = await open();
    const key = await makeKey(server, assuming);
    const role = await makeRole(server, trustingAws(key.arn));
    const name = role.split("/").at(-1)!;
    const credentials = keysOf((await assume(server, key, role)).Credentials);
    assert.match((await callerOf(server, credentials))!, /assumed-role/);
    const row = (await readRole(server.app.db, name))!;
    await updateRole(server.app.db, { ...row, notBefore: server.clock.now + 1000 });
    await assert.rejects(callerOf(server, credentials), refused("ExpiredToken"));
    await updateRole(server.app.db, row);
    await deleteRole(server.app.db, name);
    await assert.rejects(callerOf(server, credentials), refused("ExpiredToken"));
  });

  test("audit events and metrics name the operation, and no event what the session may", async () => {
    const server = await open();
    const key = await makeKey(server, assuming);
    const role = await makeRole(server, trustingAws(key.arn));
    const closed = await makeRole(server, trustingAws("111122223333"));
    const Policy = JSON.stringify(policy(allow("cognito-idp:ListUsers")));
    await assume(server, key, role, { Policy, RoleSessionName: "audited" });
    await assert.rejects(assume(server, key, closed), refused("AccessDenied"));
    await kept(stsClient(server, { credentials: { ...key } })).send(new GetSessionTokenCommand({}));
    const { app } = server;
    while (app.audit.waiting > 0) await app.audit.flush();
    const events = await listAuditEvents(app.db, { actor: key.arn }, { limit: 10, order: "oldest first" });
    assert.deepEqual(
      events.map(({ operation, target, result }) => [operation, target, result]),
      [
        ["AssumeRole", role, "ok"],
        ["AssumeRole", closed, "AccessDeniedException"],
        ["GetSessionToken", key.accessKeyId, "ok"],
      ],
    );
    assert.deepEqual(events[0]!.details, {
      members: ["RoleArn", "RoleSessionName", "Policy"],
      sessionName: "audited",
    });
    const metrics = await (await fetch(`${server.endpoint}/metrics`)).text();
    assert.match(metrics, /poolhouse_calls_total\{operation="AssumeRole",result="ok"\} \d/);
    assert.match(metrics, /poolhouse_calls_total\{operation="AssumeRole",result="AccessDenied"\} \d/);
  });

  test("DurationSeconds: 900 to the role's maximum", async () => {
    const server = await open();
    const key = await makeKey(server, assuming);
    const role = await makeRole(server, trustingAws(key.arn), {}, { maxSessionSeconds: 7200 });
    for (const [DurationSeconds, seconds] of [
      [undefined, 3600],
      [900, 900],
      [7200, 7200],
    ] as const) {
      const { Credentials } = await assume(server, key, role, { DurationSeconds });
      const left = Credentials!.Expiration!.getTime() - server.clock.now;
      assert.ok(left <= seconds * 1000 && left > seconds * 1000 - 30_000, String(left));
    }
    await assert.rejects(
      assume(server, key, role, { DurationSeconds: 7201 }),
      refused(
        "ValidationError",
        "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
      ),
    );
    for (const DurationSeconds of [899, 43_201])
      await assert.rejects(
        assume(server, key, role, { DurationSeconds }),
        refused("ValidationError", /'durationSeconds'/),
      );
  });

  test("role chaining: an hour, transitive tags and the source identity stay", async () => {
    const server = await open();
    const { accountId } = server.app.config;
    const key = await makeKey(server, assuming);
    const more = { maxSessionSeconds: 43_200 };
    const first = await makeRole(server, trustingAws(key.arn), { p: assuming }, more);
    const tagged = (trusted: string) =>
      trustingAws(trusted, { StringEquals: { "aws:PrincipalTag/team": "red", "aws:SourceIdentity": "ann" } });
    const second = await makeRole(server, tagged(first), { p: assuming }, more);
    const third = await makeRole(server, tagged(accountId), everything, more);
    const begun = await assume(server, key, first, {
      Tags: [
        { Key: "team", Value: "red" },
        { Key: "mood", Value: "fine" },
      ],
      TransitiveTagKeys: ["team"],
      SourceIdentity: "ann",
    });
    const next = await assume(server, keysOf(begun.Credentials), second, { DurationSeconds: 3600 });
    assert.equal(next.SourceIdentity, "ann");
    const last = await assume(server, keysOf(next.Credentials), third);
    assert.equal(last.SourceIdentity, "ann");
    const from = keysOf(begun.Credentials);
    await assert.rejects(
      assume(server, from, second, { DurationSeconds: 3601 }),
      refused("ValidationError", /1 hour session limit/),
    );
    await assert.rejects(
      assume(server, from, second, { Tags: [{ Key: "Team", Value: "blue" }] }),
      refused("InvalidParameterValue", /transitive tag key/),
    );
    await assert.rejects(
      assume(server, from, second, { SourceIdentity: "bob" }),
      refused("AccessDenied", /source identity/),
    );
    // Another tag is not passed on, and the same tag can be set anew.
    await assume(server, from, second, { Tags: [{ Key: "mood", Value: "bad" }] });
    const untagging = await makeRole(
      server,
      trustingAws(first, {}, ["sts:AssumeRole", "sts:SetSourceIdentity"]),
    );
    await assert.rejects(assume(server, from, untagging), refused("AccessDenied", /sts:TagSession/));
  });

  test("a session policy limits which roles a session may assume, even those that name its role", async () => {
    const server = await open();
    const key = await makeKey(server, assuming);
    const first = await makeRole(server, trustingAws(key.arn), { p: assuming });
    const second = await makeRole(server, trustingAws(first), everything);
    const free = keysOf((await assume(server, key, first)).Credentials);
    await assume(server, free, second);
    for (const limit of [nothing, denying]) {
      const { Credentials } = await assume(server, key, first, { Policy: JSON.stringify(limit) });
      await assert.rejects(assume(server, keysOf(Credentials), second), refused("AccessDenied"));
    }
    const { Credentials } = await assume(server, key, first, { Policy: JSON.stringify(assuming) });
    await assume(server, keysOf(Credentials), second);
  });

  test("what is no ARN is refused as such", async () => {
    const server = await open();
    const key = await makeKey(server, assuming);
    const lacking = [
      "no-arn-at-all-in-this-text",
      "arn::iam::000000000000:role/r",
      "arn:aws:::000000000000:role/r",
    ];
    for (const arn of [...lacking, "arn:aws:iam:000000000000:role/r", "arn:aws:iam::000000000000:"])
      await assert.rejects(assume(server, key, arn), refused("ValidationError", `${arn} is invalid`));
    for (const arn of ["arn:aws:iam::000000000000:user/any", "arn:aws:s3:::files/any-file"])
      await assert.rejects(assume(server, key, arn), refused("AccessDenied"));
  });

  test("tags that contradict themselves are refused", async () => {
    const server = await open();
    const key = await makeKey(server, assuming);
    const role = await makeRole(server, trustingAws(key.arn));
    for (const [odd, code] of [
      [
        {
          Tags: [
            { Key: "a", Value: "1" },
            { Key: "A", Value: "2" },
          ],
        },
        "InvalidParameterValue",
      ],
      [{ Tags: [{ Key: "aws:x", Value: "1" }] }, "ValidationError"],
      [{ Tags: [{ Key: "a", Value: "1" }], TransitiveTagKeys: ["b"] }, "InvalidParameterValue"],
      [{ Tags: [{ Key: "<", Value: "1" }] }, "ValidationError"],
      [{ Tags: Array.from({ length: 51 }, (_, at) => ({ Key: `k${at}`, Value: "" })) }, "ValidationError"],
      [{ ProvidedContexts: [{ ContextAssertion: "abcd" }] }, "ValidationError"],
      [{ SerialNumber: "GAHT12345678", TokenCode: "123456" }, "ValidationError"],
    ] as const)
      await assert.rejects(
        assume(server, key, role, odd as Partial<AssumeRoleCommandInput>),
        refused(code),
        JSON.stringify(odd),
      );
  });

  test("fromTemporaryCredentials signs calls with a role's credentials", async () => {
    const server = await open();
    const { UserPoolId } = await makePool(server);
    const key = await makeKey(server, assuming);
    const RoleArn = await makeRole(server, trustingAws(server.app.config.accountId), everything);
    const sdk = kept(
      newSdk(server.endpoint, {
        credentials: fromTemporaryCredentials({
          masterCredentials: { ...key },
          params: { RoleArn, RoleSessionName: unique("session") },
          clientConfig: { endpoint: server.endpoint, region: "us-east-1" },
        }),
      }),
    );
    const { UserPool } = await sdk.send(new DescribeUserPoolCommand({ UserPoolId }));
    assert.equal(UserPool?.Id, UserPoolId);
  });
});
