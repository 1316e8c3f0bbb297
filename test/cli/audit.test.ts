/** `poolhouse audit`: what it shows beside a running server, and that commands are in the log themselves. */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { userInfo } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { promisify } from "node:util";
import {
  CreateUserPoolCommand,
  DeleteUserPoolCommand,
  DescribeUserPoolCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { forEachServer, type TestServer } from "../kit/server.ts";

const main = join(import.meta.dirname, "..", "..", "src", "main.ts");

interface Line {
  readonly at: string;
  readonly operation: string;
  readonly actor: string;
  readonly result: string;
  readonly poolId?: string;
  readonly target?: string;
  readonly details?: Record<string, unknown>;
}

forEachServer("poolhouse audit", (open) => {
  test("shows the log by every filter, as a table and as lines of JSON", async () => {
    const server = await open();
    const made = await server.client.send(new CreateUserPoolCommand({ PoolName: "audited" }));
    const UserPoolId = made.UserPool?.Id ?? assert.fail();
    await server.client.send(new DescribeUserPoolCommand({ UserPoolId }));
    await assert.rejects(server.client.send(new DescribeUserPoolCommand({ UserPoolId: "us-east-1_nobody" })));
    await server.client.send(new DeleteUserPoolCommand({ UserPoolId }));
    while (server.app.audit.waiting > 0) await server.app.audit.flush();

    const created = await run(server, "keys", "create", "--name", "ops", "--policy", "readonly");
    const accessKeyId = /AKIA\w+/.exec(created)?.[0] ?? assert.fail(created);
    await run(server, "keys", "disable", accessKeyId);
    await run(server, "keys", "delete", accessKeyId);
    await assert.rejects(run(server, "keys", "delete", accessKeyId));

    const lines = async (...argv: string[]): Promise<Line[]> =>
      (await run(server, "audit", "--json", ...argv))
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line));
    const operations = async (...argv: string[]) => (await lines(...argv)).map(({ operation }) => operation);

    assert.deepEqual(await operations("--pool", UserPoolId), [
      "CreateUserPool",
      "DescribeUserPool",
      "DeleteUserPool",
    ]);
    assert.deepEqual(await operations("--pool", UserPoolId, "--limit", "2"), [
      "DescribeUserPool",
      "DeleteUserPool",
    ]);
    assert.deepEqual(await operations("--result", "error"), ["DescribeUserPool"]);
    assert.deepEqual(await operations("--actor", "root", "--operation", "CreateUserPool"), [
      "CreateUserPool",
    ]);
    assert.deepEqual(await operations("--actor", `cli:${userInfo().username}`), [
      "CreateAccessKey",
      "UpdateAccessKey",
      "DeleteAccessKey",
    ]);
    assert.deepEqual(
      (await lines("--target", accessKeyId)).map(({ details }) => details),
      [{ principal: "ops" }, { status: "Inactive" }, undefined],
    );
    assert.deepEqual(await operations("--actor", "system"), ["CreateAccessKey"]);
    assert.deepEqual(await operations("--since", "1h", "--limit", "0"), await operations("--limit", "0"));
    assert.deepEqual(await operations("--until", "1h"), []);
    assert.deepEqual(await operations("--since", "2100-01-01"), []);

    const table = await run(server, "audit", "--pool", UserPoolId);
    assert.match(table, /^TIME +OPERATION +RESULT +ACTOR +POOL +TARGET +ADDRESS\n/);
    assert.match(table, /\n\S+Z +DeleteUserPool +ok +root +us-east-1_\S+ +- +127\.0\.0\.1\n$/);
    for (const wrong of [["--result", "maybe"], ["--since", "soon"], ["--limit", "x"], ["--nope"], ["x"]])
      await assert.rejects(run(server, "audit", ...wrong), /poolhouse audit/);
  });

  test("follows what comes", async () => {
    const server = await open();
    const follower = spawn(process.execPath, [main, "audit", "--json", "--follow", "--limit", "1"], {
      env: environmentOf(server),
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      const lines = createInterface({ input: follower.stdout })[Symbol.asyncIterator]();
      const next = async (): Promise<Line> => JSON.parse((await lines.next()).value ?? "");
      await next();
      const made = await server.client.send(new CreateUserPoolCommand({ PoolName: "followed" }));
      const first: Line = await next();
      assert.equal(first.operation, "CreateUserPool");
      assert.equal(first.poolId, made.UserPool?.Id);
      await server.client.send(new DescribeUserPoolCommand({ UserPoolId: made.UserPool?.Id }));
      assert.equal((await next()).operation, "DescribeUserPool");
    } finally {
      follower.kill();
    }
  });
});

/** The settings by which a command finds the server's database. */
function environmentOf({ app }: TestServer): NodeJS.ProcessEnv {
  const { database, data, masterKey } = app.config;
  return {
    ...process.env,
    POOLHOUSE_DATABASE: database,
    POOLHOUSE_DATA: data,
    ...(masterKey !== undefined && { POOLHOUSE_MASTER_KEY: masterKey }),
  };
}

async function run(server: TestServer, ...argv: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [main, ...argv], {
    env: environmentOf(server),
  });
  return stdout;
}
