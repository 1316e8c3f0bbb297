/** Servers are replaced one after the other under load: no client that tries again as SDKs do loses a call. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { test } from "node:test";
import {
  AdminAddUserToGroupCommand,
  AdminListGroupsForUserCommand,
  CreateGroupCommand,
  CreateUserPoolClientCommand,
  CreateUserPoolCommand,
  GetTokensFromRefreshTokenCommand,
  GetUserCommand,
  InitiateAuthCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { type Child, clientOf, endChild, freePort, startChild } from "../kit/child.ts";
import { administer, skipWithoutPostgres, testPostgresUrl } from "../kit/databases.ts";
import { makeUser, password } from "../kit/people.ts";
import { hangingMs, until } from "../kit/waiting.ts";

/** Passes each connection to the next server that takes it, and looks at what comes back. */
async function startBalancer() {
  const targets: number[] = [];
  const seen = { connections: 0, closing: 0, serverErrors: 0, unanswered: 0 };
  const sockets = new Set<Socket>();
  let turn = 0;
  const serve = (client: Socket, left: number) => {
    const port = targets[turn++ % targets.length]!;
    const server = connect(port, "127.0.0.1");
    sockets.add(server);
    let waiting = false;
    server.once("connect", () => {
      seen.connections++;
      client.on("data", (chunk) => {
        waiting = true;
        server.write(chunk);
      });
      client.once("close", () => server.destroy());
      client.resume();
    });
    server.on("data", (chunk) => {
      waiting = false;
      const text = chunk.toString("latin1");
      if (/^HTTP\/1\.1 5/.test(text)) seen.serverErrors++;
      if (/\r\nconnection: close\r\n/i.test(text)) seen.closing++;
      client.write(chunk);
    });
    let refused = false;
    server.once("error", (error: NodeJS.ErrnoException) => {
      refused = error.code === "ECONNREFUSED" && left > 0;
      if (refused) serve(client, left - 1);
    });
    server.once("close", () => {
      if (refused) return;
      if (waiting) seen.unanswered++;
      client.destroy();
    });
  };
  const listener = createServer({ pauseOnConnect: true }, (client) => {
    sockets.add(client);
    client.on("error", () => {});
    serve(client, 5);
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const close = () => {
    listener.close();
    for (const socket of sockets) socket.destroy();
  };
  return { url: `http://127.0.0.1:${(listener.address() as AddressInfo).port}`, targets, seen, close };
}

test("a rolling restart under load loses no call", {
  timeout: hangingMs,
  ...skipWithoutPostgres(),
}, async (t) => {
  const name = `poolhouse_test_${randomBytes(8).toString("hex")}`;
  await administer(`create database ${name} template template0`);
  const database = new URL(testPostgresUrl);
  database.pathname = `/${name}`;
  const env = {
    POOLHOUSE_DATABASE: database.href,
    POOLHOUSE_MASTER_KEY: randomBytes(32).toString("base64"),
    POOLHOUSE_PUBLIC_URL: "http://login.example",
  };
  const balancer = await startBalancer();
  const servers = new Map<number, Child>();
  const start = async (port: number) => {
    servers.set(port, await startChild({ env: { ...env, POOLHOUSE_PORT: String(port) } }));
    if (!balancer.targets.includes(port)) balancer.targets.push(port);
  };
  try {
    const ports = [await freePort(), await freePort()];
    await Promise.all(ports.map(start));
    // Three attempts, as SDKs have by default.
    const sdk = clientOf(balancer.url, 3);
    const UserPoolId = (await sdk.send(new CreateUserPoolCommand({ PoolName: "rolling" }))).UserPool!.Id!;
    const made = await sdk.send(
      new CreateUserPoolClientCommand({
        UserPoolId,
        ClientName: "rolling",
        ExplicitAuthFlows: ["ALLOW_USER_PASSWORD_AUTH"],
        RefreshTokenRotation: { Feature: "ENABLED", RetryGracePeriodSeconds: 60 },
      }),
    );
    const ClientId = made.UserPoolClient!.ClientId!;
    let stop = false;
    let calls = 0;
    const send: typeof sdk.send = (...call: unknown[]) => {
      calls++;
      return (sdk.send as (...all: unknown[]) => never)(...call);
    };
    const person = async (number: number) => {
      const Username = `user-${number}`;
      await makeUser({ client: sdk }, UserPoolId, Username);
      const AuthParameters = { USERNAME: Username, PASSWORD: password };
      const signIn = { ClientId, AuthFlow: "USER_PASSWORD_AUTH" as const, AuthParameters };
      for (let round = 1; !stop; round++) {
        let { RefreshToken } = (await send(new InitiateAuthCommand(signIn))).AuthenticationResult!;
        for (let turn = 0; turn < 5; turn++) {
          const next = await send(new GetTokensFromRefreshTokenCommand({ ClientId, RefreshToken }));
          ({ RefreshToken } = next.AuthenticationResult!);
          await send(new GetUserCommand({ AccessToken: next.AuthenticationResult!.AccessToken }));
        }
        // Not to be done twice: a call that was cut off and repeated would be refused.
        const GroupName = `${Username}-${round}`;
        await send(new CreateGroupCommand({ UserPoolId, GroupName }));
        await send(new AdminAddUserToGroupCommand({ UserPoolId, Username, GroupName }));
        const { Groups } = await send(new AdminListGroupsForUserCommand({ UserPoolId, Username, Limit: 60 }));
        assert.equal(Groups!.length, Math.min(round, 60));
      }
    };
    const load = Promise.all(Array.from({ length: 10 }, (_, number) => person(number)));
    let failure: unknown;
    load.catch((error: unknown) => {
      failure = error;
    });
    const busy = async () => {
      const enough = calls + 60;
      await until("60 calls more were made", () => {
        if (failure !== undefined) throw failure;
        return calls >= enough;
      });
    };
    for (const port of [...ports, ...ports]) {
      await busy();
      const { process, log } = servers.get(port)!;
      assert.equal(await endChild(process, "SIGTERM"), 0);
      assert.deepEqual(log, []);
      await busy();
      await start(port);
    }
    await busy();
    stop = true;
    await load;
    const { seen } = balancer;
    t.diagnostic(`${calls} calls, 4 restarts: ${JSON.stringify(seen)}`);
    assert.equal(seen.serverErrors, 0);
    assert.ok(seen.closing > 0, "draining answers say `connection: close`");
  } finally {
    for (const { process } of servers.values()) await endChild(process, "SIGKILL");
    balancer.close();
    await administer(`drop database if exists ${name} with (force)`);
  }
});
