/** id_token_hint of an authorization request (OpenID Connect Core 1.0 section 3.1.2.1): which user is asked for. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CreateUserPoolClientCommand } from "@aws-sdk/client-cognito-identity-provider";
import { newVisitor } from "../hosted-ui/visitor.ts";
import { makePool, makeUser, password } from "../kit/people.ts";
import { forOneServer, type TestServer } from "../kit/server.ts";
import {
  annsAttributes,
  authorize,
  callback,
  claimsOf,
  newCode,
  redeem,
  setUp,
  signInBrowser,
} from "./support.ts";

forOneServer("postgres", "id_token_hint", (open) => {
  async function place() {
    const server = await open();
    const at = await setUp(server);
    const cookieOf = (name: string) => signInBrowser(server, at.UserPoolId, name);
    const hintOf = async (cookie: string, ClientId = at.ClientId) => {
      const code = await newCode({ ...at, ClientId, cookie }, { scope: "openid" });
      const { body } = await redeem({ ...at, ClientId }, code);
      return String(body["id_token"]);
    };
    return { ...at, cookieOf, hintOf };
  }
  const twoPeople = async () => {
    const at = await place();
    await makeUser(at.server, at.UserPoolId, "bob");
    const bobs = await at.hintOf(await at.cookieOf("bob"));
    return { ...at, anns: await at.hintOf(at.cookie), bobs };
  };
  const errorOf = (url: URL) => url.searchParams.get("error");

  test("prompt=none is answered for the hint's user alone", async () => {
    const at = await twoPeople();
    const own = await authorize(at, { prompt: "none", id_token_hint: at.anns });
    assert.ok(own.searchParams.has("code"));
    const other = await authorize(at, { prompt: "none", id_token_hint: at.bobs });
    assert.deepEqual([errorOf(other), other.searchParams.get("state")], ["login_required", "s1"]);
  });

  test("an expired hint says whom it was issued to all the same", async () => {
    const at = await twoPeople();
    at.server.clock.advance(59 * 60_000);
    const cookie = await at.cookieOf("ann");
    at.server.clock.advance(30 * 60_000);
    const own = await authorize({ ...at, cookie }, { prompt: "none", id_token_hint: at.anns });
    assert.ok(own.searchParams.has("code"));
    const other = await authorize({ ...at, cookie }, { prompt: "none", id_token_hint: at.bobs });
    assert.equal(errorOf(other), "login_required");
  });

  test("what is no hint for this client names nobody", async () => {
    const at = await twoPeople();
    const made = await at.server.client.send(
      new CreateUserPoolClientCommand({
        UserPoolId: at.UserPoolId,
        ClientName: "other",
        AllowedOAuthFlowsUserPoolClient: true,
        AllowedOAuthFlows: ["code"],
        AllowedOAuthScopes: ["openid"],
        CallbackURLs: [callback],
      }),
    );
    const elsewhere = await place();
    const code = await newCode(at);
    const hints: Readonly<Record<string, string>> = {
      "not signed by us": `${at.anns.slice(0, -8)}AAAAAAAA`,
      "no token": "ann",
      "an access token": String((await redeem(at, code)).body["access_token"]),
      "another client's": await at.hintOf(at.cookie, made.UserPoolClient!.ClientId!),
      "another pool's": await elsewhere.hintOf(elsewhere.cookie),
    };
    for (const [what, id_token_hint] of Object.entries(hints)) {
      const silent = await authorize(at, { prompt: "none", id_token_hint });
      assert.equal(errorOf(silent), "login_required", what);
      const asked = await authorize(at, { id_token_hint });
      assert.equal(asked.pathname, `/${at.UserPoolId}/login`, what);
    }
    // Once the page has asked, whoever signs in gets an answer.
    const visitor = visitorOf(at);
    const query = new URLSearchParams({ ...request(at), id_token_hint: "ann" });
    const page = await visitor.get(`/login?${query}`);
    const done = await visitor.submit(page, "/login", { username: "bob", password });
    assert.match(done.location, /[?&]code=/);
  });

  const request = ({ ClientId }: { ClientId: string }) => ({
    client_id: ClientId,
    redirect_uri: callback,
    response_type: "code",
  });
  const visitorOf = (at: { server: TestServer; UserPoolId: string; ClientId: string }) =>
    newVisitor(at.server, { ...at, ClientSecret: undefined });

  test("without prompt the hint's user is asked for, and nobody else is answered", async () => {
    const at = await twoPeople();
    assert.ok((await authorize(at, { id_token_hint: at.anns })).searchParams.has("code"));
    const asked = await authorize(at, { id_token_hint: at.bobs });
    assert.equal(asked.pathname, `/${at.UserPoolId}/login`);
    const visitor = visitorOf(at);
    const page = await visitor.get(`/login${asked.search}`, { cookie: at.cookie });
    // Not "continue as Ann", but Bob's name, filled in.
    assert.equal(page.forms[0]?.fields["username"], "bob");
    const wrong = await visitor.submit(page, "/login", { username: "ann", password });
    assert.equal(errorOf(new URL(wrong.location)), "login_required");
    const right = await visitor.submit(page, "/login", { username: "bob", password });
    const code = new URL(right.location).searchParams.get("code") ?? assert.fail(right.location);
    const { body } = await redeem(at, code);
    assert.equal(claimsOf(body["id_token"])["sub"], claimsOf(at.bobs)["sub"]);
  });

  test("the name that is filled in is one that the user signs in with", async () => {
    const server = await open();
    const oauth = {
      AllowedOAuthFlowsUserPoolClient: true,
      AllowedOAuthFlows: ["code" as const],
      AllowedOAuthScopes: ["openid"],
      CallbackURLs: [callback],
    };
    const made = await makePool(server, { UsernameAttributes: ["email"] }, oauth);
    const [email] = annsAttributes;
    await makeUser(server, made.UserPoolId, email!.Value, annsAttributes.slice(1));
    const base = `${server.endpoint}/${made.UserPoolId}`;
    const cookie = await signInBrowser(server, made.UserPoolId, email!.Value);
    const code = await newCode({ ...made, base, cookie }, { scope: "openid" });
    const { body } = await redeem({ ...made, base }, code);
    const query = new URLSearchParams({ ...request(made), id_token_hint: String(body["id_token"]) });
    const page = await newVisitor(server, made).get(`/login?${query}`);
    assert.equal(page.forms[0]?.fields["username"], email!.Value);
  });
});
