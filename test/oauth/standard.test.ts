/** Where the RFCs say more than Cognito does: for all clients where it costs none of them anything, else for those of `poolhouse:oidc`. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CreateResourceServerCommand,
  CreateUserPoolDomainCommand,
  DeleteResourceServerCommand,
  TagResourceCommand,
  UpdateUserPoolClientCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { makeClient } from "../kit/people.ts";
import { forOneServer } from "../kit/server.ts";
import { requestText, sendRaw } from "./raw.ts";
import {
  authorize,
  callback,
  claimsOf,
  newCode,
  type OAuthPlace,
  oauthClient,
  pkce,
  post,
  redeem,
  setUp,
} from "./support.ts";

const strict = { UserPoolTags: { "poolhouse:oidc": "*" } };

/** The parameters that an answer carries, in the query or the fragment. */
const told = (location: URL) =>
  new URLSearchParams(location.hash === "" ? location.search : location.hash.slice(1));
const errorOf = (location: URL) => told(location).get("error");

forOneServer("postgres", "the standards beyond Cognito", (open) => {
  const inPool = async (tags: Record<string, string>, app: Parameters<typeof setUp>[1] = {}) =>
    setUp(await open(), app, { UserPoolTags: tags });

  test("resource: a resource server of the pool for clients of poolhouse:oidc", async () => {
    const place = await setUp(await open(), {}, strict);
    const { client } = place.server;
    const other = await setUp(place.server, {}, strict);
    const named = (at: OAuthPlace, Identifier: string) => ({
      UserPoolId: at.UserPoolId,
      Identifier,
      Name: "n",
    });
    const orders = "https://api.example/orders";
    for (const Identifier of [orders, "plain", "https://api.example/gone"])
      await client.send(new CreateResourceServerCommand(named(place, Identifier)));
    await client.send(new CreateResourceServerCommand(named(other, "https://api.example/other")));
    const gone = named(place, "https://api.example/gone");
    const { body } = await redeem(place, await newCode(place, { resource: orders }));
    assert.equal(claimsOf(body["access_token"])["aud"], orders);
    assert.equal(errorOf(await authorize(place, { resource: gone.Identifier })), null);
    await client.send(new DeleteResourceServerCommand(gone));
    const wrong = [`${orders}/`, orders.toUpperCase(), "https://api.example/other", gone.Identifier, "plain"];
    for (const resource of [...wrong, "https://elsewhere.example", "javascript:alert(1)", `${orders}#a`])
      assert.equal(errorOf(await authorize(place, { resource })), "invalid_target", resource);
  });

  test("resource: any URL for others, of a scheme that executes nothing, and on managed login alone", async () => {
    const server = await open();
    const place = await setUp(server);
    for (const resource of [
      "https://elsewhere.example/x",
      "http://localhost:3000",
      "com.example.api:/x",
      "urn:x:y",
    ])
      assert.equal(errorOf(await authorize(place, { resource })), null, resource);
    const schemes = [
      "javascript:alert(1)",
      "JavaScript:x",
      "data:text/html,x",
      "vbscript:x",
      "file:///etc",
      "blob:x",
    ];
    for (const resource of [
      ...schemes,
      "about:blank",
      "ws://x.example",
      "http://x.example",
      "x",
      "https://a#b",
    ])
      assert.equal(errorOf(await authorize(place, { resource })), "invalid_target", resource);
    for (const [version, error] of [
      [1, "invalid_scope"],
      [2, null],
    ] as const) {
      const Domain = `res-${Math.random().toString(36).slice(2, 10)}`;
      const { UserPoolId } = place;
      await server.client.send(
        new CreateUserPoolDomainCommand({ UserPoolId, Domain, ManagedLoginVersion: version }),
      );
      const { port } = new URL(server.endpoint);
      const query = { response_type: "code", client_id: place.ClientId, redirect_uri: callback };
      const asked = new URLSearchParams({ ...query, resource: "https://a.example" });
      const headers = [`host: ${Domain}.auth.localhost:${port}`, `cookie: ${place.cookie}`];
      const text = requestText({ target: `/oauth2/authorize?${asked}`, headers });
      const answer = await sendRaw(server.endpoint, text);
      const location = new URL(answer.headers["location"] ?? "");
      assert.equal(errorOf(location), error, `ManagedLoginVersion ${version}`);
    }
  });

  test("scope is named in an answer with tokens unless it is what was asked for", async () => {
    const server = await open();
    const place = await setUp(server);
    const all = "openid email profile phone aws.cognito.signin.user.admin";
    const rows: [string | undefined, string | undefined][] = [
      ["openid email", undefined],
      ["email openid email", undefined],
      [undefined, all],
      ["", all],
    ];
    for (const [scope, named] of rows) {
      const { body } = await redeem(place, await newCode(place, { scope }));
      const sorted = (text: unknown) => (typeof text === "string" ? text.split(" ").toSorted() : text);
      assert.deepEqual(sorted(body["scope"]), sorted(named), scope);
      const implicit = told(await authorize(place, { scope, response_type: "token" }));
      assert.deepEqual(sorted(implicit.get("scope") ?? undefined), sorted(named), scope);
      const form = { grant_type: "refresh_token", client_id: place.ClientId };
      const fresh = await post(place, { ...form, refresh_token: String(body["refresh_token"]) });
      assert.equal(fresh.status, 200);
      assert.equal("scope" in fresh.body, false, "it has them already");
    }
    const code = await newCode(place, { scope: "openid email" });
    const kept = await redeem(place, await newCode(place, { scope: "openid email" }));
    const { UserPoolId, ClientId } = place;
    const change = { ...oauthClient, AllowedOAuthScopes: ["openid"], UserPoolId, ClientId };
    await server.client.send(new UpdateUserPoolClientCommand(change));
    assert.equal((await redeem(place, code)).body["scope"], "openid");
    const refresh = { grant_type: "refresh_token", client_id: ClientId };
    const less = await post(place, { ...refresh, refresh_token: String(kept.body["refresh_token"]) });
    assert.equal(less.body["scope"], "openid");
    const Scopes = ["a", "b"].map((ScopeName) => ({ ScopeName, ScopeDescription: "s" }));
    await server.client.send(
      new CreateResourceServerCommand({ UserPoolId, Identifier: "api", Name: "a", Scopes }),
    );
    const machine = await makeClient(server, UserPoolId, {
      GenerateSecret: true,
      AllowedOAuthFlowsUserPoolClient: true,
      AllowedOAuthFlows: ["client_credentials"],
      AllowedOAuthScopes: ["api/a", "api/b"],
    });
    const basic = `${machine.ClientId}:${machine.ClientSecret}`;
    const ask = (scope: object) => post(place, { grant_type: "client_credentials", ...scope }, { basic });
    assert.equal((await ask({})).body["scope"], "api/a api/b");
    assert.equal("scope" in (await ask({ scope: "api/b" })).body, false);
  });

  test("names of parameters may be encoded: %73tate is state", async () => {
    const place = await setUp(await open());
    const raw = "&%73tat%65=a%2fb";
    const location = await authorize(place, { state: undefined }, raw);
    assert.ok(location.href.endsWith("&state=a%2fb"), location.href);
    const twice = await authorize(place, { state: "first" }, raw);
    assert.equal(errorOf(twice), "invalid_request");
    const plain = new URLSearchParams({ response_type: "code", redirect_uri: callback });
    const answer = await fetch(
      `${place.base}/oauth2/authorize?${plain}&%63lient_id=${place.ClientId}&st%61te=s`,
      {
        redirect: "manual",
        headers: { cookie: place.cookie },
      },
    );
    assert.match(answer.headers.get("location") ?? "", /[?&]code=.*&state=s$/);
  });

  test("a redirect URI that the authorization request left to the default need not be repeated", async () => {
    const place = await setUp(await open(), { DefaultRedirectURI: callback });
    const form = { grant_type: "authorization_code", client_id: place.ClientId };
    const byDefault = () => newCode(place, { redirect_uri: undefined });
    assert.equal((await post(place, { ...form, code: await byDefault() })).status, 200);
    assert.equal((await redeem(place, await byDefault())).status, 200);
    const wrong = await redeem(place, await byDefault(), { redirect_uri: "https://elsewhere.example" });
    assert.equal(wrong.body["error"], "unauthorized_client");
    const named = await newCode(place);
    const missing = await post(place, { ...form, code: named });
    assert.equal(missing.body["error"], "unauthorized_client", "it was named, so it must be repeated");
  });

  test("a failed Basic is 401 with WWW-Authenticate for clients of poolhouse:oidc; others keep Cognito's 400", async () => {
    for (const [tags, status] of [
      [{ "poolhouse:oidc": "*" }, 401],
      [{}, 400],
    ] as const) {
      const place = await inPool(tags as Record<string, string>, { GenerateSecret: true });
      const form = { grant_type: "authorization_code", code: "x", redirect_uri: callback };
      for (const basic of [`${place.ClientId}:wrong`, "nobody:wrong", "x"]) {
        const answer = await post(place, form, { basic });
        assert.deepEqual([answer.status, answer.body["error"]], [status, "invalid_client"], basic);
        const challenge = answer.headers.get("www-authenticate");
        assert.equal(challenge, status === 401 ? 'Basic realm="oauth2"' : null, basic);
      }
      const posted = await post(place, { ...form, client_id: place.ClientId, client_secret: "wrong" });
      assert.deepEqual([posted.status, posted.body["error"]], [400, "invalid_client"]);
    }
    const listed = await inPool({}, { GenerateSecret: true });
    const ResourceArn = `arn:aws:cognito-idp:us-east-1:000000000000:userpool/${listed.UserPoolId}`;
    const Tags = { "poolhouse:oidc": listed.ClientId };
    await listed.server.client.send(new TagResourceCommand({ ResourceArn, Tags }));
    const form = { grant_type: "authorization_code", code: "x" };
    assert.equal((await post(listed, form, { basic: `${listed.ClientId}:wrong` })).status, 401);
    assert.equal((await post(listed, form, { basic: "nobody:wrong" })).status, 400);
  });

  test("another redirect URI at the token endpoint: invalid_grant for clients of poolhouse:oidc", async () => {
    for (const [tags, error] of [
      [{ "poolhouse:oidc": "*" }, "invalid_grant"],
      [{}, "unauthorized_client"],
    ] as const) {
      const place = await inPool(tags as Record<string, string>);
      const answer = await redeem(place, await newCode(place), { redirect_uri: `${callback}/` });
      assert.deepEqual([answer.status, answer.body["error"]], [400, error]);
    }
  });

  test("the port of a loopback address is free for clients of poolhouse:oidc, and nothing else of a URI", async () => {
    const CallbackURLs = ["http://127.0.0.1/cb?a=1", "http://[::1]:8080/cb", "http://localhost:9999/cb"];
    const free = [
      ...["http://127.0.0.1:51004/cb?a=1", "http://127.0.0.1:1/cb?a=1", "http://127.0.0.1/cb?a=1"],
      ...["http://[::1]:51004/cb", "http://[::1]/cb"],
    ];
    const wrong = [
      ...["http://127.0.0.1:51004/cb", "http://127.0.0.1:51004/cb?a=1&b=2", "http://127.0.0.1:51004/CB?a=1"],
      ...["http://127.0.0.1:99999/cb?a=1", "http://127.0.0.1:/cb?a=1", "http://127.0.0.1:80a/cb?a=1"],
      ...["https://127.0.0.1:51004/cb?a=1", "http://127.0.0.2:51004/cb?a=1", "http://127.1:51004/cb?a=1"],
      ...["http://127.0.0.1:51004@evil.example/cb?a=1", "http://127.0.0.1.evil.example/cb?a=1"],
      ...["http://127.0.0.1:51004/x/../cb?a=1", "http://127.0.0.1:51004/cb?a=1#f", "http://[::1]:51004/cb/"],
      ...["http://localhost:51004/cb", "http://localhost/cb", "HTTP://127.0.0.1:51004/cb?a=1"],
    ];
    const place = await inPool({ "poolhouse:oidc": "*" }, { CallbackURLs });
    for (const redirect_uri of free) {
      const code = await newCode(place, { redirect_uri });
      assert.equal((await redeem(place, code, { redirect_uri })).status, 200, redirect_uri);
      const other = await newCode(place, { redirect_uri });
      const elsewhere = { redirect_uri: redirect_uri.replace(/(?<=[1\]])(?::\d+)?\/cb/, ":52000/cb") };
      assert.equal((await redeem(place, other, elsewhere)).body["error"], "invalid_grant", redirect_uri);
    }
    for (const redirect_uri of wrong)
      assert.equal(errorOf(await authorize(place, { redirect_uri })), "redirect_mismatch", redirect_uri);
    const plain = await inPool({}, { CallbackURLs });
    for (const redirect_uri of free.filter((uri) => !CallbackURLs.includes(uri)))
      assert.equal(errorOf(await authorize(plain, { redirect_uri })), "redirect_mismatch", redirect_uri);
  });

  test("an access token that is given twice is invalid_request, with WWW-Authenticate", async () => {
    const place = await setUp(await open());
    const { body } = await redeem(place, await newCode(place, { scope: "openid" }));
    const token = String(body["access_token"]);
    const { host } = new URL(place.server.endpoint);
    const target = `/${place.UserPoolId}/oauth2/userInfo`;
    const bearer = `authorization: Bearer ${token}`;
    const form = `access_token=${token}`;
    const send = (request: { method?: string; target?: string; body?: string }, ...headers: string[]) =>
      sendRaw(
        place.server.endpoint,
        requestText({ target, ...request, headers: [`host: ${host}`, ...headers] }),
      );
    assert.equal((await send({}, bearer)).status, 200);
    assert.equal((await send({ method: "POST", body: form })).status, 200);
    const twice = [
      await send({}, bearer, bearer),
      await send({ target: `${target}?${form}` }, bearer),
      await send({ method: "POST", body: form }, bearer),
      await send({ method: "POST", body: `${form}&${form}` }),
      await send({ method: "POST", body: form, target: `${target}?${form}` }),
    ];
    for (const { status, headers, body: answer } of twice) {
      assert.equal(status, 400, answer);
      assert.match(headers["www-authenticate"] ?? "", /^Bearer error="invalid_request"/);
      assert.equal(JSON.parse(answer).error, "invalid_request");
    }
    const inQuery = await send({ target: `${target}?${form}` });
    assert.equal(inQuery.status, 400, "never from the query alone");
  });

  test("poolhouse:require-pkce: no code without a challenge, for the clients that it lists", async () => {
    const { challenge } = pkce();
    const needsIt = async (at: OAuthPlace) => {
      const bare = errorOf(await authorize(at));
      assert.equal(errorOf(await authorize(at, challenge)), null);
      assert.ok(bare === null || bare === "invalid_request", String(bare));
      return bare !== null;
    };
    const tag = "poolhouse:require-pkce";
    for (const [value, isPublic, isConfidential] of [
      ["*", true, true],
      ["public", true, false],
      ["another public", true, false],
      ["another", false, false],
    ] as const) {
      assert.equal(await needsIt(await inPool({ [tag]: value })), isPublic, value);
      assert.equal(
        await needsIt(await inPool({ [tag]: value }, { GenerateSecret: true })),
        isConfidential,
        value,
      );
    }
    const place = await setUp(await open());
    const code = await newCode(place);
    const ResourceArn = `arn:aws:cognito-idp:us-east-1:000000000000:userpool/${place.UserPoolId}`;
    await place.server.client.send(new TagResourceCommand({ ResourceArn, Tags: { [tag]: place.ClientId } }));
    assert.equal(await needsIt(place), true);
    assert.equal((await redeem(place, code)).body["error"], "invalid_grant", "issued before");
    assert.equal(errorOf(await authorize(place, { response_type: "token" })), null, "there is no code");
  });

  test("discovery names the prompts that do something; the others are accepted", async () => {
    const place = await setUp(await open());
    const answer = await fetch(`${place.base}/.well-known/openid-configuration`);
    const { prompt_values_supported } = (await answer.json()) as Record<string, unknown>;
    assert.deepEqual(prompt_values_supported, ["none", "login"]);
    for (const prompt of ["select_account", "consent", "select_account consent"])
      assert.equal(errorOf(await authorize(place, { prompt })), null, prompt);
  });
});
