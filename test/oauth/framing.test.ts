/** Who may frame answers of the authorization server: usually nobody; for silent renewal the client's own pages. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { DescribeUserPoolCommand, UpdateUserPoolCommand } from "@aws-sdk/client-cognito-identity-provider";
import { forOneServer } from "../kit/server.ts";
import { callback, type OAuthPlace, setUp } from "./support.ts";

const CallbackURLs = [
  callback,
  "http://localhost:9999/other",
  "https://app.example:8443/cb",
  "http://[::1]:5000/cb",
  "com.example.app:/cb",
];
const own = "frame-ancestors http://localhost:9999 https://app.example:8443";
const nobody = "frame-ancestors 'none'";

forOneServer("sqlite", "answers in frames", (open) => {
  const place = async (tag?: string) =>
    setUp(
      await open(),
      { CallbackURLs },
      tag === undefined ? {} : { UserPoolTags: { "poolhouse:silent-renewal": tag } },
    );

  async function ask(
    { base, ClientId, cookie }: OAuthPlace,
    change: Record<string, string> = {},
    headers: Record<string, string> = {},
    path = "/oauth2/authorize",
  ) {
    const query = {
      response_type: "code",
      client_id: ClientId,
      redirect_uri: callback,
      state: "s1",
      ...change,
    };
    const url = `${base}${path}?${new URLSearchParams(query)}`;
    const answer = await fetch(url, { redirect: "manual", headers: { cookie, ...headers } });
    assert.equal(answer.status, 302);
    const location = new URL(answer.headers.get("location") ?? "");
    const { searchParams, pathname } = location;
    return {
      end: searchParams.get("error") ?? (searchParams.has("code") ? "code" : pathname.split("/").at(-1)),
      policy: answer.headers.get("content-security-policy"),
      options: answer.headers.get("x-frame-options"),
    };
  }

  const silent = { prompt: "none" };
  const denied = (end: string) => ({ end, policy: nobody, options: "DENY" });
  const allowed = (end: string) => ({ end, policy: own, options: null });

  test("without the tag no answer may be framed, whatever the request", async () => {
    for (const tag of [undefined, "", "another"]) {
      const at = await place(tag);
      assert.deepEqual(await ask(at), denied("code"));
      assert.deepEqual(await ask(at, silent), denied("code"));
      assert.deepEqual(await ask({ ...at, cookie: "" }), denied("login"));
      assert.deepEqual(await ask({ ...at, cookie: "" }, silent), denied("login_required"));
      assert.deepEqual(
        await ask(at, { ...silent, redirect_uri: "https://x.example" }),
        denied("redirect_mismatch"),
      );
      assert.deepEqual(await ask(at, {}, {}, "/logout"), denied("login"));
    }
  });

  test("of a client that renews silently, by the pages its answers go to, for prompt=none alone", async () => {
    const at = await place("*");
    assert.deepEqual(await ask(at, silent), allowed("code"));
    assert.deepEqual(await ask({ ...at, cookie: "" }, silent), allowed("login_required"));
    assert.deepEqual(await ask(at, { ...silent, scope: "none" }), allowed("invalid_scope"));
    assert.deepEqual(await ask(at), denied("code"));
    assert.deepEqual(await ask(at, { prompt: "login" }), denied("login"));
    assert.deepEqual(await ask(at, { prompt: "none login" }), denied("invalid_request"));
    assert.deepEqual(
      await ask(at, { ...silent, redirect_uri: "https://x.example" }),
      denied("redirect_mismatch"),
    );
  });

  test("a request for a frame that may not have the answer is told nothing of the session", async () => {
    const at = await place();
    const renewing = await place("*");
    for (const kind of ["iframe", "frame", "embed", "object", "fencedframe"]) {
      const headers = { "sec-fetch-dest": kind };
      for (const cookie of [at.cookie, ""]) {
        assert.deepEqual(await ask({ ...at, cookie }, silent, headers), denied("interaction_required"));
        assert.deepEqual(await ask({ ...at, cookie }, {}, headers), denied("login"));
      }
      assert.deepEqual(await ask(renewing, silent, headers), allowed("code"));
      assert.deepEqual(await ask(renewing, {}, headers), denied("login"));
    }
    assert.deepEqual(await ask(at, silent, { "sec-fetch-dest": "document" }), denied("code"));
  });

  test("the tag survives an update that has none", async () => {
    const { server, UserPoolId } = await place("*");
    await server.client.send(new UpdateUserPoolCommand({ UserPoolId }));
    const { UserPool } = await server.client.send(new DescribeUserPoolCommand({ UserPoolId }));
    assert.deepEqual(UserPool?.UserPoolTags, { "poolhouse:silent-renewal": "*" });
  });
});
