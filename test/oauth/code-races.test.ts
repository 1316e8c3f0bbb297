/** Codes that are used several times at the same moment. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { forEachServer } from "../kit/server.ts";
import { newCode, pkce, post, redeem, setUp } from "./support.ts";

forEachServer("races for a code", (open) => {
  test("a code used again while its tokens are refreshed leaves none of them alive", async () => {
    const place = await setUp(await open());
    const code = await newCode(place, { scope: "openid" });
    const { body } = await redeem(place, code);
    const refresh = () =>
      post(place, {
        grant_type: "refresh_token",
        client_id: place.ClientId,
        refresh_token: String(body["refresh_token"]),
      });
    const raced = await Promise.all([
      refresh(),
      redeem(place, code),
      refresh(),
      redeem(place, code),
      refresh(),
      refresh(),
    ]);
    assert.ok(raced.every(({ status }) => [200, 400].includes(status)));
    assert.equal((await refresh()).body["error"], "invalid_grant");
    for (const token of [body, ...raced.map((one) => one.body)]
      .map((one) => one["access_token"])
      .filter(Boolean)) {
      const told = await fetch(`${place.base}/oauth2/userInfo`, {
        headers: { authorization: `Bearer ${token}` },
      });
      assert.equal(told.status, 401);
    }
  });

  test("of right and wrong verifiers at once at most one gets tokens", async () => {
    const place = await setUp(await open());
    for (let turn = 0; turn < 5; turn++) {
      const { verifier, challenge } = pkce();
      const code = await newCode(place, challenge);
      const tries = [pkce().verifier, verifier, "", verifier, pkce().verifier];
      const answers = await Promise.all(
        tries.map((one) => redeem(place, code, one === "" ? {} : { code_verifier: one })),
      );
      assert.ok(answers.filter(({ status }) => status === 200).length <= 1);
      assert.equal((await redeem(place, code, { code_verifier: verifier })).status, 400);
    }
  });
});
