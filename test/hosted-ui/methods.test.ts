/**
 * HEAD answers what GET would without the page, and the target of a form is fetched with GET (RFC 9110 sections 9.3.2
 * and 15.4.4).
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { makeUser, password } from "../kit/people.ts";
import { forOneServer } from "../kit/server.ts";
import { callback, makeApp, newVisitor, queryOf } from "./visitor.ts";

forOneServer("sqlite", "hosted pages: methods", (open) => {
  async function setUp() {
    const server = await open();
    const app = await makeApp(server);
    await makeUser(server, app.UserPoolId, "ann");
    return { server, app, query: queryOf(app), visitor: newVisitor(server, app) };
  }

  test("HEAD answers as GET does, without a body", async () => {
    const { server, app, query, visitor } = await setUp();
    const [, style = ""] =
      /href="[^"]*(\/assets\/[\w.-]+\.css)"/.exec((await visitor.get(`/login?${query}`)).text) ?? [];
    const wellKnown = ["openid-configuration", "oauth-authorization-server", "jwks.json"];
    const paths = [
      ...["/login", "/challenge", "/signup", "/forgotPassword", "/confirmForgotPassword", "/confirmUser"],
      ...["/resendcode", "/oauth2/authorize", "/authorize"],
    ].map((path) => `${path}?${query}`);
    const bare = [
      "/login",
      "/confirmUser",
      "/error",
      "/signedout",
      "/signout",
      "/logout",
      "/oauth2/token",
      "/nothing",
      style,
    ];
    /** Headers of the connection, and those that change each time. */
    const passing = ["connection", "keep-alive", "transfer-encoding", "content-length"];
    passing.push("date", "x-amz-cognito-request-id");
    for (const path of [...paths, ...bare, ...wellKnown.map((name) => `/.well-known/${name}`)]) {
      const ask = async (method: string) => {
        const url = `${server.endpoint}/${app.UserPoolId}${path}`;
        const answer = await fetch(url, { method, redirect: "manual" });
        const headers = [...answer.headers]
          .filter(([name]) => !passing.includes(name))
          // Each refused request has an id of its own.
          .map(([name, value]) => [name, value.replace(/(?<=&request_id=)[\w-]{36}\.[\w-]{22}$/, "")]);
        return { status: answer.status, headers, body: await answer.text() };
      };
      const [head, get] = [await ask("HEAD"), await ask("GET")];
      assert.deepEqual([head.status, head.headers, head.body], [get.status, get.headers, ""], path);
    }
  });

  test("each redirect that answers a form is 303, at the pages and at the endpoints", async () => {
    const { server, app, query, visitor } = await setUp();
    const statusOf = async (path: string, fields: Record<string, string>) => {
      const { status, location } = await visitor.post(path, fields);
      assert.notEqual(location, "", path);
      return status;
    };
    const parameters = { client_id: app.ClientId, redirect_uri: callback, response_type: "code" };
    const seen = [
      await statusOf("/oauth2/authorize", parameters),
      await statusOf("/oauth2/authorize", { ...parameters, scope: "unknown" }),
      await statusOf("/oauth2/authorize", { ...parameters, redirect_uri: "https://x.example" }),
      await statusOf(`/login?${query}`, { username: "ann", password }),
      await statusOf("/oauth2/authorize", parameters),
      await statusOf(`/login?${query}`, { continue: "1" }),
      await statusOf(`/login?${query}&scope=unknown`, {}),
      await statusOf("/login", {}),
      await statusOf("/logout", { client_id: app.ClientId }),
      await statusOf("/logout", { client_id: "nobody" }),
    ];
    assert.deepEqual(
      seen,
      seen.map(() => 303),
    );
    for (const path of ["/oauth2/authorize", "/logout", `/login?${query}&scope=unknown`]) {
      const url = `${server.endpoint}/${app.UserPoolId}${path}`;
      assert.equal((await fetch(url, { redirect: "manual" })).status, 302, path);
    }
  });
});
