/**
 * Requests that are neither right nor an honest mistake: methods, types, repeated and oversized parameters, odd
 * headers.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { makeClient, password } from "../kit/people.ts";
import { forOneServer } from "../kit/server.ts";
import { placesOf, type RawAnswer, type RawRequest } from "./raw.ts";
import { authorize, callback, claimsOf, goodbye, newCode, pkce, post, redeem, setUp } from "./support.ts";

const form = (fields: Record<string, string>) => new URLSearchParams(fields).toString();

const endpoints: Readonly<Record<string, readonly string[]>> = {
  "/oauth2/authorize": ["GET", "HEAD", "POST"],
  "/authorize": ["GET", "HEAD", "POST"],
  "/oauth2/token": ["POST", "OPTIONS"],
  "/oauth2/userInfo": ["GET", "HEAD", "POST", "OPTIONS"],
  "/oauth2/revoke": ["POST", "OPTIONS"],
  "/logout": ["GET", "HEAD", "POST"],
  ...Object.fromEntries(
    [
      "/login",
      "/challenge",
      "/signup",
      "/confirmUser",
      "/resendcode",
      "/forgotPassword",
      "/confirmForgotPassword",
    ].map((page) => [page, ["GET", "HEAD", "POST"]]),
  ),
  "/error": ["GET", "HEAD"],
  "/signedout": ["GET", "HEAD"],
  "/.well-known/openid-configuration": ["GET", "HEAD"],
  "/.well-known/oauth-authorization-server": ["GET", "HEAD"],
  "/.well-known/jwks.json": ["GET", "HEAD"],
};
const methods =
  "GET HEAD POST PUT PATCH DELETE OPTIONS TRACE PROPFIND SEARCH LOCK COPY PURGE LINK QUERY".split(" ");

forOneServer("postgres", "confusion", (open) => {
  test("other methods do nothing at any endpoint, and TRACE shows nothing", async () => {
    const server = await open();
    const place = await setUp(server);
    const query = form({ response_type: "code", client_id: place.ClientId, redirect_uri: callback });
    for (const [where, send] of Object.entries(await placesOf(server, place)))
      for (const [path, allowed] of Object.entries(endpoints))
        for (const method of methods.filter((one) => !allowed.includes(one))) {
          const headers = [
            `cookie: ${place.cookie}`,
            "x-secret: shown-by-trace",
            `origin: ${server.endpoint}`,
          ];
          const answer = await sendAll(send, { method, target: `${path}?${query}`, headers });
          const told = `${method} ${path} at ${where}: ${answer.status}`;
          assert.ok([404, 405].includes(answer.status), told);
          assert.deepEqual(
            [answer.headers["location"], answer.headers["set-cookie"]],
            [undefined, undefined],
            told,
          );
          assert.doesNotMatch(answer.body, /shown-by-trace|poolhouse-/, told);
        }
  });
  const sendAll = (send: (request: RawRequest) => Promise<RawAnswer>, request: RawRequest) =>
    send(request.method === "PUT" ? { ...request, body: "username=ann" } : request);

  test("HEAD is GET without a body", async () => {
    const server = await open();
    const place = await setUp(server);
    const { main } = await placesOf(server, place);
    const query = form({ response_type: "code", client_id: place.ClientId, redirect_uri: callback });
    for (const target of [`/login?${query}`, "/error", "/signedout", "/.well-known/openid-configuration"]) {
      const [head, get] = [await main({ method: "HEAD", target }), await main({ target })];
      assert.deepEqual([head.status, head.body], [get.status, ""], target);
      assert.equal(head.headers["content-type"], get.headers["content-type"]);
    }
  });

  test("no answer may be framed, guessed at or kept, but keys and files of ours", async () => {
    const server = await open();
    const place = await setUp(server);
    const query = form({ response_type: "code", client_id: place.ClientId, redirect_uri: callback });
    const page = await (await fetch(`${place.base}/login?${query}`)).text();
    const files = [...page.matchAll(/(?:href|src)="\/[^/"]+(\/assets\/[^"]+)"/g)].map(([, path]) => path!);
    assert.equal(files.length, 2);
    const cookie = [`cookie: ${place.cookie}`];
    const own = [`origin: ${server.endpoint}`];
    const requests: RawRequest[] = [
      ...Object.keys(endpoints).flatMap((path) =>
        ["GET", "POST", "DELETE"].map((method) => ({ method, target: path })),
      ),
      ...[...files, "/assets/none.css", "/nothing", "/", "/login/"].map((target) => ({ target })),
      ...["/login", "/signup", "/forgotPassword", "/confirmUser"].map((path) => ({
        target: `${path}?${query}`,
      })),
      { target: `/oauth2/authorize?${query}`, headers: cookie },
      { target: `/oauth2/authorize?${query}` },
      { target: `/oauth2/authorize?${query}&scope=none`, headers: cookie },
      { target: `/logout?${form({ client_id: place.ClientId, logout_uri: goodbye })}` },
      { method: "POST", target: `/login?${query}`, headers: own, body: form({ username: "ann", password }) },
      {
        method: "POST",
        target: `/login?${query}`,
        headers: own,
        body: form({ username: "ann", password: "wrong" }),
      },
      { method: "POST", target: `/login?${query}`, body: form({ username: "ann", password }) },
      { method: "POST", target: "/oauth2/token", body: form({ grant_type: "client_credentials" }) },
      { method: "POST", target: "/oauth2/userInfo", headers: ["authorization: Bearer x.y.z"] },
    ];
    for (const [where, send] of Object.entries(await placesOf(server, place)))
      for (const request of requests) {
        const { status, headers } = await send(request);
        const told = `${request.method ?? "GET"} ${request.target} at ${where}: ${status} ${JSON.stringify(headers)}`;
        assert.ok(status > 0 && status < 500, told);
        assert.equal(headers["x-frame-options"], "DENY", told);
        assert.equal(headers["x-content-type-options"], "nosniff", told);
        const isPublic =
          status === 200 && (files.includes(request.target) || request.target.startsWith("/.well-known"));
        assert.match(headers["cache-control"] ?? "", isPublic ? /^public, max-age=\d+/ : /^no-store$/, told);
        if (headers["content-type"]?.startsWith("text/html"))
          assert.match(headers["content-security-policy"] ?? "", /frame-ancestors 'none'/, told);
        // A URL with a code in it must never become a referrer.
        if (headers["location"])
          assert.match(headers["referrer-policy"] ?? "", /^(?:no-referrer|same-origin)$/, told);
      }
  });

  test("the token endpoint takes forms alone, and nothing out of the query", async () => {
    const server = await open();
    const place = await setUp(server);
    const fields = { grant_type: "authorization_code", client_id: place.ClientId, redirect_uri: callback };
    const code = await newCode(place);
    const body = form({ ...fields, code });
    const { main } = await placesOf(server, place);
    const token = (target: string, type: string | undefined, text: string) =>
      main({ method: "POST", target, body: text, headers: [`content-type: ${type}`] });
    for (const type of [
      ...["application/json", "text/plain", "text/html", "multipart/form-data; boundary=x", "*/*", "", ";"],
      ...[
        "application/x-www-form-urlencodedx",
        "x-application/x-www-form-urlencoded",
        "application/x-www-form",
      ],
      ...[
        "text/plain; application/x-www-form-urlencoded",
        "application/json, application/x-www-form-urlencoded",
      ],
    ]) {
      const answer = await token("/oauth2/token", type, body);
      assert.equal(answer.status, 400, type);
      assert.equal(JSON.parse(answer.body).error, "invalid_request", type);
    }
    for (const text of [
      JSON.stringify({ ...fields, code }),
      `\r\n${body}`,
      `code=${code}`,
      "",
      "&&&",
      "====",
      "%",
      "\0",
    ]) {
      const answer = await token(`/oauth2/token?${body}`, "application/x-www-form-urlencoded", text);
      assert.equal(answer.status, 400, text);
    }
    const odd = "Application/X-WWW-Form-Urlencoded ;charset=ISO-8859-1";
    const answer = await token("/oauth2/token?grant_type=client_credentials&code=x", odd, body);
    assert.equal(answer.status, 200, "none of these has burnt the code");
  });

  test("a parameter twice is refused in every form, however its name is written", async () => {
    const server = await open();
    const place = await setUp(server);
    const code = await newCode(place);
    const { main } = await placesOf(server, place);
    const body = form({
      grant_type: "authorization_code",
      client_id: place.ClientId,
      redirect_uri: callback,
      code,
    });
    const headers = [`cookie: ${place.cookie}`];
    for (const more of [
      ...[
        "code=x",
        "%63ode=x",
        "client_id=x",
        `redirect_uri=${encodeURIComponent(callback)}`,
        "grant_type=",
        "code=",
      ],
      ...["grant_type=authorization_code", "client%5Fid=x", "redirect_uri=", "x=1&x=2", "=&="],
    ])
      for (const text of [`${body}&${more}`, `${more}&${body}`]) {
        const answer = await main({ method: "POST", target: "/oauth2/token", body: text });
        assert.deepEqual([answer.status, JSON.parse(answer.body).error], [400, "invalid_request"], text);
        const asked = await main({ method: "POST", target: "/oauth2/authorize", body: text, headers });
        assert.equal(asked.status, 400, text);
      }
    const query = form({ response_type: "code", client_id: place.ClientId, redirect_uri: callback });
    for (const more of [
      "client_id=x",
      "client%5fid=x",
      "redirect_uri=https://evil.example/",
      "redirect%5Furi=x",
    ])
      for (const text of [`${query}&${more}`, `${more}&${query}`])
        for (const path of ["/oauth2/authorize", "/login"]) {
          const { headers: told } = await main({ target: `${path}?${text}`, headers });
          assert.match(told["location"] ?? "", /\/error\?error=invalid_request/, `${path} ${text}`);
        }
    // For a POST the form counts, whatever is in its query.
    const evil = form({ redirect_uri: "https://evil.example/", client_id: "x", state: "evil" });
    const { headers: told } = await main({
      method: "POST",
      target: `/oauth2/authorize?${evil}`,
      body: query,
      headers,
    });
    assert.match(told["location"] ?? "", /^http:\/\/localhost:9999\/callback\?kept=1&code=/);
    assert.doesNotMatch(told["location"] ?? "", /evil/);
    assert.equal((await redeem(place, code)).status, 200);
  });

  test("an empty value before the real one takes nothing away from it", async () => {
    const place = await setUp(await open());
    const { verifier, challenge } = pkce();
    const raw = `&scope=&code_challenge=&code_challenge_method=&nonce=&state=&prompt=&${form({ ...challenge, scope: "openid", nonce: "n1", state: "s2" })}`;
    const location = await authorize(place, { state: undefined }, raw);
    assert.equal(location.searchParams.get("state"), "s2");
    const code = location.searchParams.get("code") ?? assert.fail(location.href);
    const { body } = await redeem(place, code, { code_verifier: verifier });
    assert.equal(claimsOf(body["access_token"])["scope"], "openid");
    assert.equal(claimsOf(body["id_token"])["nonce"], "n1");
    const bare = (await authorize(place, {}, raw.replace("&state=s2", ""))).searchParams.get("code") ?? "";
    assert.equal((await redeem(place, bare)).body["error"], "invalid_grant", "the challenge is in force");
    const none = await authorize(place, {}, "&prompt=&prompt=login");
    assert.match(none.pathname, /\/login$/);
  });

  test("response types that are not one of the two give nothing", async () => {
    const place = await setUp(await open());
    for (const response_type of [
      ...["code token", "token code", "code id_token", "id_token token", "id_token", "none", "code,token"],
      ...[
        "CODE",
        "Token",
        " code",
        "code ",
        "code\x01",
        "code\ttoken",
        "code;token",
        "[code]",
        "toString",
        "__proto__",
      ],
    ]) {
      const location = await authorize(place, { response_type, nonce: "n" });
      const told = new URLSearchParams(`${location.search.slice(1)}&${location.hash.slice(1)}`);
      assert.equal(told.get("error"), "unsupported_response_type", JSON.stringify(response_type));
      assert.deepEqual(
        [told.get("code"), told.get("access_token"), told.get("id_token")],
        [null, null, null],
      );
    }
  });

  test("odd Authorization headers are no client, and no defect", async () => {
    const server = await open();
    const place = await setUp(server, { GenerateSecret: true });
    const { ClientId, ClientSecret = "" } = place;
    const other = await makeClient(server, place.UserPoolId, { GenerateSecret: true });
    const { main } = await placesOf(server, place);
    const basic = (text: string | Buffer) => `Basic ${Buffer.from(text).toString("base64")}`;
    const right = `${ClientId}:${ClientSecret}`;
    const headers = [
      ...[
        "Basic",
        "Basic ",
        "Basic =",
        "Basic !!!",
        "Basic ====",
        "Bearer x",
        `Basic ${right}`,
        "Digest a=b",
        ",",
      ],
      ...[
        "",
        ":",
        "::",
        ClientId,
        `${ClientId}:`,
        `:${ClientSecret}`,
        `${ClientId}::${ClientSecret}`,
        `${right}\0`,
      ].map(basic),
      ...[
        `${right}\n`,
        ` ${right}`,
        `${right} `,
        `${right}:`,
        `\ufeff${right}`,
        `${ClientId}\0:${ClientSecret}`,
      ].map(basic),
      ...[
        "%:%",
        "%00:%00",
        "%zz:%zz",
        `${ClientId}:%`,
        `${ClientId}:%25`,
        `${right}%00`,
        "é:ü",
        "\u{1f600}:x",
      ].map(basic),
      ...[
        `${other.ClientId}:${ClientSecret}`,
        `${ClientId}:${other.ClientSecret}`,
        `${ClientId.toUpperCase()}:${ClientSecret}`,
      ].map(basic),
      ...[Buffer.from([0xff, 0xfe, 0x3a, 0xff]), Buffer.alloc(3_000, "a:")].map(basic),
      `${basic(right)}, ${basic(right)}`,
      `${basic(right)} x`,
    ];
    for (const header of headers) {
      const answer = await main({
        method: "POST",
        target: "/oauth2/token",
        headers: [`authorization: ${header}`],
        body: form({ grant_type: "authorization_code", code: "x", redirect_uri: callback }),
      });
      const { error } = JSON.parse(answer.body);
      assert.ok([400, 401].includes(answer.status), `${answer.status} for ${header}`);
      // "Basic :secret" identifies nobody, which is a different mistake.
      assert.match(error, /^(?:invalid_client|invalid_request)$/, header);
    }
    const encoded = [...right]
      .map((one) => (one === ":" ? one : `%${one.charCodeAt(0).toString(16)}`))
      .join("");
    for (const text of [right, encoded]) {
      const form_ = { grant_type: "authorization_code", code: await newCode(place), redirect_uri: callback };
      assert.equal((await post(place, form_, { basic: text })).status, 200, text);
    }
    const both = {
      grant_type: "authorization_code",
      code: "x",
      redirect_uri: callback,
      client_secret: ClientSecret,
    };
    assert.equal((await post(place, both, { basic: right })).body["error"], "invalid_request");
    const mixed = { grant_type: "authorization_code", code: "x", client_id: other.ClientId };
    assert.equal((await post(place, mixed, { basic: right })).body["error"], "invalid_request");
  });
});
