/**
 * Nothing changes but a name: the server has the names of AWS, by a private DNS entry and a certificate that its clients
 * trust, and unmodified applications with AWS's own hosts and issuer work (docs/moving-from-cognito.md).
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { CreateUserPoolDomainCommand } from "@aws-sdk/client-cognito-identity-provider";
import { compileCache } from "../kit/compile-cache.ts";
import { temporaryFolder } from "../kit/databases.ts";
import { everyFlow, makePool, makeSomebody, password } from "../kit/people.ts";
import { rootKey } from "../kit/sdk.ts";
import { byAddress, forOneServer } from "../kit/server.ts";

const data = temporaryFolder();
const page = readFileSync(join(import.meta.dirname, "..", "..", "docs", "moving-from-cognito.md"), "utf8");
const [, documented = ""] = /^## By name\n.*?^```sh\n(.*?)^```/ms.exec(page) ?? assert.fail("no settings");

/** The settings as they are documented, with an address and a port of these tests. */
const environment = {
  ...Object.fromEntries(
    documented
      .trim()
      .split("\n")
      .map((line) => line.split("=", 2) as [string, string]),
  ),
  POOLHOUSE_HOST: "127.0.0.1",
  POOLHOUSE_HTTPS_PORT: "0",
  POOLHOUSE_DATA: data,
};

/** What the applications know of AWS: ids, and nothing else. */
const UserPoolId = "us-east-1_AbCdEf123";
const ClientId = "1example23456789";

forOneServer(
  "postgres",
  "by name",
  (open) => {
    const start = async () => {
      const server = byAddress(await open());
      await makePool(
        server,
        { UserPoolTags: { _custom_id_: UserPoolId } },
        {
          ClientName: `_custom_id_:${ClientId}`,
          ExplicitAuthFlows: everyFlow,
          AllowedOAuthFlowsUserPoolClient: true,
          AllowedOAuthFlows: ["code"],
          AllowedOAuthScopes: ["openid", "email"],
          CallbackURLs: ["https://app.example"],
          SupportedIdentityProviders: ["COGNITO"],
        },
      );
      const domain = { UserPoolId, Domain: "shop" };
      await server.client.send(new CreateUserPoolDomainCommand(domain));
      return { server, username: await makeSomebody(server, UserPoolId) };
    };
    let started: ReturnType<typeof start> | undefined;
    after(async () => (await started)?.server.client.destroy());

    const run = async (client: string) => {
      started ??= start();
      const { server, username } = await started;
      const { stdout } = await promisify(execFile)(
        process.execPath,
        [
          "--import",
          join(import.meta.dirname, "private-dns.mjs"),
          join(import.meta.dirname, "by-name-client.ts"),
          client,
        ],
        {
          env: {
            ...compileCache,
            ...{
              NAMES: "us-east-1.amazonaws.com,us-east-1.amazoncognito.com",
              PORT: String(server.app.config.httpsPort),
            },
            ...{ POOL: UserPoolId, CLIENT: ClientId, USERNAME: username, PASSWORD: password },
            AWS_ACCESS_KEY_ID: rootKey.accessKeyId,
            AWS_SECRET_ACCESS_KEY: rootKey.secretAccessKey,
            AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE: "1",
            NODE_EXTRA_CA_CERTS: join(data, "secrets", "tls", "ca.pem"),
            NODE_NO_WARNINGS: "1",
          },
        },
      );
      return { said: stdout.trim(), username };
    };

    test("AWS SDK v2, with nothing but a region", async () => {
      const { said, username } = await run("sdk-v2");
      assert.equal(said, username);
    });

    for (const client of ["identity-js", "aws-jwt-verify", "cognito-express", "cognito-at-edge"])
      test(`${client}, with nothing but ids: the tokens are AWS's issuer's`, async () => {
        const { said } = await run(client);
        assert.equal(said, `https://cognito-idp.us-east-1.amazonaws.com/${UserPoolId}`);
      });
  },
  environment,
);
