/** Who may call what: signatures, keys and their policies; `--auth open`; hosts; what is not there yet. */

import assert from "node:assert/strict";
import { request } from "node:http";
import { test } from "node:test";
import {
  AdminCreateUserCommand,
  AdminGetUserCommand,
  AdminUpdateUserAttributesCommand,
  CreateUserPoolCommand,
  DescribeUserPoolCommand,
  ListUserPoolsCommand,
  ListUsersCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { createAccessKey, namedPolicies } from "../../src/domain/iam/access-keys.ts";
import { notYet } from "../../src/http/aws-json/operation.ts";
import { identityPoolHandlers, userPoolHandlers } from "../../src/http/aws-json/operations.ts";
import { signRequest } from "../../src/lib/sigv4.ts";
import { deleteAccessKey, setAccessKeyStatus } from "../../src/store/access-keys.ts";
import { newSdk, rootKey } from "../kit/sdk.ts";
import { forOneServer, type TestServer } from "../kit/server.ts";

async function clientOf(server: TestServer, name: string, policy: string) {
  const credentials = await createAccessKey(server.app, name, policy);
  const client = newSdk(server.endpoint, { credentials });
  return { client, id: credentials.accessKeyId };
}

async function poolWithUser(server: TestServer): Promise<string> {
  const { UserPool } = await server.client.send(new CreateUserPoolCommand({ PoolName: "authorization" }));
  const UserPoolId = UserPool!.Id!;
  await server.client.send(
    new AdminCreateUserCommand({ UserPoolId, Username: "ann", MessageAction: "SUPPRESS" }),
  );
  return UserPoolId;
}

/** A request with any headers at all, Host included. */
function raw(
  server: TestServer,
  headers: Record<string, string>,
  body = "{}",
): Promise<{ status: number; type: string; message: string }> {
  return new Promise((resolve, reject) => {
    const url = new URL(server.endpoint);
    const sent = request(
      { host: "127.0.0.1", port: url.port, method: "POST", path: "/", headers },
      (response) => {
        let text = "";
        response.on("data", (chunk) => {
          text += chunk;
        });
        response.on("end", () => {
          const answer = text.startsWith("{") ? JSON.parse(text) : {};
          resolve({
            status: response.statusCode!,
            type: answer.__type,
            message: answer.message ?? answer.Message,
          });
        });
      },
    );
    sent.on("error", reject);
    sent.end(body);
  });
}

/** Headers of a signed call, as an SDK would send them. */
function signed(server: TestServer, target: string, body: string, service: string): Record<string, string> {
  const headers = {
    host: new URL(server.endpoint).host,
    "content-type": "application/x-amz-json-1.1",
    "x-amz-target": target,
  };
  const wire = {
    method: "POST",
    path: "/",
    query: "",
    headers: Object.entries(headers),
    body: Buffer.from(body),
  };
  return {
    ...headers,
    ...signRequest(wire, { ...rootKey, region: "us-east-1", service, now: server.clock.now }),
  };
}

const denied = { name: "AccessDeniedException" };

forOneServer("postgres", "authorization", (open) => {
  test("a readonly key reads and writes nothing", async () => {
    const server = await open();
    const UserPoolId = await poolWithUser(server);
    const { client } = await clientOf(server, "reader", namedPolicies.readonly);
    assert.ok((await client.send(new DescribeUserPoolCommand({ UserPoolId }))).UserPool);
    assert.ok((await client.send(new AdminGetUserCommand({ UserPoolId, Username: "ann" }))).Username);
    await assert.rejects(client.send(new CreateUserPoolCommand({ PoolName: "x" })), {
      ...denied,
      message:
        "User: arn:aws:iam::000000000000:user/reader is not authorized to perform: cognito-idp:CreateUserPool on " +
        "resource: * because no identity-based policy allows the cognito-idp:CreateUserPool action",
    });
  });

  test("a key for one operation on one pool does that and nothing else", async () => {
    const server = await open();
    const [mine, other] = [await poolWithUser(server), await poolWithUser(server)];
    const policy = JSON.stringify({
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Allow",
          Action: ["cognito-idp:AdminUpdateUserAttributes"],
          Resource: `arn:aws:cognito-idp:us-east-1:000000000000:userpool/${mine}`,
        },
      ],
    });
    const { client } = await clientOf(server, "trigger", policy);
    const update = (UserPoolId: string) =>
      client.send(
        new AdminUpdateUserAttributesCommand({
          UserPoolId,
          Username: "ann",
          UserAttributes: [{ Name: "nickname", Value: "Annie" }],
        }),
      );
    await update(mine);
    await assert.rejects(update(other), denied);
    await assert.rejects(client.send(new ListUsersCommand({ UserPoolId: mine })), denied);
    await assert.rejects(client.send(new ListUserPoolsCommand({ MaxResults: 1 })), denied);
  });

  test("an explicit deny wins", async () => {
    const server = await open();
    const policy = JSON.stringify({
      Version: "2012-10-17",
      Statement: [
        { Effect: "Allow", Action: "*", Resource: "*" },
        { Effect: "Deny", Action: "cognito-idp:List*", Resource: "*" },
      ],
    });
    const { client } = await clientOf(server, "denied", policy);
    await assert.rejects(client.send(new ListUserPoolsCommand({ MaxResults: 1 })), {
      ...denied,
      message: /with an explicit deny in an identity-based policy/,
    });
  });

  test("a disabled and a deleted key are unknown at once", async () => {
    const server = await open();
    const { client, id } = await clientOf(server, "leaver", namedPolicies.admin);
    const list = () => client.send(new ListUserPoolsCommand({ MaxResults: 1 }));
    await list();
    const unknown = { name: "UnrecognizedClientException" };
    await setAccessKeyStatus(server.app.db, id, "Inactive");
    await assert.rejects(list(), unknown);
    await setAccessKeyStatus(server.app.db, id, "Active");
    await list();
    await deleteAccessKey(server.app.db, id);
    await assert.rejects(list(), unknown);
  });

  test("every operation that is not there yet is authenticated, validated, and says so", async () => {
    const server = await open();
    const services = [
      ["AWSCognitoIdentityProviderService", "cognito-idp", userPoolHandlers],
      ["AWSCognitoIdentityService", "cognito-identity", identityPoolHandlers],
    ] as const;
    const refused: string[] = [];
    for (const [prefix, service, handlers] of services) {
      for (const [name, handler] of Object.entries(handlers)) {
        if (handler !== notYet) continue;
        const target = `${prefix}.${name}`;
        const answer = await raw(server, signed(server, target, "{}", service));
        const malformed =
          service === "cognito-identity" ? "ValidationException" : "InvalidParameterException";
        const expected = answer.type === "UnsupportedOperationException" || answer.type === malformed;
        if (answer.status !== 400 || !expected) refused.push(`${name}: ${answer.status} ${answer.type}`);
      }
    }
    assert.deepEqual(refused, []);
    const unsigned = await raw(server, {
      host: new URL(server.endpoint).host,
      "x-amz-target": "AWSCognitoIdentityProviderService.ListUserPoolReplicas",
    });
    assert.equal(unsigned.type, "MissingAuthenticationTokenException");
  });

  test("an unknown target and an unknown host are refused; health answers any host", async () => {
    const server = await open();
    const host = new URL(server.endpoint).host;
    for (const target of [
      "",
      "X",
      "AWSCognitoIdentityProviderService.NoSuch",
      "AWSCognitoIdentityProviderService.toString",
    ]) {
      const answer = await raw(server, { host, "x-amz-target": target });
      assert.deepEqual([answer.status, answer.type], [400, "UnknownOperationException"], target);
    }
    const foreign = await raw(server, {
      host: "evil.test",
      "x-amz-target": "AWSCognitoIdentityProviderService.GetUser",
    });
    assert.equal(foreign.status, 421);
    const health = await fetch(`${server.endpoint}/healthz`);
    assert.deepEqual(await health.json(), { status: "ok" });
    const ready = await fetch(`${server.endpoint}/readyz`);
    assert.deepEqual(await ready.json(), { status: "ready" });
  });

  test("a browser of any origin may call", async () => {
    const server = await open();
    const preflight = await fetch(server.endpoint, {
      method: "OPTIONS",
      headers: {
        origin: "https://app.test",
        "access-control-request-method": "POST",
        "access-control-request-headers":
          "amz-sdk-invocation-id,amz-sdk-request,authorization,cache-control,content-type,x-amz-target,x-amz-user-agent,x-evil",
      },
    });
    assert.equal(preflight.status, 204);
    assert.equal(preflight.headers.get("access-control-allow-origin"), "*");
    const allowed = preflight.headers.get("access-control-allow-headers")!.split(",");
    for (const name of [
      "amz-sdk-invocation-id",
      "amz-sdk-request",
      "authorization",
      "cache-control",
      "content-type",
      "x-amz-target",
      "x-amz-user-agent",
    ]) {
      assert.ok(allowed.includes(name), name);
    }
    assert.equal(allowed.includes("x-evil"), false);
    const answer = await fetch(server.endpoint, {
      method: "POST",
      headers: { origin: "https://app.test" },
      body: "{}",
    });
    assert.equal(answer.headers.get("access-control-allow-origin"), "*");
    assert.match(answer.headers.get("access-control-expose-headers")!, /x-amzn-ErrorType/);
  });
});

forOneServer(
  "postgres",
  "--auth open",
  (open) => {
    test("takes any credentials, but not a web page's or a forwarded call", async () => {
      const server = await open();
      const anyone = newSdk(server.endpoint, {
        credentials: { accessKeyId: "test", secretAccessKey: "test" },
      });
      assert.ok(await anyone.send(new ListUserPoolsCommand({ MaxResults: 1 })));
      const headers = {
        host: new URL(server.endpoint).host,
        "x-amz-target": "AWSCognitoIdentityProviderService.ListUserPools",
      };
      assert.equal((await raw(server, headers, '{"MaxResults":1}')).status, 200);
      for (const extra of [
        { origin: "https://evil.test" },
        { "x-forwarded-for": "10.0.0.1" },
        { forwarded: "for=10.0.0.1" },
      ]) {
        const answer = await raw(server, { ...headers, ...extra }, '{"MaxResults":1}');
        assert.equal(answer.type, "AccessDeniedException");
      }
    });
  },
  { POOLHOUSE_AUTH: "open" },
);
