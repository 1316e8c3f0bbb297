/** Logins of SAML providers, through the AWS SDK for JavaScript v3: right ones, and each that is wrong in one place. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import {
  type CognitoIdentityClient,
  DescribeIdentityCommand,
  GetCredentialsForIdentityCommand,
  GetIdCommand,
} from "@aws-sdk/client-cognito-identity";
import { newKey } from "../federation/saml-kit.ts";
import { unique } from "../kit/people.ts";
import { forEachServer, type TestServer } from "../kit/server.ts";
import { samlArn, samlToken, trustSaml } from "./saml-provider.ts";
import { allowing, giveRoles, identityClient, makeIdentityPool } from "./setup.ts";

const keys = { corp: await newKey("corp"), other: await newKey("other") };

forEachServer("Logins of SAML providers", (open) => {
  const clients: CognitoIdentityClient[] = [];
  after(() => {
    for (const client of clients) client.destroy();
  });

  async function setUp(): Promise<{
    server: TestServer;
    client: CognitoIdentityClient;
    arn: string;
    pool: string;
  }> {
    const server = await open();
    const client = identityClient(server);
    clients.push(client);
    const arn = samlArn(unique("Corp"));
    await trustSaml(server, arn, keys.corp);
    const pool = await makeIdentityPool(client, { SamlProviderARNs: [arn] });
    await giveRoles(server, client, pool, { authenticated: allowing("execute-api:Invoke") });
    return { server, client, arn, pool };
  }

  test("a response is the same identity whatever is signed, and gives credentials while it is valid", async () => {
    const { server, client, arn, pool: IdentityPoolId } = await setUp();
    const { now } = server.clock;
    const ids = new Set<string | undefined>();
    for (const signs of ["assertion", "response", "both"] as const) {
      const Logins = { [arn]: samlToken(now, keys.corp, { signs }) };
      const { IdentityId } = await client.send(new GetIdCommand({ IdentityPoolId, Logins }));
      ids.add(IdentityId);
      const got = await client.send(new GetCredentialsForIdentityCommand({ IdentityId, Logins }));
      assert.equal(got.IdentityId, IdentityId);
      const { Logins: linked } = await client.send(new DescribeIdentityCommand({ IdentityId }));
      assert.deepEqual(linked, [arn]);
    }
    assert.equal(ids.size, 1);
  });
});
