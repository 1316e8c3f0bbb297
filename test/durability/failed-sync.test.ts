/**
 * A disk that stops confirming, as strace lets the real server see it: fdatasync fails with EIO. What the kernel then
 * holds of the file is unknown (it may have thrown the pages away), so nothing more is written until a restart.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import {
  CreateGroupCommand,
  CreateUserPoolCommand,
  DescribeUserPoolCommand,
  ListGroupsCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { clientOf, endChild, startChild } from "../kit/child.ts";
import { temporaryFolder } from "../kit/databases.ts";
import { needs } from "../kit/support.ts";

/** The n-th sync of each thread and all after it fail. */
const failing = [
  "strace",
  "-D",
  "-f",
  "--seccomp-bpf",
  "--signal=none",
  "--trace=fdatasync",
  "--inject=fdatasync:error=EIO:when=6+",
  "--output=/dev/null",
];

describe("a disk that does not confirm", needs("strace"), () => {
  test("has no write acknowledged any more, until a restart", async () => {
    const flags = ["--port", "0", "--data", join(temporaryFolder(), "data")];
    const first = await startChild({ flags });
    const { UserPool } = await clientOf(first.url).send(new CreateUserPoolCommand({ PoolName: "unsure" }));
    const UserPoolId = UserPool!.Id!;
    assert.equal(await endChild(first.process, "SIGTERM"), 0);

    const server = await startChild({ flags, under: failing, env: { UV_THREADPOOL_SIZE: "4" } });
    const sdk = clientOf(server.url);
    assert.equal((await fetch(`${server.url}/readyz`)).status, 200);
    const acknowledged: string[] = [];
    const refused: Error[] = [];
    const write = async (number: number) => {
      const GroupName = `group-${number}`;
      await sdk.send(new CreateGroupCommand({ UserPoolId, GroupName })).then(
        () => acknowledged.push(GroupName),
        (error: Error) => refused.push(error),
      );
    };
    for (let round = 0; round < 100 && refused.length === 0; round++) {
      await Promise.all([0, 1, 2, 3].map((number) => write(4 * round + number)));
    }
    const before = acknowledged.length;
    assert.ok(before > 0 && refused.length > 0);
    for (let number = 1_000; number < 1_010; number++) await write(number);
    assert.equal(acknowledged.length, before, "nothing is acknowledged after the failure");
    for (const error of refused) assert.equal(error.name, "InternalErrorException");
    assert.equal((await fetch(`${server.url}/readyz`)).status, 503);
    await sdk.send(new DescribeUserPoolCommand({ UserPoolId }));
    // Ended in order, so that all of the log has been written.
    assert.equal(await endChild(server.process, "SIGTERM"), 0);
    assert.equal(server.log.filter((line) => /did not confirm a write/.test(line)).length, 1);

    const again = await startChild({ flags });
    const { Groups } = await clientOf(again.url).send(new ListGroupsCommand({ UserPoolId, Limit: 60 }));
    const found = new Set(Groups!.map((group) => group.GroupName));
    assert.deepEqual(
      acknowledged.filter((name) => !found.has(name)),
      [],
    );
    assert.equal((await fetch(`${again.url}/readyz`)).status, 200);
    await endChild(again.process, "SIGTERM");
  });
});
