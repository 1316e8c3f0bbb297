/** Policies that AWS, its tools and its samples publish mean here what they mean there. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import {
  CognitoIdentityProviderClient,
  CreateUserPoolCommand,
  DeleteUserPoolCommand,
  DescribeUserPoolCommand,
  ListUsersCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { createAccessKey } from "../../src/domain/iam/access-keys.ts";
import { makePool } from "../kit/people.ts";
import { forOneServer, type TestServer } from "../kit/server.ts";

const file = join(import.meta.dirname, "..", "domain", "published-policies.json");
const published = JSON.parse(readFileSync(file, "utf8"));
const pool = "arn:aws:cognito-idp:us-east-1:000000000000:userpool/";
const below = (id: string) => [`${pool}${id}/*`, `${pool}${id}/client/x`];

const clients: CognitoIdentityProviderClient[] = [];
after(() => {
  for (const client of clients) client.destroy();
});

async function clientOf(server: TestServer, policy: object) {
  const credentials = await createAccessKey(server.app, "team", JSON.stringify(policy));
  const { endpoint } = server;
  const systemClockOffset = server.clock.now - Date.now();
  const settings = { endpoint, region: "us-east-1", credentials, systemClockOffset, maxAttempts: 1 };
  const client = new CognitoIdentityProviderClient(settings);
  clients.push(client);
  return client;
}

const calls = {
  create: (client: CognitoIdentityProviderClient) =>
    client.send(new CreateUserPoolCommand({ PoolName: "published" })),
  pinned: (client: CognitoIdentityProviderClient) =>
    client.send(
      new CreateUserPoolCommand({ PoolName: "x", UserPoolTags: { _custom_id_: "us-east-1_Published" } }),
    ),
  describe: (client: CognitoIdentityProviderClient, UserPoolId: string) =>
    client.send(new DescribeUserPoolCommand({ UserPoolId })),
  list: (client: CognitoIdentityProviderClient, UserPoolId: string) =>
    client.send(new ListUsersCommand({ UserPoolId })),
  remove: (client: CognitoIdentityProviderClient, UserPoolId: string) =>
    client.send(new DeleteUserPoolCommand({ UserPoolId })),
} as const;

/** Which of the calls it permits. */
const permitted: Readonly<Record<string, readonly (keyof typeof calls)[]>> = {
  AmazonCognitoPowerUser: ["create", "describe", "list", "remove"],
  AmazonCognitoReadOnly: ["describe", "list"],
  AmazonCognitoDeveloperAuthenticatedIdentities: [],
  AWSCodeArtifactAdminAccess: [],
  AmazonOpenSearchServiceCognitoAccess: ["describe"],
  PowerUserAccess: ["create", "pinned", "describe", "list", "remove"],
  // Only for AWS's own agents.
  AWSMcpServiceActionsFullAccess: [],
  // For what has the tag of a role, which no pool has.
  "CDK bootstrap beside a grant": [],
  ...Object.fromEntries(
    // For credentials of computers, functions and jobs alone.
    ["ec2", "glue", "lambda"].map((service) => [
      `aws-samples/data-perimeter-policy-examples: network_perimeter_${service}_scp`,
      ["create", "pinned", "describe", "list", "remove"],
    ]),
  ),
};

forOneServer("sqlite", "published policies", (open) => {
  for (const [name, expected] of Object.entries(permitted))
    test(name, async () => {
      const server = await open();
      assert.deepEqual(await permittedBy(server, published[name]), expected);
    });

  test("what is below a pool permits nothing of the pool, the pool beside it does", async () => {
    const server = await open();
    const policy = (Resource: (id: string) => string[]) => (id: string) => ({
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Action: "cognito-idp:*", Resource: Resource(id) }],
    });
    assert.deepEqual(await permittedBy(server, policy(below)), []);
    const beside = policy((id) => [`${pool}${id}`, ...below(id)]);
    assert.deepEqual(await permittedBy(server, beside), ["describe", "list", "remove"]);
  });
});

async function permittedBy(server: TestServer, policy: object | ((id: string) => object)): Promise<string[]> {
  const { UserPoolId } = await makePool(server);
  const client = await clientOf(server, typeof policy === "function" ? policy(UserPoolId) : policy);
  const done: string[] = [];
  for (const [name, call] of Object.entries(calls)) {
    const error = await call(client, UserPoolId).then(
      () => undefined,
      (reason: Error) => reason,
    );
    if (error === undefined) done.push(name);
    else assert.equal(error.name, "AccessDeniedException", `${name}: ${error.message}`);
  }
  await server.client.send(new DeleteUserPoolCommand({ UserPoolId: "us-east-1_Published" })).catch(() => {});
  return done;
}
