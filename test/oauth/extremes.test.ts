/** Requests that are too big, and bytes that no URL contains. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { forOneServer } from "../kit/server.ts";
import { placesOf } from "./raw.ts";
import { callback, setUp } from "./support.ts";

const form = (fields: Record<string, string>) => new URLSearchParams(fields).toString();

forOneServer("postgres", "extremes", (open) => {
  test("what is too big is refused, and a big cookie is no reason to fail", async () => {
    const server = await open();
    const place = await setUp(server);
    const { main } = await placesOf(server, place);
    const query = form({ response_type: "code", client_id: place.ClientId, redirect_uri: callback });
    const long = (bytes: number) => "a".repeat(bytes);
    assert.equal((await main({ target: `/login?${query}&x=${long(20_000)}` })).status, 431);
    assert.equal((await main({ target: `/login?${query}`, headers: [`x: ${long(20_000)}`] })).status, 431);
    const headers = [`origin: ${server.endpoint}`];
    for (const [path, status] of [
      ["/oauth2/token", 400],
      ["/oauth2/revoke", 400],
      ["/oauth2/userInfo", 400],
      ["/oauth2/authorize", 400],
      ["/logout", 400],
      [`/login?${query}`, 303],
      [`/signup?${query}`, 303],
    ] as const) {
      const many = Array.from({ length: 9_000 }, (_, index) => `p${index}=1`).join("&");
      for (const body of [`username=${long(70_000)}`, many, `${"&".repeat(70_000)}a=b`]) {
        const answer = await main({ method: "POST", target: path, headers, body });
        assert.equal(answer.status, status, `${path}: ${answer.body}`);
        if (status === 303) assert.match(answer.headers["location"] ?? "", /\/error\?error=invalid_request/);
      }
    }
    const posted = { method: "POST", target: "/oauth2/authorize", headers };
    // What is accepted from a form fits into the URL of the pages.
    for (const [bytes, status] of [
      [11_000, 303],
      [13_000, 400],
    ] as const)
      assert.equal((await main({ ...posted, body: `${query}&x=${long(bytes)}` })).status, status);
    const led = await main({ ...posted, body: `${query}&x=${long(11_000)}` });
    const { pathname, search } = new URL(led.headers["location"] ?? "");
    assert.match(pathname, /\/login$/);
    assert.equal((await fetch(`${server.endpoint}${pathname}${search}`)).status, 200);
    const [name = ""] = place.cookie.split("=");
    const crowd = Array.from({ length: 200 }, (_, index) => `c${index}=v`).join("; ");
    for (const [cookie, isIn] of [
      [`big=${long(8_000)}; ${place.cookie}`, true],
      [`${crowd}; ${place.cookie}; ${crowd}`, true],
      [`${name}=${long(8_000)}`, false],
      [`${name}=`, false],
      [`${name}=%00`, false],
      [`${name}="; ${name}=x`, false],
      [`=; ;;; ${place.cookie.toUpperCase()}`, false],
      [`__proto__=x; ${name}`, false],
    ] as const) {
      const answer = await main({ target: `/oauth2/authorize?${query}`, headers: [`cookie: ${cookie}`] });
      assert.equal(answer.status, 302);
      assert.match(answer.headers["location"] ?? "", isIn ? /[?&]code=/ : /\/login\?/, cookie.slice(0, 60));
    }
  });

  test("U+0000 in a form or a query is invalid_request at every endpoint", async () => {
    const server = await open();
    const place = await setUp(server);
    const client = { client_id: place.ClientId };
    const sent = { ...client, response_type: "code", redirect_uri: callback, resource: "https://a.example" };
    const endpoints: Readonly<Record<string, Record<string, string>>> = {
      "/oauth2/authorize": { ...sent, scope: "openid", login_hint: "a", nonce: "n", state: "s" },
      "/authorize": sent,
      "/logout": { ...client, logout_uri: "a", id_token_hint: "b", state: "s" },
      "/oauth2/token": { ...client, grant_type: "authorization_code", code: "x", refresh_token: "y" },
      "/oauth2/revoke": { ...client, token: "x" },
      "/oauth2/userInfo": { access_token: "x" },
    };
    const headers = [`cookie: ${place.cookie}`];
    for (const [where, send] of Object.entries(await placesOf(server, place)))
      for (const [path, fields] of Object.entries(endpoints)) {
        const onlyPosts = ["/oauth2/token", "/oauth2/revoke"].includes(path);
        for (const name of [...Object.keys(fields), "unknown", "a\0name"]) {
          const odd = form({ ...fields, [name]: `${fields[name] ?? ""}\0` });
          const asked = onlyPosts ? [] : [{ target: `${path}?${odd}`, headers }];
          for (const request of [
            ...asked,
            { method: "POST", target: path, headers, body: odd },
            { method: "POST", target: path, headers, body: odd.replaceAll("%00", "\0") },
            { method: "POST", target: `${path}?${odd}`, headers, body: form(fields) },
          ]) {
            const { status, body } = await send(request);
            assert.equal(status, 400, `${where}: ${path}, ${name}: ${body}`);
            assert.equal(JSON.parse(body).error, "invalid_request", `${path}, ${name}`);
          }
        }
      }
  });

  test("bytes that no URL has: the state goes back as it came, at the domain as well", async () => {
    const server = await open();
    const place = await setUp(server);
    const query = form({ response_type: "code", client_id: place.ClientId, redirect_uri: callback });
    for (const [where, send] of Object.entries(await placesOf(server, place)))
      for (const [raw, back = raw] of [
        ["a'b"],
        ['"<>'],
        ["{|}^`\\"],
        ["a%2fb%2Fc%20+d"],
        ["%ff%01%0d%0a"],
        ["~!*()';:@,/?$="],
        ["a#b", "a"],
      ] as [string, string?][]) {
        const answer = await send({
          target: `/oauth2/authorize?${query}&state=${raw}`,
          headers: [`cookie: ${place.cookie}`],
        });
        assert.ok(
          answer.headers["location"]?.endsWith(`&state=${back}`),
          `${where}: ${raw}: ${answer.headers["location"]}`,
        );
      }
    const { main } = await placesOf(server, place);
    for (const raw of ["\xc3\xa4", "a\tb", "a\x7fb", "a\0b", "a\x01b", "a\rb", "\xff"])
      assert.equal((await main({ target: `/oauth2/authorize?${query}&state=${raw}` })).status, 400, raw);
  });
});
