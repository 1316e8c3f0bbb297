/** What gets temporary credentials in SDKs by itself, with nothing changed but the endpoint. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { GetCallerIdentityCommand } from "@aws-sdk/client-sts";
import { fromTemporaryCredentials, fromTokenFile } from "@aws-sdk/credential-providers";
import AWS from "aws-sdk";
import {
  allowing,
  identityClient,
  makeIdentityPool,
  makeRole,
  providerOf,
  trusting,
} from "../identity-pools/setup.ts";
import { allow, makeKey, policy, stsClient, trustingAws } from "../identity-pools/sts-setup.ts";
import { temporaryFolder } from "../kit/databases.ts";
import { needs } from "../kit/machine.ts";
import { makePool, makeSomebody, signIn } from "../kit/people.ts";
import { forOneServer, type TestServer } from "../kit/server.ts";

const run = promisify(execFile);
const region = "us-east-1";
/** What the first of two roles passes on to the second, which asks for it. */
const tagged = { Tags: [{ Key: "team", Value: "red" }], TransitiveTagKeys: ["team"] };

forOneServer("sqlite", "SDKs' own providers of credentials", (open) => {
  let made: ReturnType<typeof makeWorld> | undefined;
  const world = () => (made ??= makeWorld(open));

  test("SDK v2: the basic flow, a web identity, and roles one after another", async () => {
    const { server, poolId, logins, idToken, key, roles } = await world();
    const where = { endpoint: server.endpoint, region, maxRetries: 0 };
    const caller = async (credentials: AWS.Credentials) =>
      nameOf((await new AWS.STS({ ...where, credentials }).getCallerIdentity().promise()).Arn);
    const basic = (RoleArn: string, Logins?: Record<string, string>) =>
      new AWS.CognitoIdentityCredentials(
        { IdentityPoolId: poolId, RoleArn, ...(Logins && { Logins }) },
        where,
      );
    const asked: Record<string, AWS.Credentials> = {
      guest: basic(roles.guests),
      user: basic(roles.users, logins),
      web: new AWS.WebIdentityCredentials(
        { RoleArn: roles.web, RoleSessionName: "page", WebIdentityToken: idToken },
        where,
      ),
    };
    const first = new AWS.ChainableTemporaryCredentials({
      params: { RoleArn: roles.first, RoleSessionName: "one", ...tagged },
      masterCredentials: new AWS.Credentials(key.accessKeyId, key.secretAccessKey),
      stsConfig: where,
    });
    asked["chain"] = new AWS.ChainableTemporaryCredentials({
      params: { RoleArn: roles.second, RoleSessionName: "two" },
      masterCredentials: first,
      stsConfig: where,
    });
    const names: Record<string, string> = {};
    for (const [name, credentials] of Object.entries(asked)) names[name] = await caller(credentials);
    assert.deepEqual(names, {
      guest: `${nameOf(roles.guests)}/web-identity`,
      user: `${nameOf(roles.users)}/web-identity`,
      web: `${nameOf(roles.web)}/page`,
      chain: `${nameOf(roles.second)}/two`,
    });
  });

  test("SDK v3: a token's file, and roles one after another", async () => {
    const { server, tokenFile, key, roles } = await world();
    const clientConfig = { endpoint: server.endpoint, region };
    const byFile = await fromTokenFile({
      webIdentityTokenFile: tokenFile,
      roleArn: roles.web,
      roleSessionName: "file",
      clientConfig,
    })();
    const chained = await fromTemporaryCredentials({
      masterCredentials: fromTemporaryCredentials({
        masterCredentials: { ...key },
        params: { RoleArn: roles.first, RoleSessionName: "one", ...tagged },
        clientConfig,
      }),
      params: { RoleArn: roles.second, RoleSessionName: "two" },
      clientConfig,
    })();
    const names: string[] = [];
    for (const credentials of [byFile, chained]) {
      const sts = stsClient(server, { credentials });
      names.push(nameOf((await sts.send(new GetCallerIdentityCommand({}))).Arn));
      sts.destroy();
    }
    assert.deepEqual(names, [`${nameOf(roles.web)}/file`, `${nameOf(roles.second)}/two`]);
  });

  test("boto3: profiles of ~/.aws/config", needs("boto3"), async () => {
    const { server, tokenFile, key, roles } = await world();
    const home = temporaryFolder();
    const file = (name: string, sections: Readonly<Record<string, Readonly<Record<string, string>>>>) => {
      const lines = Object.entries(sections).flatMap(([title, settings]) => [
        `[${title}]`,
        ...Object.entries(settings).map(([setting, value]) => `${setting} = ${value}`),
      ]);
      writeFileSync(join(home, name), `${lines.join("\n")}\n`);
      return join(home, name);
    };
    const session = { role_session_name: "shell", region };
    const keys = { aws_access_key_id: key.accessKeyId, aws_secret_access_key: key.secretAccessKey };
    const config = file("config", {
      "profile role": { ...session, role_arn: roles.first, source_profile: "key", duration_seconds: "900" },
      "profile external": { ...session, role_arn: roles.external, source_profile: "key", external_id: "e-1" },
      "profile environment": { ...session, role_arn: roles.first, credential_source: "Environment" },
      "profile token": { ...session, role_arn: roles.web, web_identity_token_file: tokenFile },
    });
    const profiles = ["role", "external", "environment", "token"];
    const script = join(import.meta.dirname, "boto3_profiles.py");
    const { stdout } = await run("/usr/bin/python3", [script, ...profiles], {
      env: {
        ...{ PATH: "/usr/bin:/bin", HOME: home, ENDPOINT: server.endpoint, AWS_DEFAULT_REGION: region },
        ...{ AWS_EC2_METADATA_DISABLED: "true", AWS_CONFIG_FILE: config },
        AWS_SHARED_CREDENTIALS_FILE: file("credentials", { key: keys }),
        AWS_ACCESS_KEY_ID: key.accessKeyId,
        AWS_SECRET_ACCESS_KEY: key.secretAccessKey,
      },
    });
    const arns = Object.entries(JSON.parse(stdout) as Record<string, string>);
    assert.deepEqual(Object.fromEntries(arns.map(([profile, arn]) => [profile, nameOf(arn)])), {
      role: `${nameOf(roles.first)}/shell`,
      external: `${nameOf(roles.external)}/shell`,
      environment: `${nameOf(roles.first)}/shell`,
      token: `${nameOf(roles.web)}/shell`,
    });
  });
});

/** What comes after the kind in an ARN. */
const nameOf = (arn: string | undefined): string => arn?.split("/").slice(1).join("/") ?? "";

async function makeWorld(open: () => Promise<TestServer>) {
  const server = await open();
  const identities = identityClient(server);
  const { UserPoolId, ClientId } = await makePool(server);
  const { IdToken: idToken } = await signIn(server, ClientId, await makeSomebody(server, UserPoolId));
  const poolId = await makeIdentityPool(identities, {
    AllowUnauthenticatedIdentities: true,
    AllowClassicFlow: true,
    CognitoIdentityProviders: [{ ProviderName: providerOf(UserPoolId), ClientId }],
  });
  identities.destroy();
  const key = await makeKey(server, policy(allow(["sts:AssumeRole", "sts:TagSession"])));
  const { accountId } = server.app.config;
  const issuer = `${new URL(server.endpoint).host}/${UserPoolId}`;
  const web = policy({
    Effect: "Allow",
    Principal: { Federated: `arn:aws:iam::${accountId}:oidc-provider/${issuer}` },
    Action: "sts:AssumeRoleWithWebIdentity",
    Condition: { StringEquals: { [`${issuer}:aud`]: ClientId } },
  });
  const first = await makeRole(server, trustingAws(accountId), {
    p: allowing(["sts:AssumeRole", "sts:TagSession"]),
  });
  const roles = {
    guests: await makeRole(server, trusting(poolId, "unauthenticated")),
    users: await makeRole(server, trusting(poolId, "authenticated")),
    web: await makeRole(server, web),
    first,
    second: await makeRole(server, trustingAws(first, { StringEquals: { "aws:PrincipalTag/team": "red" } })),
    external: await makeRole(server, trustingAws(accountId, { StringEquals: { "sts:ExternalId": "e-1" } })),
  };
  const tokenFile = join(temporaryFolder(), "token");
  writeFileSync(tokenFile, idToken);
  return { server, poolId, logins: { [providerOf(UserPoolId)]: idToken }, idToken, key, roles, tokenFile };
}
