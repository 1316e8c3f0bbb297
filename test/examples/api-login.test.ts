/** examples/api-login: an API with its own sign-in, and the web application that calls it for its users. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, test } from "node:test";
import { parseEnv, promisify } from "node:util";
import {
  AdminAddUserToGroupCommand,
  AdminCreateUserCommand,
  AdminDisableUserCommand,
  AdminEnableUserCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { browse } from "../kit/chromium.ts";
import { makePool, makeUser, signIn } from "../kit/people.ts";
import { freePort } from "../kit/ports.ts";
import { forOneServer } from "../kit/server.ts";
import { at, type Example, setUp, signInAs, start } from "./web-app.ts";

const folderOf = join(import.meta.dirname, "..", "..", "examples", "api-login");

const opened: { close(): unknown }[] = [];
after(async () => {
  for (const one of opened.toReversed()) await one.close();
});

interface Place extends Example {
  readonly api: string;
}

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly challenge: string | null;
}

/** A call of the API: GET without a body. */
async function call(
  { api }: Place,
  path: string,
  body?: unknown,
  token?: string,
  type = "application/json",
): Promise<Answer> {
  const answer = await fetch(new URL(path, api), {
    ...(body !== undefined && {
      method: "POST",
      body: typeof body === "string" ? body : JSON.stringify(body),
    }),
    headers: {
      ...(body !== undefined && { "content-type": type }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
  });
  const text = await answer.text();
  return {
    status: answer.status,
    body: text === "" ? {} : JSON.parse(text),
    challenge: answer.headers.get("www-authenticate"),
  };
}

forOneServer("sqlite", "examples/api-login", (open) => {
  let made: Promise<Place> | undefined;
  async function prepare(): Promise<Place> {
    const server = await open();
    const app = await setUp(server);
    const api = `http://localhost:${await freePort()}/`;
    const env = { ...app.environment, API_URL: api };
    const argv = ["--env-file=.env", join(folderOf, "setup.ts")];
    const { stdout } = await promisify(execFile)(process.execPath, argv, { cwd: app.folder, env });
    assert.match(stdout, new RegExp(`at ${api}login`));
    const settings = parseEnv(readFileSync(join(app.folder, ".env"), "utf8")) as Record<string, string>;
    const place = { ...app, settings, api };
    // With the credentials that its operator gives it.
    const key = Object.entries(app.environment).filter(([name]) => name.startsWith("AWS_"));
    for (const [folder, more] of [
      ["api-login", Object.fromEntries(key)],
      ["web-app", {}],
    ] as const) {
      const child = await start(place, `../${folder}/server.ts`, more as Record<string, string>);
      opened.push({ close: () => child.kill() });
    }
    return place;
  }
  const example = () => {
    made ??= prepare();
    return made;
  };
  const login = async (place: Place, username: string) => {
    const answer = await call(place, "/login", { username, password: place.settings["USERS_PASSWORD"] });
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    return answer.body as { access_token: string; refresh_token: string; expires_in: number };
  };

  test("who signs in there may do what the groups say", async () => {
    const place = await example();
    const [rita, eddy, nora] = await Promise.all(["rita", "eddy", "nora"].map((name) => login(place, name)));
    assert.equal(rita!.expires_in, 300);
    const list = await call(place, "/repairs", undefined, rita!.access_token);
    assert.deepEqual([list.status, (list.body["repairs"] as unknown[]).length], [200, 1]);
    const refused = await call(place, "/repairs", { text: "The roof" }, rita!.access_token);
    assert.deepEqual([refused.status, refused.body["needs"]], [403, ["editors"]]);
    const added = await call(place, "/repairs", { text: " The roof " }, eddy!.access_token);
    assert.deepEqual([added.status, added.body], [201, { text: "The roof", by: "eddy" }]);
    assert.equal((await call(place, "/repairs", undefined, nora!.access_token)).status, 403);
  });

  test("a refresh token is good until it is signed out", async () => {
    const place = await example();
    const { refresh_token, access_token } = await login(place, "rita");
    const again = await call(place, "/refresh", { refresh_token });
    assert.deepEqual([again.status, again.body["refresh_token"]], [200, undefined]);
    const fresh = again.body["access_token"] as string;
    assert.notEqual(fresh, access_token);
    assert.equal((await call(place, "/repairs", undefined, fresh)).status, 200);
    assert.equal((await call(place, "/logout", { refresh_token })).status, 204);
    assert.equal((await call(place, "/logout", { refresh_token })).status, 204);
    const over = await call(place, "/refresh", { refresh_token });
    assert.deepEqual([over.status, over.body], [401, { error: "wrong" }]);
    assert.equal((await call(place, "/refresh", { refresh_token: "nonsense" })).status, 401);
  });

  test("only what is signed out is called so", async () => {
    const place = await example();
    const { refresh_token, access_token } = await login(place, "rita");
    // What is no refresh token at all is done with.
    for (const token of [access_token, "a\u0000b"])
      assert.equal((await call(place, "/logout", { refresh_token: token })).status, 204, token);
    const other = await makePool(place.server);
    await makeUser(place.server, other.UserPoolId, "rita");
    const { RefreshToken } = await signIn(place.server, other.ClientId, "rita");
    for (const token of [RefreshToken, "nonsense"]) {
      const foreign = await call(place, "/logout", { refresh_token: token });
      assert.deepEqual([foreign.status, foreign.body], [401, { error: "wrong" }]);
    }
    // A pool with more to do than it can.
    const busy = createServer((_request, response) => {
      response.writeHead(400, { "content-type": "application/x-amz-json-1.1" });
      response.end(JSON.stringify({ __type: "TooManyRequestsException", message: "Rate exceeded" }));
    });
    opened.push(busy);
    busy.listen(0, "127.0.0.1");
    await once(busy, "listening");
    const api = `http://localhost:${await freePort()}/`;
    const key = { AWS_ACCESS_KEY_ID: "a", AWS_SECRET_ACCESS_KEY: "b", AWS_REGION: "us-east-1" };
    const AWS_ENDPOINT_URL = `http://localhost:${(busy.address() as AddressInfo).port}`;
    const child = await start(place, "../api-login/server.ts", { ...key, API_URL: api, AWS_ENDPOINT_URL });
    opened.push({ close: () => child.kill() });
    const answer = await call({ ...place, api }, "/logout", { refresh_token });
    assert.deepEqual([answer.status, answer.body], [429, { error: "busy" }]);
  });

  test("wrong and unknown names look alike; unfinished users are told where to go on", async () => {
    const place = await example();
    const attempt = (username: string, password: string) => call(place, "/login", { username, password });
    const [wrong, unknown] = [
      await attempt("rita", "Wrong-Horse-7"),
      await attempt("nobody", "Wrong-Horse-7"),
    ];
    assert.deepEqual([wrong, wrong.status], [unknown, 401]);
    const pool = { UserPoolId: place.settings["USER_POOL_ID"] };
    const { client } = place.server;
    await client.send(
      new AdminCreateUserCommand({
        ...pool,
        Username: "invited",
        TemporaryPassword: "Correct-Horse-8",
        MessageAction: "SUPPRESS",
      }),
    );
    const unfinished = await attempt("invited", "Correct-Horse-8");
    assert.deepEqual([unfinished.status, unfinished.body], [403, { error: "unfinished" }]);
    await client.send(new AdminDisableUserCommand({ ...pool, Username: "nora" }));
    assert.equal((await attempt("nora", place.settings["USERS_PASSWORD"]!)).status, 401);
    await client.send(new AdminEnableUserCommand({ ...pool, Username: "nora" }));
  });

  test("tokens of other kinds, pools and clients are refused, and so is what is no token", async () => {
    const place = await example();
    const other = await makePool(place.server);
    await makeUser(place.server, other.UserPoolId, "rita");
    const foreign = await signIn(place.server, other.ClientId, "rita");
    const { access_token, refresh_token } = await login(place, "rita");
    const [head, body] = access_token.split(".");
    const forged = `${head}.${body}.${Buffer.alloc(256).toString("base64url")}`;
    for (const token of [
      foreign.AccessToken,
      foreign.IdToken,
      refresh_token,
      forged,
      "x",
      `${access_token}x`,
    ]) {
      const answer = await call(place, "/repairs", undefined, token);
      assert.equal(answer.status, 401, token);
      assert.match(answer.challenge ?? "", /^Bearer error="invalid_token"/, token);
    }
    const none = await call(place, "/repairs");
    assert.deepEqual([none.status, none.challenge], [401, "Bearer"]);
  });

  test("bad input is told apart from refusals, and says nothing of the inside", async () => {
    const place = await example();
    const { access_token } = await login(place, "eddy");
    const cases: readonly (readonly [path: string, body: unknown, status: number])[] = [
      ["/login", {}, 400],
      ["/login", { username: "rita" }, 400],
      ["/login", { username: { toString: "x" }, password: ["x"] }, 400],
      ["/login", "no JSON", 400],
      ["/login", { username: "x".repeat(20_000), password: "x" }, 413],
      ["/login", { username: "x".repeat(2_000), password: "x" }, 401],
      ["/login", { username: "rita\u0000", password: "x" }, 401],
      ["/refresh", { refresh_token: 7 }, 400],
      ["/logout", null, 400],
      ["/repairs", { text: "x".repeat(281) }, 400],
      ["/repairs", { text: "  " }, 400],
      ["/nowhere", {}, 404],
    ];
    for (const [path, body, status] of cases) {
      const answer = await call(place, path, body, access_token);
      assert.equal(answer.status, status, `${path} ${JSON.stringify(body)?.slice(0, 60)}`);
      assert.deepEqual(
        Object.keys(answer.body).filter((name) => !["error", "needs"].includes(name)),
        [],
      );
    }
  });

  test("a body that is no JSON is refused for that", async () => {
    const place = await example();
    for (const path of ["/login", "/refresh", "/logout"])
      for (const type of ["application/x-www-form-urlencoded", "application/json;charset=latin1", ""]) {
        const answer = await call(place, path, "username=rita&password=x", undefined, type);
        assert.deepEqual([answer.status, answer.body], [415, { error: "unsupported_media_type" }], type);
      }
  });

  test("without the pool, nothing says that a password or a token is wrong", async () => {
    const place = await example();
    const { refresh_token } = await login(place, "rita");
    const api = `http://localhost:${await freePort()}/`;
    const nobody = `http://localhost:${await freePort()}`;
    const key = { AWS_ACCESS_KEY_ID: "a", AWS_SECRET_ACCESS_KEY: "b", AWS_REGION: "us-east-1" };
    const change = { ...key, API_URL: api, AWS_ENDPOINT_URL: nobody, ISSUER: `${nobody}/x` };
    const child = await start(place, "../api-login/server.ts", change);
    opened.push({ close: () => child.kill() });
    const alone = { ...place, api };
    // Only a token that names the issuer has its keys asked for.
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const claims = { iss: `${nobody}/x`, sub: "somebody", exp: 4_000_000_000 };
    const ofIssuer = `${part({ alg: "RS256", kid: "k" })}.${part(claims)}.${"A".repeat(342)}`;
    for (const answer of [
      await call(alone, "/login", { username: "rita", password: "Wrong-Horse-7" }),
      await call(alone, "/refresh", { refresh_token }),
      await call(alone, "/logout", { refresh_token }),
      await call(alone, "/repairs", undefined, ofIssuer),
    ])
      assert.deepEqual([answer.status, answer.body], [503, { error: "unavailable" }]);
  });

  test("the web application calls it with its own user's token", async () => {
    const place = await example();
    await place.server.client.send(
      new AdminAddUserToGroupCommand({
        UserPoolId: place.settings["USER_POOL_ID"],
        Username: "nora",
        GroupName: "readers",
      }),
    );
    const browser = await browse();
    opened.push(browser);
    const page = await browser.newPage();
    await page.goto(at(place, "/repairs"));
    await signInAs(page, place, "nora");
    await page.waitForURL(at(place, "/notices"));
    await page.goto(at(place, "/repairs"));
    assert.match((await page.textContent("main")) ?? "", /Repairs\s*The elevator/);
    await page.goto(at(place, "/tokens"));
    const shown = (await page.textContent("main")) ?? "";
    for (const word of ["cognito:groups", '["readers"]', "token_use", "client_id", "cognito:username"])
      assert.ok(shown.includes(word), word);
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.goto(at(place, "/repairs"));
    assert.ok(page.url().startsWith(place.server.endpoint), page.url());
  });
});
