/** What clients make of the answer to a request that they were too busy to send in time: it says so in their protocol. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { test } from "node:test";
import {
  CognitoIdentityProviderClient,
  InitiateAuthCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { AuthenticationDetails, CognitoUser, CognitoUserPool } from "amazon-cognito-identity-js";
import { byAddress, forEachServer } from "../kit/server.ts";
import { attacker, settle } from "./others.ts";
import { hold } from "./sockets.ts";

/** Answers the first so many connections as told, and passes the others on to the server. */
async function tooLateFirst(endpoint: string, count: number, answer: string) {
  const open = new Set<Socket>();
  let connections = 0;
  const listening = createServer((socket) => {
    open.add(socket.on("error", () => socket.destroy()));
    if (++connections <= count) {
      socket.once("data", () => socket.end(answer, "latin1"));
      return;
    }
    const server = connect(Number(new URL(endpoint).port), "127.0.0.1");
    open.add(server.on("error", () => socket.destroy()));
    socket.pipe(server).pipe(socket);
  }).listen(0, "127.0.0.1");
  await once(listening, "listening");
  return {
    endpoint: `http://localhost:${(listening.address() as AddressInfo).port}`,
    close: () => {
      listening.close();
      for (const socket of open) socket.destroy();
    },
  };
}

forEachServer("too late", (open, database) => {
  // No SQL is involved.
  if (database !== "sqlite") return;

  test("a request that does not arrive in time is told so by a code that SDKs repeat calls for", async () => {
    const { server } = await settle(byAddress(await open()));
    const [held] = await hold(server.endpoint, attacker, 1, "POST / HTTP/1.1\r\nhost: localhost\r\n");
    await held!.ended;
    const answer = held!.received();
    assert.match(answer, /^HTTP\/1\.1 408 Request Timeout\r\nConnection: close\r\n/);
    const body = answer.slice(answer.indexOf("\r\n\r\n") + 4);
    assert.equal(JSON.parse(body).__type, "RequestTimeout");
    assert.match(answer, new RegExp(`\r\ncontent-length: ${body.length}\r\n`, "i"));

    const late = await tooLateFirst(server.endpoint, 1, answer);
    const client = new CognitoIdentityProviderClient({ endpoint: late.endpoint, region: "us-east-1" });
    const call = { ClientId: "nobody", AuthFlow: "USER_PASSWORD_AUTH" } as const;
    const AuthParameters = { USERNAME: "ann", PASSWORD: "wrong" };
    await assert.rejects(client.send(new InitiateAuthCommand({ ...call, AuthParameters })), {
      name: "ResourceNotFoundException", // the server's own answer
    });
    client.destroy();
    late.close();

    const always = await tooLateFirst(server.endpoint, Number.POSITIVE_INFINITY, answer);
    const { endpoint } = always;
    const Pool = new CognitoUserPool({ UserPoolId: "us-east-1_Demo12345", ClientId: "nobody", endpoint });
    const user = new CognitoUser({ Username: "ann", Pool });
    const details = new AuthenticationDetails({ Username: "ann", Password: "wrong" });
    const failure = await new Promise<Error>((onFailure, onSuccess) =>
      user.authenticateUser(details, { onFailure, onSuccess: () => onSuccess(new Error("signed in")) }),
    );
    assert.equal(failure.name, "RequestTimeout");
    always.close();
  });
});
