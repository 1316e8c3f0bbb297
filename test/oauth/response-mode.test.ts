/** response_mode (OAuth 2.0 Multiple Response Type Encoding Practices): only for clients that want the standard. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { forOneServer } from "../kit/server.ts";
import { authorize, callback, setUp } from "./support.ts";

/** The part of the URL with the answer, and the answer. */
function partsOf(location: string): { where: "query" | "fragment"; answer: URLSearchParams } {
  assert.ok(location.startsWith(callback), location);
  const rest = location.slice(callback.length);
  return { where: rest.startsWith("#") ? "fragment" : "query", answer: new URLSearchParams(rest.slice(1)) };
}

forOneServer("sqlite", "response_mode", (open) => {
  const strict = { UserPoolTags: { "poolhouse:oidc": "*" } };
  const cases = [
    ["code", undefined, "query", "code"],
    ["code", "query", "query", "code"],
    ["code", "fragment", "fragment", "code"],
    ["token", undefined, "fragment", "access_token"],
    ["token", "fragment", "fragment", "access_token"],
    ["token", "query", "fragment", "error"],
    ["code", "form_post", "query", "error"],
    ["code", "Fragment", "query", "error"],
  ] as const;

  for (const [type, mode, where, member] of cases)
    test(`${type} with ${mode ?? "none"}: ${member} in the ${where}`, async () => {
      const place = await setUp(await open(), {}, strict);
      const request = { response_type: type, scope: "openid", state: "s-1" };
      const asked = mode === undefined ? request : { ...request, response_mode: mode };
      const back = partsOf((await authorize(place, asked)).href);
      assert.equal(back.where, where);
      assert.ok(back.answer.get(member), String(back.answer));
      assert.equal(back.answer.get("state"), "s-1");
      if (member === "error") assert.equal(back.answer.get("error"), "invalid_request");
    });

  test("the metadata promises it only where there are such clients", async () => {
    for (const [pool, modes] of [
      [{}, undefined],
      [strict, ["query", "fragment"]],
    ] as const) {
      const { base } = await setUp(await open(), {}, pool);
      for (const name of ["openid-configuration", "oauth-authorization-server"]) {
        const answer = await fetch(`${base}/.well-known/${name}`);
        const { response_modes_supported } = (await answer.json()) as Record<string, unknown>;
        assert.deepEqual(response_modes_supported, modes, name);
      }
    }
  });

  test("refusals go where the answer was to go", async () => {
    const place = await setUp(await open(), {}, strict);
    const asked = { response_type: "code", response_mode: "fragment", scope: "nothing" };
    const { where, answer } = partsOf((await authorize(place, asked)).href);
    assert.deepEqual([where, answer.get("error")], ["fragment", "invalid_scope"]);
  });

  test("response_mode is ignored for clients without the tag, as with Cognito", async () => {
    const place = await setUp(await open());
    for (const mode of ["fragment", "form_post"]) {
      const asked = { response_type: "code", response_mode: mode, scope: "openid" };
      const { where, answer } = partsOf((await authorize(place, asked)).href);
      assert.equal(where, "query");
      assert.ok(answer.get("code"));
    }
  });
});
