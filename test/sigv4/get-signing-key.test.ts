/** GetSigningKey: which keys a verifier gets, and which nobody gets. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ownServices } from "../../src/domain/roles/signing-keys.ts";
import { deriveSigningKey } from "../../src/lib/sigv4-canonical.ts";
import type { Credentials } from "../../src/sigv4/index.ts";
import { setAccessKeyStatus } from "../../src/store/access-keys.ts";
import { listAuditEvents } from "../../src/store/audit.ts";
import { deleteRole, updateRole } from "../../src/store/roles.ts";
import { allowing } from "../identity-pools/setup.ts";
import { rootKey } from "../kit/sdk.ts";
import { forEachServer, type TestServer } from "../kit/server.ts";
import { newKey, newRole, send, sessionOf, signed, verifierKey } from "./setup.ts";

const scope = (server: TestServer, days = 0) => ({
  Date: new Date(server.clock.now + days * 86_400_000).toISOString().slice(0, 10).replaceAll("-", ""),
  Region: "us-east-1",
  Service: "execute-api",
});

/** What the server answers to whoever has these credentials. */
async function ask(server: TestServer, as: Credentials, input: unknown, service = "poolhouse") {
  const { host } = new URL(server.endpoint);
  const headers = {
    host,
    "content-type": "application/x-amz-json-1.1",
    "x-amz-target": "Poolhouse.GetSigningKey",
  };
  const body = typeof input === "string" ? input : JSON.stringify(input);
  const request = await signed(
    as,
    { method: "POST", target: "/", headers, body },
    { service, now: server.clock.now },
  );
  const answer = await send(host, request);
  return { status: answer.status, ...JSON.parse(answer.body) };
}

const noSuch = {
  status: 400,
  __type: "ResourceNotFoundException",
  message: "There are no such credentials.",
};

forEachServer("GetSigningKey", (open) => {
  test("gives the key of an access key, and what its owner may do", async () => {
    const server = await open();
    const as = await verifierKey(server);
    const asked = await newKey(server, "orders:Read");
    const { Arn: _, ...answer } = await ask(server, as, { AccessKeyId: asked.accessKeyId, ...scope(server) });
    const { Date: date, Region: region, Service: service } = scope(server);
    const key = deriveSigningKey(asked.secretAccessKey, { date, region, service });
    assert.equal(answer.SigningKey, key.toString("base64"));
    assert.match(answer.Principal.Arn, /^arn:aws:iam::000000000000:user\/key\d+$/);
    assert.equal(answer.Principal.UserId, asked.accessKeyId);
    assert.deepEqual(answer.Policies.map(JSON.parse), [allowing("orders:Read")]);
    assert.equal(answer.Facts["aws:principaltype"], "User");
    assert.equal(answer.Facts["aws:tokenissuetime"], null);
    assert.equal(answer.CacheSeconds, 60);
    for (const absent of ["SessionPolicies", "Identity", "ExpiresAt"]) assert.ok(!(absent in answer), absent);
    assert.ok(!JSON.stringify(answer).includes(asked.secretAccessKey));
  });

  test("gives the key of a session, with its tags and what limits it", async () => {
    const server = await open();
    server.clock.freeze();
    const policy = {
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Allow",
          Action: "orders:Read",
          Resource: "*",
          Condition: {
            StringEquals: { "aws:PrincipalTag/Team": "x", "aws:PrincipalTag/none": "x", "orders:Kind": "x" },
            Null: { "aws:PrincipalOrgID": "true" },
          },
        },
      ],
    };
    const role = await newRole(server, policy);
    const policies = [JSON.stringify(allowing("orders:*"))];
    const identity = { poolId: "us-east-1:pool", identityId: "us-east-1:id", amr: ["authenticated", "x"] };
    const session = sessionOf(server, role, { policies, identity: undefined, tags: { Team: "blue" } });
    const input = { AccessKeyId: session.accessKeyId, SecurityToken: session.sessionToken, ...scope(server) };
    const answer = await ask(server, await verifierKey(server), input);
    assert.deepEqual(answer.SessionPolicies, policies);
    assert.equal(answer.Principal.RoleArn, `arn:aws:iam::000000000000:role/${role.name}`);
    assert.equal(answer.Principal.UserId, `${role.id}:worker`);
    assert.equal(answer.Facts["aws:principaltype"], "AssumedRole");
    assert.deepEqual(answer.Facts["aws:principaltag/team"], ["blue"]);
    // What the policies ask for and the principal does not have is known to be absent, and only that.
    assert.equal(answer.Facts["aws:principaltag/none"], null);
    assert.equal(answer.Facts["aws:principalorgid"], null);
    assert.ok(!("orders:kind" in answer.Facts));
    assert.equal(answer.ExpiresAt, Math.floor(server.clock.now / 1000) + 3600);
    // Of an identity pool that does not exist, it counts no more.
    const orphan = sessionOf(server, role, { identity });
    const orphaned = {
      AccessKeyId: orphan.accessKeyId,
      SecurityToken: orphan.sessionToken,
      ...scope(server),
    };
    assert.deepEqual(await ask(server, await verifierKey(server), orphaned), noSuch);
  });

  test("credentials that do not count are all refused alike", async () => {
    const server = await open();
    const as = await verifierKey(server);
    const disabled = await newKey(server, "orders:Read");
    await setAccessKeyStatus(server.app.db, disabled.accessKeyId, "Inactive");
    const role = await newRole(server, allowing("orders:Read"));
    const [session, other] = [sessionOf(server, role), sessionOf(server, role)];
    const of = ({ accessKeyId, sessionToken }: Credentials) => ({
      AccessKeyId: accessKeyId,
      SecurityToken: sessionToken,
      ...scope(server),
    });
    assert.equal((await ask(server, as, of(session))).status, 200);
    const wrong = [
      { ...of(disabled) },
      { ...of(session), AccessKeyId: "AKIANOBODY0000000000" },
      { ...of(session), AccessKeyId: "\u0000" },
      { ...of(session), SecurityToken: undefined },
      { ...of(session), SecurityToken: other.sessionToken },
      { ...of(session), SecurityToken: "" },
      { ...of(session), SecurityToken: "bm90IGEgdG9rZW4=" },
    ];
    for (const input of wrong) assert.deepEqual(await ask(server, as, input), noSuch, JSON.stringify(input));
    await updateRole(server.app.db, { ...role, notBefore: server.clock.now + 1 });
    assert.deepEqual(await ask(server, as, of(session)), noSuch);
    await updateRole(server.app.db, role);
    assert.equal((await ask(server, as, of(session))).status, 200);
    await deleteRole(server.app.db, role.name);
    assert.deepEqual(await ask(server, as, of(session)), noSuch);
    const short = sessionOf(server, await newRole(server, allowing("orders:Read")), { seconds: 900 });
    server.clock.advance(900_000);
    assert.deepEqual(await ask(server, as, of(short)), noSuch);
  });

  test("no key signs calls of this server, or for days that are not around today", async () => {
    const server = await open();
    const asked = { AccessKeyId: rootKey.accessKeyId, ...scope(server) };
    const refused = async (input: object) => {
      // Not even the root key gets it.
      const { status, __type } = await ask(server, rootKey, input);
      assert.deepEqual({ status, __type }, { status: 400, __type: "InvalidParameterException" });
    };
    for (const Service of [
      ...ownServices,
      "KMS",
      "Cognito-IDP",
      "kms ",
      " kms",
      "kms/aws4_request",
      "ſts",
      "",
    ])
      await refused({ ...asked, Service });
    for (const Region of ["", "US", "us east", "us-east-1/kms"]) await refused({ ...asked, Region });
    for (const days of [-2, 2]) await refused({ ...asked, ...scope(server, days) });
    for (const days of [-1, 0, 1])
      assert.equal((await ask(server, rootKey, { ...asked, ...scope(server, days) })).status, 200);
    for (const day of ["", "2026", `${asked.Date} `, `${asked.Date}/`])
      await refused({ ...asked, Date: day });
    for (const input of ["", "[]", "{", { ...asked, AccessKeyId: 1 }, { ...asked, SecurityToken: {} }])
      assert.equal((await ask(server, rootKey, input)).__type, "SerializationException");
  });

  test("needs a signature for this operation, and the permission for the service", async () => {
    const server = await open();
    const input = { AccessKeyId: rootKey.accessKeyId, ...scope(server) };
    const arn = "arn:aws:poolhouse:us-east-1:000000000000:signing-key";
    const mine = await newKey(server, "poolhouse:GetSigningKey", `${arn}/orders`);
    assert.equal((await ask(server, mine, { ...input, Service: "orders" })).status, 200);
    const denied = await ask(server, mine, input);
    assert.equal(denied.__type, "AccessDeniedException");
    assert.match(
      denied.message,
      /not authorized to perform: poolhouse:GetSigningKey on resource: .*\/execute-api /,
    );
    const nothing = await newKey(server, "cognito-idp:*");
    assert.equal((await ask(server, nothing, input)).__type, "AccessDeniedException");
    assert.equal((await ask(server, rootKey, input, "execute-api")).__type, "InvalidSignatureException");
    const wrong = { ...rootKey, secretAccessKey: "guessed" };
    assert.equal((await ask(server, wrong, input)).__type, "InvalidSignatureException");
  });

  test("is audited as a read, without the token", async () => {
    const server = await open();
    const session = sessionOf(server, await newRole(server, allowing("orders:Read")));
    const { accessKeyId: target, sessionToken } = session;
    const input = { AccessKeyId: target, SecurityToken: sessionToken, ...scope(server) };
    assert.equal((await ask(server, rootKey, input)).status, 200);
    await server.app.audit.flush();
    const found = await listAuditEvents(server.app.db, { target }, { limit: 10, order: "oldest first" });
    const [event, ...more] = found;
    assert.deepEqual(more, []);
    assert.equal(event?.operation, "GetSigningKey");
    assert.equal(event.actor, "arn:aws:iam::000000000000:root");
    assert.deepEqual(event.details, { service: "execute-api", region: "us-east-1" });
    assert.ok(!JSON.stringify(event).includes(sessionToken!));
    // Whoever has any credentials could fill the table with names of no service.
    const Service = "x".repeat(10_000);
    const odd = await ask(server, session, { ...input, AccessKeyId: "AKIAODD", Service });
    assert.equal(odd.__type, "InvalidParameterException");
    await server.app.audit.flush();
    const search = { target: "AKIAODD" };
    const [refusal] = await listAuditEvents(server.app.db, search, { limit: 10, order: "oldest first" });
    assert.equal(refusal?.result, "InvalidParameterException");
    assert.equal(refusal.details, undefined);
  });
});

test("all services whose signatures this server takes are in the list of those without keys", () => {
  const root = join(import.meta.dirname, "..", "..", "src");
  const text = globSync("**/*.ts", { cwd: root }).map((file) => readFileSync(join(root, file), "utf8"));
  const named = text.flatMap((one) =>
    [...one.matchAll(/authenticate\([^)]*service: "([\w-]+)"/gs)].map(([, service]) => service!),
  );
  assert.ok(named.length >= 3);
  for (const service of [...named, "cognito-idp", "cognito-identity"])
    assert.ok(ownServices.includes(service));
});
