/** examples/web-app without a browser: its API called by programs with access tokens, good and bad; its cookie. */

import assert from "node:assert/strict";
import { createSecretKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { after, test } from "node:test";
import {
  AdminAddUserToGroupCommand,
  AdminCreateUserCommand,
  AdminSetUserPasswordCommand,
  CreateGroupCommand,
  ForgotPasswordCommand,
  SignUpCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { decodeJwt, decodeProtectedHeader, SignJWT } from "jose";
import { makeClient, makePool } from "../kit/people.ts";
import { freePort } from "../kit/ports.ts";
import { forOneServer } from "../kit/server.ts";
import { at, type Example, run, setUp, signInByApi, start } from "./web-app.ts";

const opened: { close(): unknown }[] = [];
after(() => {
  for (const one of opened) one.close();
});

function ask(example: Example, token: string | undefined, init: RequestInit = {}): Promise<Response> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return fetch(at(example, "/api/notices"), { ...init, headers: { ...headers, ...init.headers } });
}

const write = (text: unknown): RequestInit => ({
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ text }),
});

const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });

/** The claims of a token, signed by another key. */
function forge(token: string, header: object, key: KeyObject): Promise<string> {
  const genuine = decodeProtectedHeader(token);
  return new SignJWT(decodeJwt(token)).setProtectedHeader({ ...genuine, alg: "RS256", ...header }).sign(key);
}

forOneServer("postgres", "examples/web-app without a browser", (open) => {
  let made: Promise<Example> | undefined;
  const example = () => {
    made ??= (async () => {
      const fresh = await setUp(await open());
      const child = await start(fresh, "server.ts");
      opened.push({ close: () => child.kill() });
      return fresh;
    })();
    return made;
  };

  test("a program that signed in by the API of administrators has its user's rights", async () => {
    const app = await example();
    for (const AuthFlow of ["ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH"] as const) {
      const tokens = await Promise.all(
        ["rita", "eddy", "nora"].map((name) => signInByApi(app, name, { AuthFlow })),
      );
      const [rita, eddy, nora] = tokens.map(({ AccessToken }) => AccessToken);
      const statuses = async (token: string | undefined) => [
        (await ask(app, token)).status,
        (await ask(app, token, write(`by ${AuthFlow}`))).status,
      ];
      assert.deepEqual(await statuses(rita), [200, 403]);
      assert.deepEqual(await statuses(eddy), [200, 201]);
      assert.deepEqual(await statuses(nora), [403, 403]);
      const { notices } = (await (await ask(app, rita)).json()) as { notices: object[] };
      assert.deepEqual(notices.at(-1), { text: `by ${AuthFlow}`, by: "eddy" });
    }
    assert.match((await run(app, "call-api.ts", "rita")).stdout, /^200 \{"notices":/);
    assert.match((await run(app, "call-api.ts", "rita", "Hello")).stdout, /^403 /);
    assert.match(
      (await run(app, "call-api.ts", "eddy", "Hello")).stdout,
      /^201 \{"text":"Hello","by":"eddy"\}/,
    );
  });

  test("behind a proxy that speaks https the cookie is for this host, for https and for no script; SIGTERM ends it", async () => {
    const app = await example();
    const port = await freePort();
    const child = await start(app, "server.ts", { APP_URL: `https://localhost:${port}/` });
    opened.push({ close: () => child.kill() });
    const cookie = async (headers: Record<string, string>) => {
      const answer = await fetch(`http://localhost:${port}/sign-in`, { headers, redirect: "manual" });
      assert.equal(answer.status, 302);
      return answer.headers.get("set-cookie");
    };
    const set = await cookie({ "x-forwarded-proto": "https" });
    assert.match(set ?? "", /^__Host-notices=[^;]+; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
    assert.equal(await cookie({}), null);

    // Browsers keep connections on which they ask nothing: the application ends them when it is told to stop.
    const quiet = connect(port, "127.0.0.1");
    await once(quiet, "connect");
    assert.equal((await fetch(`http://localhost:${port}/style.css`)).status, 200);
    const exited = once(child, "exit");
    child.kill("SIGTERM");
    assert.equal(await text(quiet), "");
    assert.deepEqual(await exited, [0, null]);
  });

  test("nobody signs up, and a forgotten password's code has somewhere to go", async () => {
    const { server, settings } = await example();
    const { client } = server;
    const ClientId = (
      await makeClient(server, settings["USER_POOL_ID"]!, { ExplicitAuthFlows: ["ALLOW_USER_PASSWORD_AUTH"] })
    ).ClientId;
    const stranger = { ClientId, Username: "stranger", Password: "Correct-Horse-7" };
    await assert.rejects(client.send(new SignUpCommand(stranger)), { name: "NotAuthorizedException" });
    await client.send(new ForgotPasswordCommand({ ClientId, Username: "rita" }));
    assert.match(await server.code("rita@example.com"), /^\d{6}$/);
  });

  test("the API refuses what is no notice", async () => {
    const app = await example();
    const { AccessToken } = await signInByApi(app, "eddy");
    for (const text of [undefined, 1, "", "  ", "x".repeat(281), { text: "x" }])
      assert.equal((await ask(app, AccessToken, write(text))).status, 400, JSON.stringify(text));
    const broken = await ask(app, AccessToken, { ...write(""), body: "{" });
    assert.deepEqual([broken.status, await broken.json()], [400, { error: "invalid_request" }]);
    const form = await ask(app, AccessToken, { method: "POST", body: new URLSearchParams({ text: "x" }) });
    assert.deepEqual([form.status, await form.json()], [415, { error: "unsupported_media_type" }]);
    const huge = await ask(app, AccessToken, write("x".repeat(200_000)));
    assert.deepEqual([huge.status, await huge.json()], [413, { error: "invalid_request" }]);
    const nothing = await fetch(at(app, "/api/nothing"));
    assert.deepEqual([nothing.status, await nothing.json()], [404, { error: "not_found" }]);
  });

  test("the API refuses every token that is not a live access token for it", async () => {
    const app = await example();
    const { server, settings } = app;
    const genuine = await signInByApi(app, "eddy");
    const token = genuine.AccessToken!;
    assert.equal((await ask(app, token)).status, 200);
    const [header, , signature] = token.split(".");
    const changed = { ...decodeJwt(token), username: "rita" };
    const claims = Buffer.from(JSON.stringify(changed)).toString("base64url");
    const unsigned = Buffer.from(JSON.stringify({ alg: "none" })).toString("base64url");
    const refused: Record<string, string> = {
      nothing: "",
      "no token": "eddy",
      "an ID token": genuine.IdToken!,
      "a refresh token": genuine.RefreshToken!,
      "other claims": `${header}.${claims}.${signature}`,
      "no signature": `${header}.${claims}.`,
      "alg none": `${unsigned}.${claims}.`,
      "a key of its own": await forge(token, {}, privateKey),
      "an unknown key": await forge(token, { kid: "mine" }, privateKey),
      "the public key for a secret": await forge(
        token,
        { alg: "HS256" },
        createSecretKey(Buffer.from(settings["ACCESS_TOKEN_JWK"]!)),
      ),
      "another client": await tokenOfOtherClient(app),
      "another pool": await tokenOfOtherPool(app),
      expired: await expiredToken(app),
    };
    for (const [what, wrong] of Object.entries(refused)) {
      const answer = await ask(app, wrong);
      assert.equal(answer.status, 401, what);
      assert.equal(answer.headers.get("www-authenticate"), 'Bearer error="invalid_token"', what);
      assert.deepEqual(await answer.json(), { error: "invalid_token" });
    }
    const none = await ask(app, undefined);
    assert.equal(none.status, 401);
    assert.equal(none.headers.get("www-authenticate"), "Bearer");
    // The clock of the last one stands right again.
    assert.ok(Math.abs(server.clock.now - Date.now()) < 60_000);
  });
});

/** Of the same pool and user. */
async function tokenOfOtherClient(app: Example): Promise<string> {
  const UserPoolId = app.settings["USER_POOL_ID"]!;
  const { ClientId } = await makeClient(app.server, UserPoolId, {
    ExplicitAuthFlows: ["ALLOW_ADMIN_USER_PASSWORD_AUTH"],
  });
  return (await signInByApi(app, "eddy", { ClientId })).AccessToken!;
}

/** Of a user of the same name, in a group of the same name. */
async function tokenOfOtherPool(app: Example): Promise<string> {
  const { client } = app.server;
  const Password = app.settings["USERS_PASSWORD"]!;
  const { UserPoolId, ClientId } = await makePool(
    app.server,
    {},
    { ExplicitAuthFlows: ["ALLOW_ADMIN_USER_PASSWORD_AUTH"] },
  );
  const eddy = { UserPoolId, Username: "eddy" };
  await client.send(new AdminCreateUserCommand({ ...eddy, MessageAction: "SUPPRESS" }));
  await client.send(new AdminSetUserPasswordCommand({ ...eddy, Password, Permanent: true }));
  await client.send(new CreateGroupCommand({ UserPoolId, GroupName: "editors" }));
  await client.send(new AdminAddUserToGroupCommand({ ...eddy, GroupName: "editors" }));
  return (await signInByApi(app, "eddy", { UserPoolId, ClientId })).AccessToken!;
}

/** The tokens of scripts live for five minutes, as those of browsers do. */
async function expiredToken(app: Example): Promise<string> {
  const { clock } = app.server;
  const longAgo = 6 * 60_000;
  clock.advance(-longAgo);
  try {
    return (await signInByApi(app, "eddy")).AccessToken!;
  } finally {
    clock.advance(longAgo);
  }
}
