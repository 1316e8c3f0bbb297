/** A disk without room: writes are refused and change nothing, reads and tokens go on, and room mends it. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import {
  AdminGetUserCommand,
  type CognitoIdentityProviderClient,
  CreateGroupCommand,
  CreateUserPoolClientCommand,
  CreateUserPoolCommand,
  GetTokensFromRefreshTokenCommand,
  GetUserCommand,
  InitiateAuthCommand,
  ListGroupsCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { type Child, clientOf, endChild, startChild } from "../kit/child.ts";
import { temporaryFolder } from "../kit/databases.ts";
import { makeUser, password } from "../kit/people.ts";
import { needs } from "../kit/support.ts";
import { hangingMs, until } from "../kit/waiting.ts";

const folder = join(temporaryFolder(), "disk");
const ballast = join(folder, "ballast");

/** Takes all the room there is. */
function fill(): void {
  for (const size of [65_536, 4_096, 1]) {
    try {
      for (let piece = 0; ; piece++) writeFileSync(`${ballast}-${size}-${piece}`, Buffer.alloc(size));
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, "ENOSPC");
    }
  }
}

function makeRoom(): void {
  execFileSync("sh", ["-c", `rm -f ${ballast}-*`]);
}

describe("a disk without room", needs("mount"), () => {
  let server: Child;
  let sdk: CognitoIdentityProviderClient;
  let UserPoolId: string;
  let ClientId: string;
  let serial = 0;
  const writing = () =>
    sdk.send(
      new CreateGroupCommand({ UserPoolId, GroupName: `group-${++serial}`, Description: "d".repeat(2_000) }),
    );
  const groupCount = async () => (await sdk.send(new ListGroupsCommand({ UserPoolId }))).Groups!.length;
  const said = (what: RegExp) => server.log.filter((line) => what.test(line)).length;
  const ready = async () => (await fetch(`${server.url}/readyz`)).status;
  const signIn = async () => {
    const answer = await sdk.send(
      new InitiateAuthCommand({
        ClientId,
        AuthFlow: "USER_PASSWORD_AUTH",
        AuthParameters: { USERNAME: "ada", PASSWORD: password },
      }),
    );
    return answer.AuthenticationResult!;
  };
  /** Until the write-ahead log cannot grow by another page. */
  const writeUntilRefused = async () => {
    for (let writes = 0; writes < 100; writes++) {
      const error = await writing().then(
        () => undefined,
        (thrown: Error) => thrown,
      );
      if (error !== undefined) return error;
    }
    return assert.fail("no write was refused");
  };

  before(async () => {
    mkdirSync(folder);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=4m,mode=700", "tmpfs", folder]);
    server = await startChild({ flags: ["--port", "0", "--data", join(folder, "data")] });
    sdk = clientOf(server.url);
    UserPoolId = (await sdk.send(new CreateUserPoolCommand({ PoolName: "full" }))).UserPool!.Id!;
    const made = await sdk.send(
      new CreateUserPoolClientCommand({
        UserPoolId,
        ClientName: "full",
        ExplicitAuthFlows: ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
      }),
    );
    ClientId = made.UserPoolClient!.ClientId!;
    await makeUser({ client: sdk }, UserPoolId, "ada");
  });
  after(async () => {
    if (server) await endChild(server.process, "SIGKILL");
    execFileSync("umount", ["--lazy", folder]);
    rmSync(folder, { recursive: true });
  });

  test("refuses writes cleanly, goes on reading, and recovers without a restart", {
    timeout: hangingMs,
  }, async () => {
    const tokens = await signIn();
    await writing();
    for (const round of [1, 2]) {
      assert.equal(await ready(), 200);
      fill();
      const error = await writeUntilRefused();
      assert.equal(error.name, "InternalErrorException", String(error));
      assert.match(error.message, /^Internal error\. Request id: /);
      const count = await groupCount();
      await assert.rejects(writing(), { name: "InternalErrorException" });
      await assert.rejects(signIn(), { name: "InternalErrorException" });
      assert.equal(await groupCount(), count);
      // Reads and what reads: an access token, a refresh, a user.
      await sdk.send(new GetUserCommand({ AccessToken: tokens.AccessToken! }));
      await sdk.send(new GetTokensFromRefreshTokenCommand({ ClientId, RefreshToken: tokens.RefreshToken! }));
      await sdk.send(new AdminGetUserCommand({ UserPoolId, Username: "ada" }));
      assert.equal(await ready(), 503);
      makeRoom();
      // Asked for readiness it tries a write of its own, so that a balancer which sends nothing more learns of it.
      assert.equal(await ready(), 200);
      await writing();
      assert.equal(await groupCount(), count + 1);
      await signIn();
      // The log is written a little later than the answers; what is said last comes last.
      await until("it is in the log", () => said(/can write again/) >= round);
      assert.equal(said(/has no room/), round);
      assert.equal(said(/can write again/), round);
    }
  });

  test("survives a kill while there is no room, and starts when there is", async () => {
    fill();
    await writeUntilRefused();
    const count = await groupCount();
    await endChild(server.process, "SIGKILL");
    makeRoom();
    sdk.destroy();
    server = await startChild({ flags: ["--port", "0", "--data", join(folder, "data")] });
    sdk = clientOf(server.url);
    assert.equal(await groupCount(), count);
    await writing();
  });
});
