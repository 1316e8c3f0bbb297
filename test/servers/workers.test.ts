/** `serve --workers`: several processes on one port, over PostgreSQL, as one server. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import {
  AdminCreateUserCommand,
  AdminUserGlobalSignOutCommand,
  type CognitoIdentityProviderClient,
  DescribeUserPoolCommand,
  GetUserCommand,
  InitiateAuthCommand,
  RespondToAuthChallengeCommand,
  UpdateUserPoolCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { clientOf, endChild, main } from "../kit/child.ts";
import { compileCache } from "../kit/compile-cache.ts";
import { makePool, makeUser, password } from "../kit/people.ts";
import { skipWithoutPostgres, withClient } from "../kit/postgres.ts";
import { hangingMs, until } from "../kit/waiting.ts";
import {
  type AtWorker,
  atBothWorkers,
  isAlive,
  metricsOf,
  startWorkers,
  workerPids,
} from "../kit/workers.ts";

const options = { ...skipWithoutPostgres(), timeout: hangingMs };

const signIn = async (sdk: CognitoIdentityProviderClient, ClientId: string, USERNAME: string) => {
  const AuthParameters = { USERNAME, PASSWORD: password };
  const input = { ClientId, AuthFlow: "USER_PASSWORD_AUTH" as const, AuthParameters };
  return (await sdk.send(new InitiateAuthCommand(input))).AuthenticationResult!;
};

const ClientFlows = { ExplicitAuthFlows: ["ALLOW_USER_PASSWORD_AUTH" as const] };

describe("two workers", options, () => {
  let running: Awaited<ReturnType<typeof startWorkers>>;
  let one: AtWorker;
  let two: AtWorker;
  let UserPoolId: string;
  let ClientId: string;

  before(async () => {
    running = await startWorkers({ POOLHOUSE_LOG_LEVEL: "info" });
    [one, two] = await atBothWorkers(running.endpoint);
    ({ UserPoolId, ClientId } = await makePool({ client: one.sdk }, {}, ClientFlows));
  });
  after(async () => {
    one?.close();
    two?.close();
    await running?.drop();
  });

  test("one of them migrates the database and makes the first keys", async () => {
    await until("the log is written", () => running.server.log.some((line) => line.includes("Created the")));
    const created = running.server.log.map((line) => JSON.parse(line)).filter(({ version }) => version);
    assert.deepEqual(
      created.map(({ worker, msg }) => [worker, msg]),
      [[1, "Created the tables of the database."]],
    );
  });

  test("a sign-in that begins at one goes on at the other", async () => {
    const Username = "begun";
    await one.sdk.send(
      new AdminCreateUserCommand({
        UserPoolId,
        Username,
        TemporaryPassword: password,
        MessageAction: "SUPPRESS",
      }),
    );
    const AuthParameters = { USERNAME: Username, PASSWORD: password };
    const begun = await one.sdk.send(
      new InitiateAuthCommand({ ClientId, AuthFlow: "USER_PASSWORD_AUTH", AuthParameters }),
    );
    assert.equal(begun.ChallengeName, "NEW_PASSWORD_REQUIRED");
    const done = await two.sdk.send(
      new RespondToAuthChallengeCommand({
        ClientId,
        ChallengeName: "NEW_PASSWORD_REQUIRED",
        Session: begun.Session,
        ChallengeResponses: { USERNAME: Username, NEW_PASSWORD: `${password}-2` },
      }),
    );
    const { AccessToken } = done.AuthenticationResult!;
    assert.equal((await one.sdk.send(new GetUserCommand({ AccessToken }))).Username, Username);
  });

  test("what is changed at one is seen by the other: settings, and a sign-out", async () => {
    const { UserPool } = await two.sdk.send(new DescribeUserPoolCommand({ UserPoolId }));
    assert.equal(UserPool?.DeletionProtection, "INACTIVE");
    await one.sdk.send(new UpdateUserPoolCommand({ UserPoolId, DeletionProtection: "ACTIVE" }));
    const changed = await two.sdk.send(new DescribeUserPoolCommand({ UserPoolId }));
    assert.equal(changed.UserPool?.DeletionProtection, "ACTIVE");

    const Username = "leaving";
    await makeUser({ client: one.sdk }, UserPoolId, Username);
    const { AccessToken } = await signIn(two.sdk, ClientId, Username);
    for (const { sdk } of [one, two]) await sdk.send(new GetUserCommand({ AccessToken }));
    await one.sdk.send(new AdminUserGlobalSignOutCommand({ UserPoolId, Username }));
    for (const { sdk } of [two, one]) {
      await assert.rejects(sdk.send(new GetUserCommand({ AccessToken })), { name: "NotAuthorizedException" });
    }
  });

  test("both know new signing keys at once", async () => {
    const Username = "signed";
    await makeUser({ client: one.sdk }, UserPoolId, Username);
    const kidOf = (token: string) =>
      JSON.parse(Buffer.from(token.split(".")[0]!, "base64url").toString()).kid;
    const former = (await signIn(one.sdk, ClientId, Username)).AccessToken!;
    await signIn(two.sdk, ClientId, Username);
    const { env } = running;
    const rotate = [main, "keys", "rotate", "signing", "--pool", UserPoolId, "--now"];
    await promisify(execFile)(process.execPath, rotate, { env: { ...compileCache, ...env } });
    for (const { sdk } of [one, two]) {
      await assert.rejects(sdk.send(new GetUserCommand({ AccessToken: former })), {
        name: "NotAuthorizedException",
      });
      const { AccessToken } = await signIn(sdk, ClientId, Username);
      assert.notEqual(kidOf(AccessToken!), kidOf(former));
      for (const other of [one, two]) await other.sdk.send(new GetUserCommand({ AccessToken }));
    }
  });

  test("/metrics has the sums of both, whichever answers", async () => {
    const name = 'poolhouse_calls_total{operation="ListUserPools",result="InvalidParameterException"}';
    const { ListUserPoolsCommand } = await import("@aws-sdk/client-cognito-identity-provider");
    for (const { sdk } of [one, two, two])
      await assert.rejects(sdk.send(new ListUserPoolsCommand({ MaxResults: 1000 })));
    // Each is a connection of its own, and the workers take turns.
    for (let look = 0; look < 4; look += 1) {
      const metrics = await metricsOf(running.endpoint);
      assert.equal(metrics.get(name), 3);
      assert.equal(metrics.get("poolhouse_workers"), 2);
      assert.equal(metrics.get("poolhouse_messages_waiting"), 0);
      const cpu = [1, 2].map(
        (worker) => metrics.get(`poolhouse_worker_cpu_seconds_total{worker="${worker}"}`)!,
      );
      assert.ok(
        metrics.get("process_cpu_seconds_total")! > cpu[0]! + cpu[1]!,
        "the first process counts, too",
      );
      const text = 'poolhouse_build_info{version="0.1.0"';
      assert.equal([...metrics].find(([one]) => one.startsWith(text))?.[1], 1);
    }
  });

  test("one that is killed is replaced while the other goes on, and no sum falls", async () => {
    const Username = "going-on";
    await makeUser({ client: one.sdk }, UserPoolId, Username);
    const sdk = clientOf(running.endpoint, 5);
    let calls = 0;
    let stop = false;
    const person = async () => {
      while (!stop) {
        const { AccessToken } = await signIn(sdk, ClientId, Username);
        await sdk.send(new GetUserCommand({ AccessToken }));
        calls += 2;
      }
    };
    const load = Promise.all([1, 2, 3, 4].map(person));
    load.catch(() => {
      stop = true;
    });
    await until("calls are answered", () => calls > 8 || stop);
    const total = async () => {
      const metrics = await metricsOf(running.endpoint);
      const sums = [...metrics].filter(([name]) => name.startsWith("poolhouse_calls_total"));
      return sums.reduce((sum, [, value]) => sum + value, 0);
    };
    const [first, ...others] = workerPids(running.pid);
    const counted = await total();
    process.kill(first!, "SIGKILL");
    await until("the worker is gone", () => !isAlive(first!));
    assert.ok((await total()) >= counted);
    const then = calls;
    await until("calls go on", () => calls > then + 8 || stop);
    await until("another has taken its place", async () => {
      const metrics = await metricsOf(running.endpoint);
      return metrics.get("poolhouse_workers") === 2 && metrics.get("poolhouse_worker_restarts_total")! >= 1;
    });
    assert.ok((await total()) >= counted);
    const now = workerPids(running.pid);
    assert.equal(now.length, 2);
    assert.ok(others.every((pid) => now.includes(pid)) && !now.includes(first!));
    const after = calls;
    await until("calls go on", () => calls > after + 8 || stop);
    stop = true;
    await load;
    await until("the log says so", () => running.server.log.some((line) => line.includes("takes its place")));
    const line = running.server.log.find((one) => one.includes("takes its place"));
    assert.partialDeepStrictEqual(JSON.parse(line!), { level: 50, signal: "SIGKILL", pauseMs: 0 });
  });

  test("one that is stopped finishes what it does, and what only one does goes on at another", async () => {
    const { database, pid } = running;
    // The list of functions of this server, which only the worker writes that does such jobs.
    const rows = (statement: string) =>
      withClient(async (client) => (await client.query(statement)).rowCount ?? 0, database);
    const named = "where name like 'functions:%'";
    assert.equal(await rows(`select 1 from leases ${named}`), 1);
    for (const worker of workerPids(pid)) {
      await rows(`delete from leases ${named}`);
      const before = (await metricsOf(running.endpoint)).get("poolhouse_worker_restarts_total")!;
      process.kill(worker, "SIGTERM");
      await until("another has taken its place", async () => {
        const metrics = await metricsOf(running.endpoint);
        const restarts = metrics.get("poolhouse_worker_restarts_total");
        return metrics.get("poolhouse_workers") === 2 && restarts === before + 1;
      });
    }
    await until(
      "one of the others writes the list",
      async () => (await rows(`select 1 from leases ${named}`)) === 1,
    );
    assert.equal(running.server.log.filter((line) => line.includes("A worker was stopped")).length, 2);
  });

  test("SIGTERM lets a request in progress finish, and ends all", async () => {
    const pids = workerPids(running.pid);
    const socket = connect(Number(running.env.POOLHOUSE_PORT), "127.0.0.1");
    const closed = once(socket, "close");
    let answer = "";
    socket.on("data", (chunk) => {
      answer += chunk;
    });
    const body = JSON.stringify({ AccessToken: "none" });
    socket.write(
      `POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: AWSCognitoIdentityProviderService.GetUser\r\n` +
        `Content-Type: application/x-amz-json-1.1\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 5)}`,
    );
    await until("the request has begun", async () => {
      const metrics = await metricsOf(running.endpoint);
      return metrics.get("poolhouse_body_bytes") === 5;
    });
    const ended = endChild(running.server.process, "SIGTERM");
    await until("nobody takes new connections", () =>
      fetch(`${running.endpoint}/healthz`).then(
        () => false,
        () => true,
      ),
    );
    socket.write(body.slice(5));
    await closed;
    assert.match(answer, /^HTTP\/1\.1 400 [\s\S]*NotAuthorizedException/);
    assert.equal(await ended, 0);
    assert.deepEqual(pids.filter(isAlive), []);
  });
});

test("without the first process the workers finish their requests and end", options, async () => {
  const { server, pid, endpoint, drop } = await startWorkers();
  try {
    const pids = workerPids(pid);
    assert.equal(pids.length, 2);
    const [one, two] = await atBothWorkers(endpoint);
    await endChild(server.process, "SIGKILL");
    await until("they have ended", () => !pids.some(isAlive));
    for (const { close } of [one, two]) close();
    assert.deepEqual(server.log, []);
  } finally {
    await drop();
  }
});
