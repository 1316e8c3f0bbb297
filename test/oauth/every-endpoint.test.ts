/** What holds of every endpoint of a pool: its methods, and the headers of all its answers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { password } from "../api/people.ts";
import { forEachServer } from "../api/server.ts";
import { placesOf, type RawAnswer, type RawRequest } from "./raw.ts";
import { callback, goodbye, setUp } from "./support.ts";

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

forEachServer("every endpoint", (open) => {
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
        // What has a code in it is never told to where the browser goes next.
        if (headers["location"])
          assert.match(headers["referrer-policy"] ?? "", /^(?:no-referrer|same-origin)$/, told);
      }
  });
});
