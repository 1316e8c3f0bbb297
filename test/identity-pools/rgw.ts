/**
 * `npm run test:rgw`: Ceph's gateway issues the credentials of identity pools, and holds the files that they are for. Both
 * sides have https, by an authority of these tests. It is not skipped where Ceph is not installed, but fails.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, test } from "node:test";
import {
  GetIdCommand,
  GetOpenIdTokenCommand,
  GetOpenIdTokenForDeveloperIdentityCommand,
  SetIdentityPoolRolesCommand,
  SetPrincipalTagAttributeMapCommand,
} from "@aws-sdk/client-cognito-identity";
import { CreateGroupCommand } from "@aws-sdk/client-cognito-identity-provider";
import { fromCognitoIdentityPool } from "@aws-sdk/credential-providers";
import AWS from "aws-sdk";
import { decodeJwt } from "jose";
import { rotateIdentityKeys } from "../../src/domain/identities/rotate-identity-keys.ts";
import { publishedBeforeSigning } from "../../src/domain/tokens/rotate-keys.ts";
import { certificateSource } from "../../src/integrations/tls.ts";
import { refused } from "../kit/people.ts";
import { forEachServer, type TestServer } from "../kit/server.ts";
import { trustedTls } from "../kit/tls.ts";
import { until } from "../kit/waiting.ts";
import { missing, startCeph } from "./ceph.ts";
import { type Keys, makePlace, type Place } from "./rgw-setup.ts";
import { makeIdentityPool } from "./setup.ts";
import { askUnsigned } from "./sts-setup.ts";

const lacking = missing();
if (lacking !== undefined) {
  console.error(`Ceph cannot be tested: ${lacking}`);
  process.exit(1);
}

const { environment } = await trustedTls();
const data = environment["POOLHOUSE_DATA"]!;
const certificate = await certificateSource({
  ...{ tls: "dev", names: ["localhost"], now: Date.now() },
  ...{ folder: join(data, "secrets", "tls"), keyFolder: join(data, "development-authority") },
});
const authority = certificate.authority!;
const ceph = await startCeph(certificate);
console.log(ceph.version);
after(() => ceph.close());
const cluster = { ceph, authority };
const withCeph = { ...environment, POOLHOUSE_STS_URL: ceph.endpoint, POOLHOUSE_STS_CA: authority };

/** S3 as the SDK speaks it to Ceph. */
const s3 = ({ accessKeyId, secretAccessKey, sessionToken }: Keys) =>
  new AWS.S3({
    ...{ endpoint: ceph.endpoint, region: "us-east-1", s3ForcePathStyle: true, maxRetries: 0 },
    ...{ accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) },
  });

/** The credentials of a user, or of a guest, as an application gets them. */
const credentialsOf = ({ app }: TestServer, place: Place, idToken?: string) =>
  fromCognitoIdentityPool({
    identityPoolId: place.identityPoolId,
    ...(idToken !== undefined && { logins: { [place.provider]: idToken } }),
    clientConfig: { endpoint: app.config.publicUrl, region: "us-east-1", maxAttempts: 1 },
  })();

/** What Ceph itself answers to a token: the code of an error, or undefined. */
async function exchange(place: Place, WebIdentityToken: string, RoleArn = place.roleArn) {
  const body = new URLSearchParams({
    ...{ Action: "AssumeRoleWithWebIdentity", Version: "2011-06-15" },
    ...{ RoleArn, RoleSessionName: "app", WebIdentityToken },
  });
  const { status, code } = await askUnsigned(ceph.endpoint, body.toString());
  return status === 200 ? undefined : code;
}

const unassumable = refused("InvalidIdentityPoolConfigurationException");

forEachServer(
  "identity pools with Ceph",
  (open, database) => {
    let made: Promise<Place> | undefined;
    const place = async () => (made ??= makePlace(await open(), cluster, database));
    after(async () => (await made)?.client.destroy());

    test("a user writes, lists and reads the files of a bucket, and nothing else", async () => {
      const here = await place();
      const idToken = await here.newIdToken();
      const { identityId, ...keys } = await credentialsOf(await open(), here, idToken);
      assert.match(identityId, /^us-east-1:/);
      assert.ok(keys.expiration! > new Date() && keys.expiration! <= new Date(Date.now() + 3_600_000));
      const said = await here.shell(
        `echo "Grüße" >written && $s3 s3 cp --no-progress written s3://${here.bucket}/folder/a.txt
         $s3 s3 ls s3://${here.bucket}/folder/
         $s3 s3 cp --no-progress s3://${here.bucket}/folder/a.txt read && cat read`,
        keys,
      );
      assert.match(said, /^upload: .*\n.* a\.txt\ndownload: .*\nGrüße\n$/);

      const file = { Bucket: here.bucket, Key: "folder/a.txt" };
      const textFor = async (whose: Keys) => (await s3(whose).getObject(file).promise()).Body?.toString();
      assert.equal(await textFor(await credentialsOf(await open(), here, idToken)), "Grüße\n", "once more");
      const others = await credentialsOf(await open(), here, await here.newIdToken());
      assert.equal(await textFor(others), "Grüße\n", "somebody else");

      const denied = { code: "AccessDenied" };
      // An object belongs to the identity that wrote it.
      await assert.rejects(textFor(here.owner), denied);
      await s3(here.owner)
        .createBucket({ Bucket: `${database}-others` })
        .promise();
      for (const attempt of [
        s3(keys).deleteObject(file),
        s3(keys).listObjects({ Bucket: `${database}-others` }),
        s3(keys).createBucket({ Bucket: `${database}-more` }),
      ])
        await assert.rejects(attempt.promise(), denied);

      const { sessionToken = "", ...pair } = keys;
      const altered = (sessionToken.startsWith("A") ? "B" : "A") + sessionToken.slice(1);
      await assert.rejects(textFor(pair), { statusCode: 403 }, "without the session token");
      const refusal = ({ statusCode }: AWS.AWSError) => statusCode === 400 || statusCode === 403;
      await assert.rejects(textFor({ ...pair, sessionToken: altered }), refusal, "an altered session token");
    });

    test("principal tags count in the policies of Ceph's roles", async () => {
      const here = await place();
      const { client, identityPoolId, provider, bucket } = here;
      const tags = { UseDefaults: false, PrincipalTags: { mail: "email" } };
      const map = { IdentityPoolId: identityPoolId, IdentityProviderName: provider, ...tags };
      await client.send(new SetPrincipalTagAttributeMapCommand(map));
      const [somebody, other] = [await here.newIdToken(), await here.newIdToken()];
      const Condition = { StringEquals: { "aws:PrincipalTag/mail": decodeJwt(somebody)["email"] } };
      const statement = {
        Effect: "Allow",
        Action: "s3:DeleteObject",
        Resource: `arn:aws:s3:::${bucket}/*`,
        Condition,
      };
      const policy = JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
      const name = here.roleArn.split("/")[1];
      await here.shell(
        `radosgw-admin role-policy put --role-name ${name} --policy-name own --policy-doc '${policy}'`,
        here.owner,
      );
      const file = { Bucket: bucket, Key: "tagged" };
      const otherKeys = await credentialsOf(await open(), here, other);
      await s3(otherKeys)
        .putObject({ ...file, Body: "a" })
        .promise();
      await assert.rejects(s3(otherKeys).deleteObject(file).promise(), { code: "AccessDenied" });
      await s3(await credentialsOf(await open(), here, somebody))
        .deleteObject(file)
        .promise();
    });

    test("guests and the identities of another pool get no credentials", async () => {
      const { client, ...here } = await place();
      const server = await open();
      const setRoles = (IdentityPoolId: string, kinds: readonly string[]) =>
        client.send(
          new SetIdentityPoolRolesCommand({
            IdentityPoolId,
            Roles: Object.fromEntries(kinds.map((kind) => [kind, here.roleArn])),
          }),
        );
      await assert.rejects(credentialsOf(server, { client, ...here }), unassumable, "no role for guests");
      await setRoles(here.identityPoolId, ["authenticated", "unauthenticated"]);
      await assert.rejects(credentialsOf(server, { client, ...here }), unassumable, "Ceph refuses the guest");

      const other = await makeIdentityPool(client, {
        CognitoIdentityProviders: [{ ProviderName: here.provider, ClientId: here.clientId }],
      });
      await setRoles(other, ["authenticated"]);
      const idToken = await here.newIdToken();
      const ofOther = () => credentialsOf(server, { client, ...here, identityPoolId: other }, idToken);
      await assert.rejects(ofOther(), unassumable, "an audience that the issuer has not at Ceph");
      await here.shell(
        `arn=arn:aws:iam:::oidc-provider/${here.issuer}
         thumbprints=$($s3 iam get-open-id-connect-provider --open-id-connect-provider-arn $arn --query ThumbprintList --output text)
         $s3 iam delete-open-id-connect-provider --open-id-connect-provider-arn $arn
         $s3 iam create-open-id-connect-provider --url https://${here.issuer} --thumbprint-list $thumbprints \\
           --client-id-list ${here.identityPoolId} ${other}`,
        here.owner,
      );
      await assert.rejects(ofOther(), unassumable, "an audience that the role does not trust");
      await credentialsOf(server, { client, ...here }, idToken);
    });

    test("tokens are worth nothing at Ceph for another role, altered, or once they have expired", async () => {
      const here = await place();
      const { client, identityPoolId, provider } = here;
      const Logins = { [provider]: await here.newIdToken() };
      const { IdentityId } = await client.send(new GetIdCommand({ IdentityPoolId: identityPoolId, Logins }));
      const { Token = "" } = await client.send(new GetOpenIdTokenCommand({ IdentityId, Logins }));
      assert.equal(await exchange(here, Token), undefined);
      assert.equal(await exchange(here, Token, "arn:aws:iam:::role/none"), "AccessDenied");
      const [header = "", payload = "", signature = ""] = Token.split(".");
      const claims = JSON.parse(Buffer.from(payload, "base64url").toString());
      const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
      for (const altered of [
        `${header}.${encoded({ ...claims, exp: claims.exp + 60 })}.${signature}`,
        `${header}.${encoded({ ...claims, iss: "https://elsewhere.example/identity" })}.${signature}`,
        `${header}.${payload}.${Buffer.alloc(256, 1).toString("base64url")}`,
        `${encoded({ alg: "none", typ: "JWT" })}.${payload}.`,
        `${header}.${payload}`,
        Logins[provider]!,
      ])
        assert.equal(await exchange(here, altered), "AccessDenied", altered);

      const developer = (TokenDuration: number) =>
        client.send(
          new GetOpenIdTokenForDeveloperIdentityCommand({
            ...{ IdentityPoolId: identityPoolId, TokenDuration },
            Logins: { "login.app": "somebody" },
          }),
        );
      assert.equal(await exchange(here, (await developer(3600)).Token!), undefined);
      const { Token: brief = "" } = await developer(1);
      await until("it has expired", async () => (await exchange(here, brief)) === "AccessDenied");
    });

    test("the role of a group is one of a tenant whose name is an account's", async () => {
      const server = await open();
      const tenant = database === "sqlite" ? "111122223333" : "444455556666";
      const here = await makePlace(server, cluster, `${database}-group`, tenant);
      const { client, userPoolId, identityPoolId, provider, clientId, roleArn, bucket } = here;
      const group = { UserPoolId: userPoolId, GroupName: "editors", RoleArn: roleArn };
      await server.client.send(new CreateGroupCommand(group));
      const key = `${provider}:${clientId}`;
      const mapping = { Type: "Token", AmbiguousRoleResolution: "Deny" } as const;
      const roles = { Roles: {}, RoleMappings: { [key]: mapping } };
      await client.send(new SetIdentityPoolRolesCommand({ IdentityPoolId: identityPoolId, ...roles }));
      const nobody = credentialsOf(server, here, await here.newIdToken());
      await assert.rejects(nobody, refused("NotAuthorizedException"));
      const keys = await credentialsOf(server, here, await here.newIdToken(group.GroupName));
      await s3(keys).putObject({ Bucket: bucket, Key: "a", Body: "b" }).promise();
      const { Contents } = await s3(here.owner).listObjects({ Bucket: bucket }).promise();
      assert.deepEqual(
        Contents?.map(({ Key }) => Key),
        ["a"],
      );
      client.destroy();
    });
  },
  withCeph,
);

forEachServer(
  "identity pools with Ceph after a new signing key",
  (open, database) => {
    test("its credentials are issued while both keys are published", async () => {
      const server = await open();
      const kids = async () => {
        const answer = await fetch(`${server.endpoint}/identity/.well-known/jwks.json`);
        return ((await answer.json()) as { keys: { kid: string }[] }).keys.map(({ kid }) => kid);
      };
      // Ceph's clock cannot be moved: what comes before happens in the past.
      server.clock.advance(-2 * publishedBeforeSigning);
      const [former] = await kids();
      assert.equal((await rotateIdentityKeys(server.app, { atOnce: false })).outcome, "done");
      server.clock.advance(2 * publishedBeforeSigning);
      const published = await kids();
      assert.ok(former !== undefined && published.includes(former) && published.length === 2);
      const here = await makePlace(server, cluster, `${database}-rotated`);
      const keys = await credentialsOf(server, here, await here.newIdToken());
      await s3(keys).putObject({ Bucket: here.bucket, Key: "a", Body: "b" }).promise();
      here.client.destroy();
    });
  },
  withCeph,
);
