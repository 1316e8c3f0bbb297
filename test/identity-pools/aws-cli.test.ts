/**
 * All operations of identity pools, and of STS, by aws-cli of Debian: what its own model sends, and makes of the answers. This does
 * not depend on the database.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { aws, awsCommands, type Keys } from "../kit/aws-cli.ts";
import { needs } from "../kit/machine.ts";
import { makePool, makeSomebody, signIn } from "../kit/people.ts";
import { rootKey } from "../kit/sdk.ts";
import { forOneServer } from "../kit/server.ts";
import { makeRole, providerOf } from "./setup.ts";
import { allow, makeKey, policy } from "./sts-setup.ts";

// biome-ignore lint/suspicious/noExplicitAny: what a command prints
type Printed = any;

describe("aws-cli", needs("aws-cli"), () => {
  forOneServer("postgres", "identity pools and STS", (open) => {
    const quickly = awsCommands();
    const run = async (keys: Keys, ...words: string[]): Promise<Printed> => {
      const { status, stdout, stderr } = await quickly(await open(), keys, words);
      assert.equal(status, 0, `aws ${words.join(" ")}: ${stderr}`);
      return stdout.trim() === "" ? {} : JSON.parse(stdout);
    };
    const refused = async (type: string, keys: Keys, ...words: string[]) => {
      const { status, stderr } = await quickly(await open(), keys, words);
      assert.equal(status, 254, `aws ${words.join(" ")}`);
      assert.match(stderr, new RegExp(`\\(${type}\\) when calling the`));
    };
    const identity = (operation: string, ...more: string[]) =>
      run(rootKey, "cognito-identity", operation, ...more);
    /** What users and guests call, without any key. */
    const unsigned = (operation: string, ...more: string[]) =>
      run(undefined, "cognito-identity", operation, "--no-sign-request", ...more);

    /** A pool, and what options name it by. */
    const makePoolBy = async (provider: string, clientId: string) => {
      const made = await identity(
        ...([
          "create-identity-pool",
          "--identity-pool-name",
          "cli",
          "--allow-unauthenticated-identities",
        ] as const),
        ...[
          "--allow-classic-flow",
          "--developer-provider-name",
          "login.cli",
          "--identity-pool-tags",
          "team=a,b=c",
        ],
        ...["--cognito-identity-providers", `ProviderName=${provider},ClientId=${clientId}`],
      );
      assert.equal(made.AllowClassicFlow, true);
      return {
        id: made.IdentityPoolId as string,
        named: ["--identity-pool-id", made.IdentityPoolId] as const,
      };
    };
    const world = async () => {
      const server = await open();
      const { UserPoolId, ClientId } = await makePool(server);
      const { IdToken } = await signIn(server, ClientId, await makeSomebody(server, UserPoolId));
      const provider = providerOf(UserPoolId);
      const pool = await makePoolBy(provider, ClientId);
      return {
        server,
        provider,
        ClientId,
        pool,
        logins: ["--logins", JSON.stringify({ [provider]: IdToken })],
      };
    };

    test("pools: their settings, roles, principal tags and tags", async () => {
      const { server, provider, ClientId, pool } = await world();
      const { id, named } = pool;
      const { accountId } = server.app.config;
      await identity(
        ...(["update-identity-pool", ...named, "--identity-pool-name", "cli 2"] as const),
        ...["--no-allow-unauthenticated-identities", "--supported-login-providers", "graph.facebook.com=7"],
      );
      const described = await identity("describe-identity-pool", ...named);
      assert.deepEqual(described, {
        ...{ IdentityPoolId: id, IdentityPoolName: "cli 2", AllowUnauthenticatedIdentities: false },
        ...{ SupportedLoginProviders: { "graph.facebook.com": "7" }, DeveloperProviderName: "login.cli" },
        IdentityPoolTags: { team: "a", b: "c" },
      });
      const listed = await identity("list-identity-pools", "--max-results", "60");
      assert.ok(listed.IdentityPools.some((one: Printed) => one.IdentityPoolId === id));
      const arn = `arn:aws:iam::${accountId}:role/cli`;
      const mapping = { Type: "Token", AmbiguousRoleResolution: "Deny" };
      await identity(
        ...(["set-identity-pool-roles", ...named, "--roles", `authenticated=${arn}`] as const),
        ...["--role-mappings", JSON.stringify({ [`${provider}:${ClientId}`]: mapping })],
      );
      assert.deepEqual(await identity("get-identity-pool-roles", ...named), {
        ...{ IdentityPoolId: id, Roles: { authenticated: arn } },
        RoleMappings: { [`${provider}:${ClientId}`]: mapping },
      });
      const ofProvider = [...named, "--identity-provider-name", provider];
      const set = [...ofProvider, "--no-use-defaults", "--principal-tags", "dept=custom:dept"];
      await identity("set-principal-tag-attribute-map", ...set);
      const { PrincipalTags } = await identity("get-principal-tag-attribute-map", ...ofProvider);
      assert.deepEqual(PrincipalTags, { dept: "custom:dept" });
      const resource = [
        "--resource-arn",
        `arn:aws:cognito-identity:us-east-1:${accountId}:identitypool/${id}`,
      ] as const;
      await identity("tag-resource", ...resource, "--tags", "stage=test");
      await identity("untag-resource", ...resource, "--tag-keys", "team", "b");
      assert.deepEqual((await identity("list-tags-for-resource", ...resource)).Tags, { stage: "test" });
      await identity("delete-identity-pool", ...named);
      await refused(
        "ResourceNotFoundException",
        rootKey,
        "cognito-identity",
        "describe-identity-pool",
        ...named,
      );
    });

    test("identities: of guests, of users, and of the developer's users; and their credentials at STS", async () => {
      const { server, provider, pool, logins } = await world();
      const { named } = pool;
      const federated = {
        ...{ Effect: "Allow", Principal: { Federated: "cognito-identity.amazonaws.com" } },
        Action: ["sts:AssumeRoleWithWebIdentity", "sts:TagSession"],
      };
      const role = await makeRole(server, policy(federated));
      await identity(
        "set-identity-pool-roles",
        ...named,
        "--roles",
        `authenticated=${role},unauthenticated=${role}`,
      );

      const guest = (await unsigned("get-id", ...named)).IdentityId as string;
      const of = (id: string) => ["--identity-id", id] as const;
      const { Credentials } = await unsigned("get-credentials-for-identity", ...of(guest));
      assert.match(Credentials.Expiration, /^\d{4}-\d\d-\d\dT/);
      const token = (await unsigned("get-open-id-token", ...of(guest))).Token as string;
      const user = (await unsigned("get-id", ...named, ...logins)).IdentityId as string;
      assert.equal((await unsigned("get-credentials-for-identity", ...of(user), ...logins)).IdentityId, user);
      assert.deepEqual((await identity("describe-identity", ...of(user))).Logins, [provider]);
      const all = await identity("list-identities", ...named, "--max-results", "60");
      const ids = all.Identities.map((one: Printed) => one.IdentityId);
      assert.deepEqual(ids.sort(), [guest, user].sort());

      const vouch = (name: string) =>
        identity("get-open-id-token-for-developer-identity", ...named, "--logins", `login.cli=${name}`);
      const [ann, bob] = [await vouch("ann"), await vouch("bob")];
      assert.notEqual(ann.IdentityId, bob.IdentityId);
      const developer = ["--developer-provider-name", "login.cli"] as const;
      const merged = await identity(
        ...(["merge-developer-identities", ...named, ...developer] as const),
        ...["--source-user-identifier", "bob", "--destination-user-identifier", "ann"],
      );
      assert.equal(merged.IdentityId, ann.IdentityId);
      const bobs = ["--developer-user-identifier", "bob"] as const;
      const found = await identity("lookup-developer-identity", ...named, ...bobs);
      assert.deepEqual(found.DeveloperUserIdentifierList, ["ann", "bob"]);
      await identity("unlink-developer-identity", ...named, ...of(ann.IdentityId), ...developer, ...bobs);

      await unsigned("unlink-identity", ...of(user), ...logins, "--logins-to-remove", provider);
      const gone = ["cognito-identity", "get-credentials-for-identity", "--no-sign-request"];
      await refused("NotAuthorizedException", undefined, ...gone, ...of(user), ...logins);
      const deleted = await identity("delete-identities", "--identity-ids-to-delete", guest, user);
      assert.deepEqual(deleted.UnprocessedIdentityIds, []);

      const assumed = await vouch("ann").then(({ Token }) =>
        run(
          ...([
            undefined,
            "sts",
            "assume-role-with-web-identity",
            "--no-sign-request",
            "--role-arn",
            role,
          ] as const),
          ...["--role-session-name", "cli", "--web-identity-token", Token],
        ),
      );
      assert.equal(assumed.SubjectFromWebIdentityToken, ann.IdentityId);
      const { AccessKeyId, SecretAccessKey, SessionToken } = assumed.Credentials;
      const keys = { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken };
      const { Arn } = await run(keys, "sts", "get-caller-identity");
      assert.equal(Arn, assumed.AssumedRoleUser.Arn);
      const stale = ["--role-arn", role, "--role-session-name", "cli", "--web-identity-token", token];
      const exchange = ["sts", "assume-role-with-web-identity", "--no-sign-request"];
      await refused("InvalidIdentityToken", undefined, ...exchange, ...stale);
    });

    test("STS with an access key", async () => {
      const server = await open();
      const key = await makeKey(server, policy(allow(["sts:AssumeRole", "sts:GetAccessKeyInfo"])));
      const trust = { Effect: "Allow", Principal: { AWS: key.arn }, Action: "sts:AssumeRole" };
      const role = await makeRole(server, policy(trust));
      const { accountId } = server.app.config;
      const named = ["--role-arn", role, "--role-session-name", "cli", "--duration-seconds", "900"];
      const assumed = await run(key, "sts", "assume-role", ...named);
      assert.match(assumed.AssumedRoleUser.Arn, /:assumed-role\/role\d+\/cli$/);
      await refused("AccessDenied", rootKey, "sts", "assume-role", ...named);
      const session = await run(key, "sts", "get-session-token", "--duration-seconds", "900");
      assert.match(session.Credentials.AccessKeyId, /^ASIA/);
      const info = await run(key, "sts", "get-access-key-info", "--access-key-id", key.accessKeyId);
      assert.equal(info.Account, accountId);
      // Once as a shell runs it.
      const { status, stdout, stderr } = await aws(server, key, ["sts", "get-caller-identity"]);
      assert.deepEqual([status, stderr], [0, ""]);
      assert.deepEqual(JSON.parse(stdout), { UserId: key.accessKeyId, Account: accountId, Arn: key.arn });
    });
  });
});
