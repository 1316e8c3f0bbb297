/** The protections of the hosted pages: who may send their forms, their headers, and that everything is escaped. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { UpdateUserPoolClientCommand } from "@aws-sdk/client-cognito-identity-provider";
import { makeUser, password } from "../kit/people.ts";
import { forOneServer } from "../kit/server.ts";
import { type App, callback, makeApp, newVisitor, queryOf, type Shown } from "./visitor.ts";

const forms = [
  "login",
  "challenge",
  "signup",
  "confirmUser",
  "resendcode",
  "forgotPassword",
  "confirmForgotPassword",
  "passkeys/add",
];

forOneServer("postgres", "hosted pages: guards", (open) => {
  async function setUp(client: Parameters<typeof makeApp>[2] = {}) {
    const server = await open();
    const app = await makeApp(server, {}, client);
    await makeUser(server, app.UserPoolId, "ann");
    return { server, app, visitor: newVisitor(server, app), origin: new URL(server.endpoint).origin };
  }

  test("a form is taken from a page of this origin alone", async () => {
    const { app, visitor, origin } = await setUp();
    const send = (headers: Record<string, string>, path = "login") =>
      visitor.post(`/${path}?${queryOf(app)}`, { username: "ann", password }, headers);
    const other = new URL(origin);
    other.port = String(Number(other.port) + 1);
    const refused: Record<string, string>[] = [
      { origin: "https://evil.example" },
      { origin: other.origin },
      { origin: origin.replace("http:", "https:") },
      { origin: `${origin}.evil.example` },
      { origin: "null" },
      { origin: "" },
      { origin, "sec-fetch-site": "cross-site" },
      { origin, "sec-fetch-site": "same-site" },
      { origin, "sec-fetch-site": "none" },
      { origin: "null", "sec-fetch-site": "same-site" },
      { origin: "https://evil.example", "sec-fetch-site": "same-origin" },
    ];
    for (const headers of refused) {
      const shown = await send(headers);
      assert.equal(shown.status, 403, JSON.stringify(headers));
      assert.equal(shown.location, "");
      assert.deepEqual(shown.response.headers.getSetCookie(), []);
      assert.match(shown.text, /This form was not sent from this page/);
    }
    for (const path of forms)
      assert.equal((await send({ origin: "https://evil.example" }, path)).status, 403, path);
    for (const headers of [
      { origin },
      { origin, "sec-fetch-site": "same-origin" },
      { origin: "null", "sec-fetch-site": "same-origin" },
    ])
      assert.match((await send(headers)).location, /code=/, JSON.stringify(headers));
  });

  test("without an Origin a form is taken only if the browser says where it comes from", async () => {
    const { server, app } = await setUp();
    const send = (headers: Record<string, string>) =>
      fetch(`${server.endpoint}/${app.UserPoolId}/login?${queryOf(app)}`, {
        method: "POST",
        body: new URLSearchParams({ username: "ann", password }),
        headers,
        redirect: "manual",
      });
    assert.equal((await send({})).status, 403);
    assert.equal((await send({ "sec-fetch-site": "same-site" })).status, 403);
    assert.equal((await send({ "sec-fetch-site": "same-origin" })).status, 303);
  });

  test("only forms, and of a page's size", async () => {
    const { server, app, visitor, origin } = await setUp();
    const url = `${server.endpoint}/${app.UserPoolId}/login?${queryOf(app)}`;
    const body = JSON.stringify({ username: "ann", password });
    const headers = { origin, "content-type": "text/plain" };
    const text = await fetch(url, { method: "POST", body, headers, redirect: "manual" });
    assert.match(text.headers.get("location") ?? "", /\/error\?error=invalid_request/);
    const long = await visitor.post(`/login?${queryOf(app)}`, { username: "a".repeat(70_000), password });
    assert.match(long.location, /\/error\?error=invalid_request/);
  });

  async function everyPage(app: App, visitor: ReturnType<typeof newVisitor>): Promise<Record<string, Shown>> {
    const query = queryOf(app);
    return {
      login: await visitor.get(`/login?${query}`),
      "sign-up": await visitor.get(`/signup?${query}`),
      confirm: await visitor.get(`/confirmUser?${query}`),
      forgot: await visitor.get(`/forgotPassword?${query}`),
      reset: await visitor.post(`/forgotPassword?${query}`, { username: "ann" }),
      refused: await visitor.post(`/login?${query}`, { username: "ann", password: "Wrong-Password-1" }),
      error: await visitor.get("/error?error=redirect_mismatch"),
      "signed out": await visitor.get("/signedout"),
      foreign: await visitor.post(`/login?${query}`, {}, { origin: "https://evil.example" }),
    };
  }

  test("headers of every page", async () => {
    const { app, visitor } = await setUp();
    for (const [name, { response }] of Object.entries(await everyPage(app, visitor))) {
      const { headers } = response;
      const policy = headers.get("content-security-policy") ?? "";
      for (const part of [
        "default-src 'none'",
        "style-src 'self'",
        "script-src 'self'",
        "img-src 'self' data:",
        "connect-src 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
      ])
        assert.ok(policy.split("; ").includes(part), `${name}: ${part}`);
      assert.equal(headers.get("cache-control"), "no-store", name);
      assert.equal(headers.get("x-frame-options"), "DENY", name);
      assert.equal(headers.get("x-content-type-options"), "nosniff", name);
      assert.equal(headers.get("referrer-policy"), "same-origin", name);
      assert.equal(headers.get("cross-origin-opener-policy"), "same-origin", name);
    }
  });

  test("form-action names exact addresses of this client, that of the request first, and no other", async () => {
    /** Nothing names an IPv6 address, or a host of earlier versions with a wildcard. */
    const targets: Readonly<Record<string, string | undefined>> = {
      "https://app.example/callback?keep=1": "https://app.example",
      "https://app.example:8443/x": "https://app.example:8443",
      "http://localhost:3000/x": "http://localhost:3000",
      "http://[::1]:3000/x": undefined,
      "https://[2001:db8::1]/x?a='b'": undefined,
      "myapp://signed-in": "myapp:",
      "https://a;script-src.example/x": undefined,
      "https://*.example/x": undefined,
      "https://*/x": undefined,
    };
    const { server, app, visitor } = await setUp();
    const registered = Object.keys(targets);
    await server.client.send(
      new UpdateUserPoolClientCommand({
        ...app,
        ClientName: "Notes",
        CallbackURLs: registered.filter((uri) => !/[;*]/.test(uri)),
        LogoutURLs: ["https://out.example/bye"],
        AllowedOAuthFlowsUserPoolClient: true,
        AllowedOAuthFlows: ["code"],
        AllowedOAuthScopes: ["openid"],
      }),
    );
    const { kysely } = server.app.db;
    const ofClient = ["client_id", "=", app.ClientId] as const;
    const row = await kysely
      .selectFrom("clients")
      .selectAll()
      .where(...ofClient)
      .executeTakeFirstOrThrow();
    const document = JSON.stringify({ ...JSON.parse(row.document), CallbackURLs: registered });
    const changed = { document, version: row.version + 1 };
    await kysely
      .updateTable("clients")
      .set(changed)
      .where(...ofClient)
      .execute();
    for (const [uri, source] of Object.entries(targets)) {
      const query = queryOf(app).replace(encodeURIComponent(callback), encodeURIComponent(uri));
      const { response } = await visitor.get(`/login?${query}`);
      const policy = response.headers.get("content-security-policy") ?? "";
      const [self, ...sources] = /; form-action ([^;]*)$/.exec(policy)?.[1]?.split(" ") ?? [];
      assert.equal(self, "'self'");
      if (source !== undefined) assert.equal(sources[0], source, uri);
      const known = Object.values(targets).filter((one) => one !== undefined);
      assert.deepEqual(sources.toSorted(), ["https://out.example", ...known].toSorted());
      const done = await visitor.post(`/login?${query}`, { username: "ann", password });
      const sentOn = source === undefined ? /content="0; url=([^"]*)"/.exec(done.text)?.[1] : done.location;
      assert.ok(sentOn?.replaceAll("&#39;", "'").startsWith(uri), `${uri}: ${done.text}`);
      assert.match(sentOn ?? "", /[?&](?:amp;)?code=/);
      assert.equal(done.status, source === undefined ? 200 : 303, uri);
    }
    const { response } = await visitor.get("/error?error=invalid_client");
    assert.match(response.headers.get("content-security-policy") ?? "", /; form-action 'self'$/);
  });

  test("nothing comes back as markup", async () => {
    const evil = `"><script>alert(1)</script>'`;
    const { app, visitor } = await setUp();
    const query = queryOf(app, {
      login_hint: evil,
      lang: evil,
      nonce: evil,
      user_name: evil,
      confirmation_code: evil,
    });
    const fields = {
      username: evil,
      password: evil,
      code: evil,
      session: evil,
      destination: evil,
      email: evil,
      challenge: "EMAIL_OTP",
      answer: evil,
      "parameter.CODE_DELIVERY_DESTINATION": evil,
      "parameter.available": evil,
      [`parameter.${evil}`]: evil,
    };
    const reflecting: Shown[] = [
      await visitor.get(`/error?${new URLSearchParams({ error: evil, client_id: evil, lang: evil })}`),
      await visitor.get(`/signedout?${query}`),
    ];
    for (const path of forms) {
      reflecting.push(await visitor.get(`/${path}?${query}`));
      reflecting.push(await visitor.post(`/${path}?${query}`, fields));
    }
    for (const name of [
      "SELECT_CHALLENGE",
      "SMS_MFA",
      "SOFTWARE_TOKEN_MFA",
      "SELECT_MFA_TYPE",
      "MFA_SETUP",
      "NEW_PASSWORD_REQUIRED",
      "WEB_AUTHN",
      "CUSTOM_CHALLENGE",
    ])
      reflecting.push(
        await visitor.post(`/challenge?${query}`, {
          ...fields,
          challenge: name,
          "parameter.secret": evil,
          "parameter.MFAS_CAN_CHOOSE": JSON.stringify([evil]),
          "parameter.MFAS_CAN_SETUP": JSON.stringify([evil]),
          "parameter.requiredAttributes": JSON.stringify([`userAttributes.${evil}`]),
        }),
      );
    for (const { text, status } of reflecting) {
      assert.ok(status === 200 || status === 400, text);
      assert.doesNotMatch(text, /<script>|alert\(1\)<|">'/, text);
    }
    assert.ok(reflecting.some(({ text }) => text.includes("&lt;script&gt;")));
  });

  test("U+0000 in a form or a query is refused, wherever it is", async () => {
    const { app, visitor } = await setUp();
    const query = queryOf(app);
    const names = ["username", "password", "code", "session", "credential", "answer", "email", "unknown"];
    const isRefused = ({ status, location }: Shown, what: string) => {
      assert.ok([302, 303].includes(status), `${what}: ${status}`);
      const { pathname, searchParams } = new URL(location);
      assert.equal(pathname, `/${app.UserPoolId}/error`, what);
      assert.equal(searchParams.get("error"), "invalid_request", what);
      assert.equal(location.includes("%00"), false, what);
    };
    for (const path of forms) {
      for (const name of names) {
        const fields = { username: "ann", [name]: "a\0b", challenge: "EMAIL_OTP" };
        isRefused(await visitor.post(`/${path}?${query}`, fields), `${path}, ${name}`);
      }
      isRefused(await visitor.post(`/${path}?${query}`, { "a\0": "b" }), `${path}, a name`);
      for (const odd of ["nonce=a%00b", "login_hint=%00", "x%00=1", "lang=%00", "state=%00"]) {
        isRefused(await visitor.get(`/${path}?${query}&${odd}`), `${path}, ${odd}`);
        isRefused(await visitor.post(`/${path}?${query}&${odd}`, { username: "ann", password }), path);
      }
      isRefused(await visitor.get(`/${path}?client_id=%00`), `${path}, client_id`);
    }
    assert.equal((await visitor.get("/error?error=%00&client_id=%00")).status, 400);
  });

  test("style and script are files of this server, named by what is in them", async () => {
    const { server, app, visitor } = await setUp();
    const { text } = await visitor.get(`/login?${queryOf(app)}`);
    const links = [...text.matchAll(/(?:href|src)="([^"?]+\.(?:css|js))"/g)].map(([, link]) => link!);
    assert.deepEqual(
      links.map((link) => link.replace(/[0-9a-f]{16}/, "HASH")),
      [`/${app.UserPoolId}/assets/HASH.css`, `/${app.UserPoolId}/assets/HASH.js`],
    );
    assert.doesNotMatch(text, /<style|style=|<script(?! src)| on\w+=/);
    for (const link of links) {
      const response = await fetch(`${server.endpoint}${link}`);
      assert.equal(response.status, 200);
      assert.match(response.headers.get("content-type") ?? "", /^text\/(?:css|javascript); charset=utf-8$/);
      assert.equal(response.headers.get("cache-control"), "public, max-age=31536000, immutable");
      await response.text();
    }
    const missing = await fetch(`${server.endpoint}/${app.UserPoolId}/assets/..%2f..%2froutes.ts`);
    assert.equal(missing.status, 404);
  });

  test("a page, its style and its script are at most 25 KB on the wire", async () => {
    const { server, app, visitor } = await setUp();
    const pages = await everyPage(app, visitor);
    const links = [...pages["login"]!.text.matchAll(/(?:href|src)="([^"?]+\.(?:css|js))"/g)].map(
      ([, link]) => link!,
    );
    const files = await Promise.all(
      links.map(async (link) => (await fetch(`${server.endpoint}${link}`)).text()),
    );
    const size = (text: string) => gzipSync(text).length;
    const shared = files.map(size).reduce((sum, one) => sum + one, 0);
    for (const [name, { text }] of Object.entries(pages)) {
      const bytes = size(text) + shared;
      assert.ok(bytes > 2_000 && bytes <= 25_000, `${name}: ${bytes}`);
    }
  });

  test("the error page says nothing that the author of a link has written", async () => {
    const { server, app, visitor } = await setUp();
    const other = await makeApp(server);
    const told = [
      "__proto__",
      "constructor",
      "call_0800-555-0100",
      "Redirect_mismatch",
      "x",
      "",
      "a".repeat(64),
    ];
    for (const error of told) {
      const { text, status } = await visitor.get(`/error?error=${error}&client_id=${app.ClientId}`);
      assert.equal(status, 400);
      assert.ok(text.includes("Error: <bdi>invalid_request</bdi>"), error);
      assert.ok(text.includes(`Client: <bdi>${app.ClientId}</bdi>`), error);
      if (error.length > 1) assert.ok(!text.includes(error), error);
    }
    // The last one is another pool's.
    for (const client of ["call0800555", "a".repeat(26), "+1", "", other.ClientId]) {
      const { text } = await visitor.get(
        `/error?error=invalid_client&client_id=${encodeURIComponent(client)}`,
      );
      assert.ok(text.includes("Error: <bdi>invalid_client</bdi>") && !text.includes("Client: "), client);
      if (client.length > 2) assert.ok(!text.includes(client), client);
    }
  });

  test("errors are told in sentences, with what the developer has to do", async () => {
    const { server, app, visitor } = await setUp();
    const shown = await visitor.get(`/error?error=redirect_mismatch&client_id=${app.ClientId}`);
    assert.equal(shown.status, 400);
    assert.match(shown.text, /an address that is not registered for it/);
    assert.match(shown.text, /to the CallbackURLs/);
    assert.ok(shown.text.includes(`Client: <bdi>${app.ClientId}</bdi>`));
    const id = shown.response.headers.get("x-amz-cognito-request-id");
    assert.match(id ?? "", /^[0-9a-f-]{36}$/);
    assert.ok(shown.text.includes(`Request ID: <bdi>${id}</bdi>`));
    for (const code of [
      "invalid_client",
      "unauthorized_client",
      "access_denied",
      "invalid_request",
      "TooManyRequestsException",
    ]) {
      const told = await visitor.get(`/error?error=${code}`);
      assert.equal(told.status, 400);
      assert.ok(told.text.includes(`Error: <bdi>${code}</bdi>`), code);
    }
    const nowhere = await fetch(`${server.endpoint}/us-east-1_NOBODYS01/login?client_id=x`);
    assert.equal(nowhere.status, 404);
    assert.match(await nowhere.text(), /Page not found<[\s\S]*This page doesn’t exist/);
    assert.equal((await visitor.get("/signedout")).title, "You are signed out");
  });
});
