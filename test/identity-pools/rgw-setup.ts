/** Ceph's gateway set up for an identity pool, by the steps in docs/identity-pools.md. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { CognitoIdentityClient } from "@aws-sdk/client-cognito-identity";
import { AdminAddUserToGroupCommand } from "@aws-sdk/client-cognito-identity-provider";
import { temporaryFolder } from "../kit/databases.ts";
import { makePool, makeSomebody, signIn } from "../kit/people.ts";
import { rootKey } from "../kit/sdk.ts";
import type { TestServer } from "../kit/server.ts";
import type { Ceph } from "./ceph.ts";
import { identityClient, makeIdentityPool, providerOf } from "./setup.ts";

const run = promisify(execFile);

const page = join(import.meta.dirname, "..", "..", "docs", "identity-pools.md");
const section =
  readFileSync(page, "utf8")
    .split("\n### Ceph\n")[1]
    ?.split(/\n##+ /)[0] ?? "";
/** Of the section about Ceph: the steps at the cluster, and those at Poolhouse. */
const [atCeph, atPoolhouse, ...more] = [...section.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(
  ([, code]) => code!,
);
assert.ok(atCeph && atPoolhouse && more.length === 0, "the section has two snippets for a shell");

export interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

export interface Place {
  readonly client: CognitoIdentityClient;
  readonly identityPoolId: string;
  readonly userPoolId: string;
  /** What identity pools call the user pool, and its client. */
  readonly provider: string;
  readonly clientId: string;
  /** The issuer of identity pools, without its scheme. */
  readonly issuer: string;
  readonly roleArn: string;
  readonly bucket: string;
  /** Who owns the bucket, and may register issuers. */
  readonly owner: Keys;
  /** The ID token of a new user, who may be in a group. */
  newIdToken(group?: string): Promise<string>;
  /** Runs commands in a folder of this place; what they print. `$s3` is aws-cli at the gateway. */
  shell(code: string, keys: Keys): Promise<string>;
}

export interface Cluster {
  readonly ceph: Ceph;
  /** The path of the authority that both sides have their certificates from. */
  readonly authority: string;
}

/** What runs commands in a folder, by bash, which stops at the first that fails. */
const shellIn =
  (folder: string, { ceph, authority }: Cluster) =>
  async (code: string, keys?: Keys): Promise<string> => {
    const env = {
      ...ceph.environment,
      ...{ PATH: "/usr/bin:/bin", HOME: folder, AWS_DEFAULT_REGION: "us-east-1", AWS_PAGER: "" },
      ...{ AWS_CA_BUNDLE: authority, CURL_CA_BUNDLE: authority },
      ...(keys && { AWS_ACCESS_KEY_ID: keys.accessKeyId, AWS_SECRET_ACCESS_KEY: keys.secretAccessKey }),
      ...(keys?.sessionToken && { AWS_SESSION_TOKEN: keys.sessionToken }),
      s3: `aws --endpoint-url ${ceph.endpoint}`,
    };
    writeFileSync(join(folder, "steps"), code);
    const { stdout } = await run("/bin/bash", ["-eu", "-o", "pipefail", "steps"], { cwd: folder, env });
    return stdout;
  };

/**
 * A user pool, an identity pool with guests and developers, and a bucket at Ceph for its users.
 * @param prefix begins the names at Ceph, which all places share
 * @param tenant of Ceph, to which role and bucket belong; by default to none
 */
export async function makePlace(
  server: TestServer,
  cluster: Cluster,
  prefix: string,
  tenant = "",
): Promise<Place> {
  const { publicUrl } = server.app.config;
  const { host } = new URL(publicUrl);
  const client = identityClient(server);
  const { UserPoolId, ClientId } = await makePool(server);
  const provider = providerOf(UserPoolId);
  const identityPoolId = await makeIdentityPool(client, {
    AllowUnauthenticatedIdentities: true,
    AllowClassicFlow: true,
    DeveloperProviderName: "login.app",
    CognitoIdentityProviders: [{ ProviderName: provider, ClientId }],
  });
  const folder = temporaryFolder();
  const here = (code: string) =>
    code
      .replaceAll("https://s3.example.com", cluster.ceph.endpoint)
      .replaceAll("https://id.example.com", publicUrl)
      .replaceAll("id.example.com", host)
      .replaceAll("us-east-1:00000000-0000-4000-8000-000000000000", identityPoolId)
      .replaceAll("app-", `${prefix}-`)
      .replace(/(?=--(?:uid|role-name) )/g, tenant && `--tenant ${tenant} `)
      .replace(/(?<=arn:aws:iam::)(?=:)/g, tenant);
  const shell = shellIn(folder, cluster);
  await shell(here(atCeph!));
  await shell(here(atPoolhouse!), rootKey);
  const { keys } = JSON.parse(readFileSync(join(folder, "owner.json"), "utf8")) as {
    keys: readonly { access_key: string; secret_key: string }[];
  };
  return {
    client,
    identityPoolId,
    userPoolId: UserPoolId,
    provider,
    clientId: ClientId,
    issuer: `${host}/identity`,
    roleArn: `arn:aws:iam::${tenant}:role/${prefix}-users`,
    bucket: `${prefix}-files`,
    owner: { accessKeyId: keys[0]!.access_key, secretAccessKey: keys[0]!.secret_key },
    newIdToken: async (GroupName) => {
      const Username = await makeSomebody(server, UserPoolId);
      if (GroupName !== undefined)
        await server.client.send(new AdminAddUserToGroupCommand({ UserPoolId, Username, GroupName }));
      return (await signIn(server, ClientId, Username)).IdToken;
    },
    shell,
  };
}
