/** Logins of a SAML provider of another implementation (samlify) that is set up for AWS, by SDKs and aws-cli. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { fromCognitoIdentityPool } from "@aws-sdk/credential-providers";
import { putTrustedProvider } from "../../src/store/trusted-providers.ts";
import { entityId, newKey } from "../federation/saml-kit.ts";
import { answer, IdentityProvider, ServiceProvider, setSchemaValidator } from "../federation/samlify.ts";
import { temporaryFolder } from "../kit/databases.ts";
import { needs } from "../kit/machine.ts";
import { unique } from "../kit/people.ts";
import { forEachServer } from "../kit/server.ts";
import { awsSignIn, samlArn } from "./saml-provider.ts";
import { identityClient, makeIdentityPool, makeRole, trusting } from "./setup.ts";

setSchemaValidator({ validate: async () => "valid" });
const run = promisify(execFile);
const key = await newKey("samlify");
const bindings = "urn:oasis:names:tc:SAML:2.0:bindings";

const provider = IdentityProvider({
  entityID: entityId,
  signingCert: key.certificate,
  privateKey: key.privateKey,
  requestSignatureAlgorithm: "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
  singleSignOnService: [{ Binding: `${bindings}:HTTP-Redirect`, Location: "https://idp.example/sso" }],
  singleLogoutService: [{ Binding: `${bindings}:HTTP-Redirect`, Location: "https://idp.example/slo" }],
});
/** As AWS describes itself in https://signin.aws.amazon.com/static/saml-metadata.xml. */
const aws = ServiceProvider({
  entityID: "urn:amazon:webservices",
  wantAssertionsSigned: true,
  assertionConsumerService: [{ Binding: `${bindings}:HTTP-POST`, Location: awsSignIn }],
});

forEachServer("Clients with logins of a SAML provider", (open) => {
  /** A pool without roles of its own, and the login of somebody for whom the provider names one. */
  async function setUp() {
    const server = await open();
    const client = identityClient(server);
    const arn = samlArn(unique("Samlify"));
    const document = { details: { MetadataFile: provider.getMetadata() } };
    await putTrustedProvider(server.app.db, { arn, kind: "saml", document, createdAt: 1, updatedAt: 1 });
    const pool = await makeIdentityPool(client, { SamlProviderARNs: [arn] });
    client.destroy();
    const role = await makeRole(server, trusting(pool, "authenticated"));
    const attributes = {
      "https://aws.amazon.com/SAML/Attributes/Role": `${role},${arn}`,
      "https://aws.amazon.com/SAML/Attributes/RoleSessionName": "ann",
    };
    const form = await answer(provider, aws, "", {}, { recipient: awsSignIn, attributes });
    return { server, arn, pool, role, response: form.get("SAMLResponse")! };
  }
  const assumed = (role: string) =>
    `${role.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/")}/CognitoIdentityCredentials`;

  test("fromCognitoIdentityPool", async () => {
    const { server, arn, pool, role, response } = await setUp();
    const { endpoint } = server;
    const credentials = fromCognitoIdentityPool({
      identityPoolId: pool,
      logins: { [arn]: response },
      clientConfig: { endpoint, region: "us-east-1" },
    });
    const sts = new STSClient({ endpoint, region: "us-east-1", credentials });
    assert.equal((await sts.send(new GetCallerIdentityCommand({}))).Arn, assumed(role));
    sts.destroy();
  });

  test("aws-cli and boto3", needs("boto3"), async () => {
    const { server, arn, pool, role, response } = await setUp();
    const env = {
      PATH: "/usr/bin:/bin",
      HOME: temporaryFolder(),
      AWS_DEFAULT_REGION: "us-east-1",
      AWS_EC2_METADATA_DISABLED: "true",
    };
    const cli = async (...argv: string[]) => {
      const usual = ["--endpoint-url", server.endpoint, "--output", "json", "--no-sign-request"];
      return JSON.parse((await run("/usr/bin/aws", [...usual, "cognito-identity", ...argv], { env })).stdout);
    };
    const logins = ["--logins", `${arn}=${response}`];
    const { IdentityId } = await cli("get-id", "--identity-pool-id", pool, ...logins);
    const shown = await cli("get-credentials-for-identity", "--identity-id", IdentityId, ...logins);
    assert.equal(shown.IdentityId, IdentityId);
    const python = `
import boto3, sys
from botocore import UNSIGNED
from botocore.config import Config
url, identity, arn, response = sys.argv[1:]
pools = boto3.client("cognito-identity", endpoint_url=url, config=Config(signature_version=UNSIGNED))
given = pools.get_credentials_for_identity(IdentityId=identity, Logins={arn: response})["Credentials"]
sts = boto3.client("sts", endpoint_url=url, aws_access_key_id=given["AccessKeyId"],
    aws_secret_access_key=given["SecretKey"], aws_session_token=given["SessionToken"])
print(sts.get_caller_identity()["Arn"], end="")`;
    const boto = await run("/usr/bin/python3", ["-c", python, server.endpoint, IdentityId, arn, response], {
      env,
    });
    assert.equal(boto.stdout, assumed(role));
  });
});
