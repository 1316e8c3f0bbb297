/**
 * kill -9 of a server while a function is at work, or has just answered: nobody is half made, and what a request would have
 * used up is as good as before, or used up wholly.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { after, test } from "node:test";
import * as sdk from "@aws-sdk/client-cognito-identity-provider";
import { keepCookie } from "../hosted-ui/visitor.ts";
import { type Child, clientOf, endChild, startChild } from "../kit/child.ts";
import { dataFolderOf, forEachDatabase } from "../kit/databases.ts";
import { makeClient, makePool, makeUser, password, signIn } from "../kit/people.ts";
import { freePort } from "../kit/ports.ts";
import { hangingMs, until } from "../kit/waiting.ts";
import { callback, oauthClient } from "../oauth/support.ts";
import { arnOf, configuration } from "./functions.ts";

interface Event {
  readonly triggerSource: string;
  readonly response: object;
}

/** A function in this process, which holds its answers while it is told to. */
let holding = false;
const held: { readonly event: Event; readonly response: ServerResponse }[] = [];
const says: Readonly<Record<string, object>> = {
  PreSignUp_SignUp: { autoConfirmUser: true },
  UserMigration_Authentication: {
    userAttributes: { email: "moved@example.com", email_verified: "true" },
    finalUserStatus: "CONFIRMED",
    messageAction: "SUPPRESS",
  },
};
const answer = ({ event, response }: (typeof held)[number]) =>
  response.end(JSON.stringify({ response: says[event.triggerSource] ?? event.response }));
const functions = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const one = { event: JSON.parse(Buffer.concat(chunks).toString()) as Event, response };
    if (holding) held.push(one);
    else answer(one);
  });
}).listen(0, "127.0.0.1");
await once(functions, "listening");
after(() => {
  functions.closeAllConnections();
  functions.close();
});

const config = configuration("killed", {
  remote: {
    run: "webhook",
    url: `http://127.0.0.1:${(functions.address() as AddressInfo).port}`,
    secret: `whsec_${Buffer.alloc(32, 7).toString("base64")}`,
    timeout: hangingMs / 1000,
    attempts: 1,
  },
});
const remote = arnOf("remote");
const LambdaConfig: sdk.LambdaConfigType = {
  PreSignUp: remote,
  PostConfirmation: remote,
  UserMigration: remote,
  PreTokenGenerationConfig: { LambdaVersion: "V3_0", LambdaArn: remote },
};

forEachDatabase((_database, _open, fresh) => {
  test("kill -9 while functions are asked, and when they have answered", async () => {
    const { url, masterKey, secretsFolder } = await fresh();
    const port = await freePort();
    const env = {
      POOLHOUSE_DATABASE: url,
      POOLHOUSE_DATA: dataFolderOf(url),
      ...(secretsFolder === undefined && { POOLHOUSE_MASTER_KEY: masterKey! }),
    };
    const start = () => startChild({ flags: ["--port", String(port), "--config", config], env });
    holding = false;
    let server: Child = await start();
    const client = clientOf(server.url);
    const { UserPoolId } = await makePool({ client }, { LambdaConfig });
    const api = await makeClient({ client }, UserPoolId, {
      ExplicitAuthFlows: ["ALLOW_USER_PASSWORD_AUTH"],
      RefreshTokenRotation: { Feature: "ENABLED", RetryGracePeriodSeconds: 0 },
    });
    const pages = await makeClient({ client }, UserPoolId, oauthClient);
    await makeUser({ client }, UserPoolId, "ann");
    const base = `${server.url}/${UserPoolId}`;

    const redeem = (code: string) =>
      fetch(`${base}/oauth2/token`, {
        method: "POST",
        body: new URLSearchParams({
          grant_type: "authorization_code",
          client_id: pages.ClientId,
          redirect_uri: callback,
          code,
        }),
      }).then(async (response) => (await response.json()) as { access_token?: string; error?: string });
    const refresh = (RefreshToken: string) =>
      client.send(new sdk.GetTokensFromRefreshTokenCommand({ ClientId: api.ClientId, RefreshToken }));
    const signUp = (Username: string) =>
      client.send(new sdk.SignUpCommand({ ClientId: api.ClientId, Username, Password: password }));
    const exists = (Username: string) =>
      client.send(new sdk.AdminGetUserCommand({ UserPoolId, Username })).then(
        ({ UserStatus }) => UserStatus,
        ({ name }: Error) => assert.equal(name, "UserNotFoundException"),
      );

    for (const moment of ["asked", "answered"]) {
      const [newcomer, migrant] = [`new-${moment}`, `moved-${moment}`];
      const { RefreshToken } = await signIn({ client }, api.ClientId, "ann");
      const code = await newCode(base, pages.ClientId);
      holding = true;
      held.length = 0;
      const calls = [
        signUp(newcomer),
        signIn({ client }, api.ClientId, migrant),
        refresh(RefreshToken),
        redeem(code),
      ].map((call) =>
        call.then(
          () => "done",
          () => "cut",
        ),
      );
      await until("all functions are asked", () => held.length === calls.length);
      if (moment === "answered") {
        // The server has them all before it ends, and is somewhere between reading and writing them.
        await Promise.all(held.map((one) => once(answer(one), "finish")));
      }
      await endChild(server.process, "SIGKILL");
      const outcomes = await Promise.all(calls);
      if (moment === "asked") assert.deepEqual(outcomes, ["cut", "cut", "cut", "cut"]);
      holding = false;
      server = await start();

      // Either nobody, who can still be made, or somebody whole.
      const status = await exists(newcomer);
      if (outcomes[0] === "done") assert.equal(status, "CONFIRMED");
      if (status === undefined) await signUp(newcomer);
      else assert.equal(status, "CONFIRMED");
      await signIn({ client }, api.ClientId, newcomer);
      const moved = await exists(migrant);
      if (moment === "asked") assert.equal(moved, undefined);
      await signIn({ client }, api.ClientId, migrant);
      assert.equal(await exists(migrant), "CONFIRMED");

      // Each once: if the answer was lost, the server may have used it up.
      const refreshed = await refresh(RefreshToken).then(
        () => "good",
        ({ name }: Error) => name,
      );
      const redeemed = await redeem(code);
      if (moment === "asked") {
        assert.equal(refreshed, "good");
        assert.ok(redeemed.access_token, JSON.stringify(redeemed));
      } else {
        assert.match(
          refreshed,
          outcomes[2] === "done" ? /^RefreshTokenReuse/ : /^(?:good|RefreshTokenReuseException)$/,
        );
        if (outcomes[3] === "done") assert.equal(redeemed.error, "invalid_grant");
        else assert.ok(redeemed.access_token ?? redeemed.error === "invalid_grant");
      }
    }
    client.destroy();
    assert.equal(await endChild(server.process, "SIGTERM"), 0);
  });
});

/** A code for Ann, who signs in at the page. */
async function newCode(base: string, clientId: string): Promise<string> {
  const query = new URLSearchParams({
    client_id: clientId,
    redirect_uri: callback,
    response_type: "code",
  });
  const cookies = new Map<string, string>();
  const shown = await fetch(`${base}/login?${query}`);
  for (const line of shown.headers.getSetCookie()) keepCookie(cookies, line);
  const hidden = [...(await shown.text()).matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)];
  const answered = await fetch(`${base}/login?${query}`, {
    method: "POST",
    redirect: "manual",
    headers: {
      origin: new URL(base).origin,
      cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; "),
    },
    body: new URLSearchParams({
      ...Object.fromEntries(hidden.map(([, name, value]) => [name!, value!])),
      username: "ann",
      password,
    }),
  });
  const location = answered.headers.get("location") ?? assert.fail(await answered.text());
  return new URL(location).searchParams.get("code") ?? assert.fail(location);
}
