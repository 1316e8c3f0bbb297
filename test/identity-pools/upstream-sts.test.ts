/** Credentials from an STS of somebody else: a stand-in that verifies our tokens by what our issuer publishes. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { after, test } from "node:test";
import {
  GetCredentialsForIdentityCommand,
  GetIdCommand,
  SetIdentityPoolRolesCommand,
} from "@aws-sdk/client-cognito-identity";
import { createRemoteJWKSet, jwtVerify } from "jose";
import { makePool, makeSomebody, refused, signIn } from "../kit/people.ts";
import { forEachServer } from "../kit/server.ts";
import { allowing, identityClient, makeIdentityPool, makeRole, providerOf, trusting } from "./setup.ts";

const xmlns = 'xmlns="https://sts.amazonaws.com/doc/2011-06-15/"';
const role = (name: string) => `arn:aws:iam::111122223333:role/${name}`;

type Answer = (response: ServerResponse, about: string) => void;

const credentials: Answer = (response, about) =>
  response.end(
    `<AssumeRoleWithWebIdentityResponse ${xmlns}><AssumeRoleWithWebIdentityResult><Credentials>` +
      `<AccessKeyId>ASIAUPSTREAM</AccessKeyId><SecretAccessKey>of ${about}</SecretAccessKey>` +
      "<SessionToken>a&amp;b</SessionToken><Expiration>2100-01-01T00:00:00Z</Expiration>" +
      "</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>",
  );

/** Roles as stores for S3 name them: Ceph without an account and with a tenant, MinIO, SeaweedFS. */
const rolesOfStores = [
  "arn:aws:iam:::role/app",
  "arn:aws:iam::tenant:role/team/app",
  "arn:minio:iam:::role/a1-B2",
  "arn:aws:iam::role/app",
];

/** What the stand-in answers for a role: credentials, or something else. */
const answers: Readonly<Record<string, Answer>> = {
  [role("good")]: credentials,
  ...Object.fromEntries(rolesOfStores.map((arn) => [arn, credentials])),
  [role("denied")]: (response) =>
    response
      .writeHead(403)
      .end(
        `<ErrorResponse ${xmlns}><Error><Type>Sender</Type><Code>AccessDenied</Code></Error></ErrorResponse>`,
      ),
  [role("half")]: (response) =>
    response.end(`<R ${xmlns}><Credentials><AccessKeyId>A</AccessKeyId></Credentials></R>`),
  [role("page")]: (response) => response.end("<!doctype html><title>Welcome</title>"),
  [role("gone")]: (response) => response.destroy(),
};

let issuer = "";

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const asked = new URLSearchParams(await text(request));
  assert.equal(asked.get("Action"), "AssumeRoleWithWebIdentity");
  assert.equal(request.headers.authorization, undefined);
  const discovery = await (await fetch(`${issuer}/.well-known/openid-configuration`)).json();
  const { jwks_uri } = discovery as { jwks_uri: string };
  const keys = createRemoteJWKSet(new URL(jwks_uri));
  const { payload } = await jwtVerify(asked.get("WebIdentityToken")!, keys, { issuer });
  response.setHeader("content-type", "text/xml");
  answers[asked.get("RoleArn")!]!(response, `${payload.sub} ${payload.aud} ${String(payload["amr"])}`);
}

const upstream = createServer((request, response) => {
  answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
}).listen(0, "127.0.0.1");
await once(upstream, "listening");
const { port } = upstream.address() as AddressInfo;
after(() => upstream.close());

forEachServer(
  "credentials from another STS",
  (open) => {
    test("for roles that are not defined here", async () => {
      const server = await open();
      issuer = `${server.app.config.publicUrl}/identity`;
      const client = identityClient(server);
      const { UserPoolId, ClientId } = await makePool(server);
      const provider = providerOf(UserPoolId);
      const IdentityPoolId = await makeIdentityPool(client, {
        CognitoIdentityProviders: [{ ProviderName: provider, ClientId }],
      });
      const { IdToken } = await signIn(server, ClientId, await makeSomebody(server, UserPoolId));
      const Logins = { [provider]: IdToken };
      const { IdentityId } = await client.send(new GetIdCommand({ IdentityPoolId, Logins }));
      const credentialsOf = async (authenticated: string) => {
        const Roles = { authenticated };
        await client.send(new SetIdentityPoolRolesCommand({ IdentityPoolId, Roles }));
        return client.send(new GetCredentialsForIdentityCommand({ IdentityId, Logins }));
      };
      const { Credentials } = await credentialsOf(role("good"));
      assert.equal(Credentials?.AccessKeyId, "ASIAUPSTREAM");
      assert.equal(Credentials.SessionToken, "a&b");
      assert.equal(Credentials.Expiration?.toISOString(), "2100-01-01T00:00:00.000Z");
      assert.match(
        Credentials.SecretKey!,
        new RegExp(`^of ${IdentityId} ${IdentityPoolId} authenticated,${provider}`),
      );
      const misconfigured = refused("InvalidIdentityPoolConfigurationException");
      await assert.rejects(credentialsOf(role("denied")), misconfigured);
      for (const broken of ["half", "page", "gone"])
        await assert.rejects(credentialsOf(role(broken)), refused("ExternalServiceException"), broken);
      for (const arn of rolesOfStores)
        assert.equal((await credentialsOf(arn)).Credentials?.AccessKeyId, "ASIAUPSTREAM", arn);
      for (const arn of ["arn:aws:iam:::user/app", "arn:aws:s3:::role/application", "arn:minio:iam:::role/"])
        await assert.rejects(
          credentialsOf(arn),
          refused("InvalidParameterException", /not the ARN of a role/),
          arn,
        );
      const own = await makeRole(server, trusting(IdentityPoolId, "authenticated"), { p: allowing("s3:*") });
      assert.match(
        (await credentialsOf(own)).Credentials!.AccessKeyId!,
        /^ASIA[A-Z2-7]{16}$/,
        "a role of ours",
      );
      client.destroy();
    });
  },
  { POOLHOUSE_STS_URL: `http://127.0.0.1:${port}/` },
);
