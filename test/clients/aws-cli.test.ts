/**
 * aws-cli of Debian, unmodified, changing nothing but --endpoint-url. What it sends, and what it makes of an answer, does not
 * depend on the database; that both databases answer alike is shown by the other clients.
 */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { awsCommands, aws as awsOf, type Keys } from "../kit/aws-cli.ts";
import { needs } from "../kit/machine.ts";
import { password } from "../kit/people.ts";
import { rootKey } from "../kit/sdk.ts";
import { forOneServer, type TestServer } from "../kit/server.ts";

/** The command, as a shell runs it. */
const aws = (server: TestServer, keys: Keys, args: readonly string[]) =>
  awsOf(server, keys, ["cognito-idp", ...args]);

describe("aws-cli", needs("aws-cli"), () => {
  forOneServer("sqlite", "on a terminal", (open) => {
    const quickly = awsCommands();
    // biome-ignore lint/suspicious/noExplicitAny: what the command prints
    const run = async (keys: Keys, ...args: string[]): Promise<any> => {
      const { status, stdout, stderr } = await quickly(await open(), keys, ["cognito-idp", ...args]);
      assert.equal(status, 0, `aws ${args.join(" ")}: ${stderr}`);
      return stdout.trim() === "" ? {} : JSON.parse(stdout);
    };
    const refused = async (type: string, keys: Keys, ...args: string[]) => {
      const { status, stderr } = await quickly(await open(), keys, ["cognito-idp", ...args]);
      assert.notEqual(status, 0, `aws ${args.join(" ")} was accepted`);
      assert.match(stderr, new RegExp(`\\(${type}\\) when calling the`), stderr);
      return stderr;
    };

    test("pool, client, sign-up, sign-in, lists, sign-out", async () => {
      const server = await open();
      const created = await run(
        rootKey,
        "create-user-pool",
        "--pool-name",
        "cli",
        "--auto-verified-attributes",
        "email",
      );
      const pool = created.UserPool.Id as string;
      const client = await run(
        rootKey,
        ...[
          "create-user-pool-client",
          "--user-pool-id",
          pool,
          "--client-name",
          "cli",
          "--explicit-auth-flows",
        ],
        ...["ALLOW_USER_PASSWORD_AUTH", "ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
      );
      const clientId = client.UserPoolClient.ClientId as string;

      // These are for users: no credentials.
      const signUp = ["sign-up", "--client-id", clientId, "--username", "ada", "--password", password];
      const signedUp = await run(
        undefined,
        ...signUp,
        "--user-attributes",
        "Name=email,Value=ada@example.com",
      );
      assert.equal(signedUp.UserConfirmed, false);
      await refused("UsernameExistsException", undefined, ...signUp);
      await run(rootKey, "admin-confirm-sign-up", "--user-pool-id", pool, "--username", "ada");
      const auth = ["initiate-auth", "--client-id", clientId, "--auth-flow"];
      const signedIn = await run(
        undefined,
        ...[...auth, "USER_PASSWORD_AUTH", "--auth-parameters", `USERNAME=ada,PASSWORD=${password}`],
      );
      const tokens = signedIn.AuthenticationResult;
      assert.equal(tokens.ExpiresIn, 3600);
      const refreshed = await run(
        undefined,
        ...[...auth, "REFRESH_TOKEN_AUTH", "--auth-parameters", `REFRESH_TOKEN=${tokens.RefreshToken}`],
      );
      const access = refreshed.AuthenticationResult.AccessToken as string;
      const me = await run(undefined, "get-user", "--access-token", access);
      assert.equal(me.Username, "ada");

      const made = await run(
        rootKey,
        ...["admin-create-user", "--user-pool-id", pool, "--username", "grace", "--temporary-password"],
        ...["Temporary-1", "--user-attributes", "Name=email,Value=grace@example.com"],
      );
      assert.equal(made.User.UserStatus, "FORCE_CHANGE_PASSWORD");
      assert.match((await server.inbox("grace@example.com"))[0]?.body ?? "", /Temporary-1/);
      const challenged = await run(
        rootKey,
        ...["admin-initiate-auth", "--user-pool-id", pool, "--client-id", clientId, "--auth-flow"],
        ...["ADMIN_USER_PASSWORD_AUTH", "--auth-parameters", "USERNAME=grace,PASSWORD=Temporary-1"],
      );
      assert.equal(challenged.ChallengeName, "NEW_PASSWORD_REQUIRED");
      const answered = await run(
        rootKey,
        ...["admin-respond-to-auth-challenge", "--user-pool-id", pool, "--client-id", clientId],
        ...["--challenge-name", "NEW_PASSWORD_REQUIRED", "--session", challenged.Session],
        ...["--challenge-responses", `USERNAME=grace,NEW_PASSWORD=${password}`],
      );
      assert.ok(answered.AuthenticationResult.AccessToken);

      const names = async (...args: string[]) =>
        (await run(rootKey, "list-users", "--user-pool-id", pool, ...args)).Users.map(
          (user: { Username: string }) => user.Username,
        );
      assert.deepEqual((await names()).toSorted(), ["ada", "grace"]);
      assert.deepEqual(await names("--filter", 'email = "grace@example.com"'), ["grace"]);
      assert.deepEqual(await names("--filter", 'username ^= "ad"'), ["ada"]);
      assert.deepEqual((await names("--page-size", "1")).toSorted(), ["ada", "grace"]);
      await refused(
        "InvalidParameterException",
        rootKey,
        "list-users",
        "--user-pool-id",
        pool,
        "--filter",
        "email",
      );

      await run(rootKey, "create-group", "--user-pool-id", pool, "--group-name", "staff");
      await run(
        rootKey,
        ...["admin-add-user-to-group", "--user-pool-id", pool, "--username", "ada", "--group-name", "staff"],
      );
      const staff = await run(
        rootKey,
        "list-users-in-group",
        "--user-pool-id",
        pool,
        "--group-name",
        "staff",
      );
      assert.equal(staff.Users[0].Username, "ada");

      // The model of this aws-cli signs the call; a signature says nothing where the token does.
      await run(rootKey, "global-sign-out", "--access-token", access);
      await refused("NotAuthorizedException", undefined, "get-user", "--access-token", access);
      await run(rootKey, "admin-delete-user", "--user-pool-id", pool, "--username", "grace");
      const listed = await run(rootKey, "list-user-pools", "--max-results", "60");
      assert.ok(listed.UserPools.some((one: { Id: string }) => one.Id === pool));
      await run(rootKey, "delete-user-pool", "--user-pool-id", pool);
      await refused("ResourceNotFoundException", rootKey, "describe-user-pool", "--user-pool-id", pool);
    });

    test("the command itself: what it prints, and how it ends", async () => {
      const server = await open();
      const list = ["list-user-pools", "--max-results", "1"];
      const { status, stdout, stderr } = await aws(server, rootKey, list);
      assert.deepEqual([status, stderr], [0, ""]);
      assert.ok(Array.isArray(JSON.parse(stdout).UserPools));
      const none = await aws(server, rootKey, [
        "describe-user-pool",
        "--user-pool-id",
        "us-east-1_NOBODYS01",
      ]);
      assert.deepEqual([none.status, none.stdout], [254, ""]);
      assert.match(none.stderr, /\(ResourceNotFoundException\) when calling the DescribeUserPool operation/);
    });

    test("wrong credentials are told from none", async () => {
      const list = ["list-user-pools", "--max-results", "1"];
      const unknown = { accessKeyId: "AKIANOSUCHKEY0000000", secretAccessKey: rootKey.secretAccessKey };
      const wrong = { accessKeyId: rootKey.accessKeyId, secretAccessKey: "not-the-secret" };
      const text = await refused("UnrecognizedClientException", unknown, ...list);
      assert.match(text, /The security token included in the request is invalid\./);
      await refused("InvalidSignatureException", wrong, ...list);
      const { status, stderr } = await aws(await open(), undefined, list);
      assert.notEqual(status, 0);
      assert.match(stderr, /Unable to locate credentials/);
    });
  });
});
