/** Operations that anybody may call × a client that does not exist, or a secret that is not the client's. */

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { DeleteUserPoolClientCommand } from "@aws-sdk/client-cognito-identity-provider";
import { everyFlow, makeClient, makePool, makeUser, password, secretHash } from "../kit/people.ts";
import { forOneServer, type TestServer } from "../kit/server.ts";
import { everyRow } from "./database.ts";
import { authorizedBy, type KnownOperation } from "./operations.ts";
import { inBatches, post, presignedCall, signedCall, unsigned } from "./wire.ts";
import { makeWorld, type World } from "./world.ts";

const all = authorizedBy("none", "refresh-token", "feedback-token").filter(
  ({ service }) => service === "cognito-idp",
);

type Input = Record<string, unknown>;

/** RevokeToken does not declare ResourceNotFoundException. */
const missing = ({ facts }: KnownOperation) =>
  facts.errors.includes("ResourceNotFoundException") ? "ResourceNotFoundException" : "UnauthorizedException";

const ofSignIn = ["AuthParameters", "ChallengeResponses"];

/** Adds the proof that the caller has the client's secret, where the operation expects it. */
function withSecret(
  operation: KnownOperation,
  input: Input,
  proof: { hash?: string; secret?: string },
): Input {
  const shape = operation.shapes[operation.facts.input ?? ""];
  const members = shape?.type === "structure" ? Object.keys(shape.members) : [];
  const among = members.find((name) => ofSignIn.includes(name));
  if (among !== undefined)
    return { ...input, [among]: { ...(input[among] as object), SECRET_HASH: proof.hash } };
  if (members.includes("SecretHash")) return { ...input, SecretHash: proof.hash };
  assert.ok(members.includes("ClientSecret"), operation.name);
  return { ...input, ClientSecret: proof.secret };
}

/** The inputs of `world`, for a client with a secret. */
async function ofClientWithSecret(server: TestServer, world: World) {
  const client = await makeClient(server, world.UserPoolId, {
    GenerateSecret: true,
    ExplicitAuthFlows: everyFlow,
  });
  const { Username } = world;
  const hash = secretHash(Username, client);
  const answer = await post(
    server.endpoint,
    unsigned(
      server.endpoint,
      { prefix: "AWSCognitoIdentityProviderService", name: "InitiateAuth" },
      JSON.stringify({
        ClientId: client.ClientId,
        AuthFlow: "USER_PASSWORD_AUTH",
        AuthParameters: { USERNAME: Username, PASSWORD: password, SECRET_HASH: hash },
      }),
    ),
  );
  const { RefreshToken } = answer.body["AuthenticationResult"] as { RefreshToken: string };
  const input = (operation: KnownOperation): Input => {
    const sample = world.input(operation);
    if (operation.name === "RespondToAuthChallenge") {
      sample["ChallengeName"] = "NEW_PASSWORD_REQUIRED";
      sample["ChallengeResponses"] = { USERNAME: Username, NEW_PASSWORD: password };
    }
    return {
      ...sample,
      ClientId: client.ClientId,
      ...("Token" in sample && { Token: RefreshToken }),
      ...("RefreshToken" in sample && { RefreshToken }),
    };
  };
  return { client, input };
}

const usernameOf = (input: Input) => {
  const among = ofSignIn.map((name) => input[name] as Record<string, string> | undefined).find(Boolean);
  return String(among?.["USERNAME"] ?? input["Username"]);
};

forOneServer("postgres", "public operations", (open) => {
  const call = (server: TestServer, operation: KnownOperation, input: Input) =>
    post(server.endpoint, unsigned(server.endpoint, operation, JSON.stringify(input)));

  test("a client that does not exist", async () => {
    const server = await open();
    const world = await makeWorld(server);
    const gone = await makeClient(server, world.UserPoolId);
    await server.client.send(
      new DeleteUserPoolClientCommand({ UserPoolId: world.UserPoolId, ClientId: gone.ClientId }),
    );
    const before = await everyRow(server.app);
    for (const operation of all) {
      for (const ClientId of ["0".repeat(26), gone.ClientId, "__proto__", "constructor"]) {
        const { status, type, message } = await call(server, operation, {
          ...world.input(operation),
          ClientId,
        });
        assert.deepEqual(
          [status, type, message],
          [400, missing(operation), `User pool client ${ClientId} does not exist.`],
          operation.name,
        );
      }
    }
    assert.deepEqual(await everyRow(server.app), before, "nothing changed");
  });

  test("a secret that is missing, wrong, or another client's", async () => {
    const server = await open();
    const world = await makeWorld(server);
    const { client, input } = await ofClientWithSecret(server, world);
    const before = await everyRow(server.app);
    const wrongHash = createHmac("sha256", "another-secret").update(`ann${client.ClientId}`).digest("base64");
    const cases = all.flatMap((operation) => {
      const sample = input(operation);
      const ofSomebodyElse = secretHash("somebody-else", client);
      const unkeyed = secretHash(usernameOf(sample), { ...client, ClientId: world.ClientId });
      const proofs = [
        {},
        { hash: wrongHash, secret: "a".repeat(52) },
        { hash: ofSomebodyElse, secret: client.ClientSecret!.slice(0, -1) },
        { hash: unkeyed, secret: `${client.ClientSecret}a` },
        { hash: client.ClientSecret!, secret: client.ClientSecret!.toUpperCase() },
        { hash: "AAAA", secret: "a".repeat(24) },
      ];
      return proofs.map((proof) => ({ operation, input: withSecret(operation, sample, proof) }));
    });
    const answers = await inBatches(cases, ({ operation, input }) => call(server, operation, input));
    const wrong: string[] = [];
    for (const [index, { status, type, message }] of answers.entries()) {
      const { name } = cases[index]!.operation;
      const expected = name === "RevokeToken" ? "UnauthorizedException" : "NotAuthorizedException";
      const says =
        / SECRET_HASH |^Client \w+ is configured |SecretHash does not match|Unable to verify secret/;
      if (status !== 400 || type !== expected || !says.test(message))
        wrong.push(`${name}: ${status} ${type} ${message}`);
    }
    assert.deepEqual(wrong, []);
    assert.deepEqual(await everyRow(server.app), before, "nothing changed");
    // The control: with the secret, each of them gets past that check.
    for (const operation of all) {
      const sample = input(operation);
      const proof = { hash: secretHash(usernameOf(sample), client), secret: client.ClientSecret! };
      const { type, message } = await call(server, operation, withSecret(operation, sample, proof));
      assert.doesNotMatch(message, /secret/i, `${operation.name}: ${type}`);
    }
  });

  test("a signature that is not needed is not looked at", async () => {
    const server = await open();
    const world = await makeWorld(server);
    const signings = [
      (operation: KnownOperation, body: string) =>
        signedCall(server.endpoint, operation, body, { now: 0, secretAccessKey: "wrong" }),
      (operation: KnownOperation, body: string) => {
        const { headers } = unsigned(server.endpoint, operation, body);
        return { headers: { ...headers, authorization: "Bearer x" }, body };
      },
    ];
    for (const operation of all) {
      for (const signing of signings) {
        const answer = await post(
          server.endpoint,
          signing(operation, JSON.stringify(world.input(operation))),
        );
        assert.doesNotMatch(answer.type ?? "", /Signature|Authentication|UnrecognizedClient/, operation.name);
      }
    }
  });

  test("text that no database can hold, inside tokens, credentials and paths", async () => {
    const server = await open();
    const { UserPoolId, ClientId } = await makePool(server);
    await makeUser(server, UserPoolId, "ann");
    for (const where of [`${UserPoolId}/a\0b`, `${UserPoolId}/`, `a\0b/a`, "\0"]) {
      const token = `${Buffer.from(where).toString("base64url")}.0.AAAA`;
      const inputs: Record<string, Input> = {
        InitiateAuth: { AuthFlow: "REFRESH_TOKEN_AUTH", AuthParameters: { REFRESH_TOKEN: token } },
        GetTokensFromRefreshToken: { RefreshToken: token },
        RevokeToken: { Token: token },
      };
      for (const [name, input] of Object.entries(inputs)) {
        const operation = all.find((one) => one.name === name) ?? assert.fail(name);
        const { status, type } = await call(server, operation, { ClientId, ...input });
        assert.equal(status, 400, `${name}: ${type}`);
        assert.match(type ?? "", /^(?:NotAuthorized|Unauthorized|InvalidParameter)Exception$/);
      }
    }
    const list = authorizedBy("iam").find(({ name }) => name === "ListUserPools") ?? assert.fail();
    const presigned = presignedCall(server.endpoint, list, '{"MaxResults":1}', {
      accessKeyId: "AKIA\0",
      now: server.clock.now,
    });
    assert.equal((await post(server.endpoint, presigned)).type, "UnrecognizedClientException");
    for (const path of ["a%00b_c", "%00", `${UserPoolId}%00`, "%ff", "..%2f..", "%ED%A0%80"]) {
      const answer = await fetch(`${server.endpoint}/${path}/.well-known/jwks.json`);
      assert.equal(answer.status, 404, path);
    }
  });
});
