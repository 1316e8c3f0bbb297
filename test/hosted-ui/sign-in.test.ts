/** Sign-in at the hosted pages, from the authorization request to tokens, by forms alone. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { GetUserCommand } from "@aws-sdk/client-cognito-identity-provider";
import { makeUser, password } from "../api/people.ts";
import { forEachServer } from "../api/server.ts";
import { codeIn, makeApp, newVisitor, queryOf, redeem } from "./visitor.ts";

forEachServer("hosted pages: sign-in", (open) => {
  async function setUp() {
    const server = await open();
    const app = await makeApp(server);
    await makeUser(server, app.UserPoolId, "ann");
    return { server, app, visitor: newVisitor(server, app) };
  }

  test("from the authorization request to tokens", async () => {
    const { server, app, visitor } = await setUp();
    const query = queryOf(app, { nonce: "n-1" });
    const sent = await visitor.get(`/oauth2/authorize?${query}`);
    assert.equal(sent.location, `${server.endpoint}/${app.UserPoolId}/login?${query}`);
    const login = await visitor.get(sent.location);
    assert.equal(login.status, 200);
    assert.equal(login.title, "Sign in to Notes");
    const done = await visitor.submit(login, "/login", { username: "ann", password });
    const tokens = await redeem(server, app, codeIn(done));
    const AccessToken = tokens["access_token"] as string;
    const user = await server.client.send(new GetUserCommand({ AccessToken }));
    assert.equal(user.Username, "ann");
    // The browser is signed in now.
    const again = await visitor.get(`/oauth2/authorize?${query}`);
    assert.match(again.location, /[?&]code=/);
  });
});
