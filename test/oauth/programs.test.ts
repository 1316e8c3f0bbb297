/**
 * The endpoints that programs ask are answered on Node's own objects at the main host, and by Hono's routes at the pools'
 * domains: either way with the same answer.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { forOneServer } from "../kit/server.ts";
import { placesOf, type RawRequest } from "./raw.ts";
import { newCode, redeem, setUp } from "./support.ts";

const form = "content-type: application/x-www-form-urlencoded";
const token = "/oauth2/token";
const userInfo = "/oauth2/userInfo";
const revoke = "/oauth2/revoke";

forOneServer("sqlite", "endpoints for programs", (open) => {
  test("the main host and a domain answer alike, headers included", async () => {
    const server = await open();
    const place = await setUp(server);
    const { main, domain } = await placesOf(server, place);
    const { body } = await redeem(place, await newCode(place));
    const bearer = `authorization: Bearer ${body["access_token"]}`;
    const refresh = `refresh_token=${body["refresh_token"]}&client_id=${place.ClientId}`;
    const unread = ["content-type: text/plain"];
    const requests: readonly RawRequest[] = [
      { target: userInfo, headers: [bearer] },
      { target: `${userInfo}?x=1`, headers: [bearer] },
      { target: userInfo, method: "HEAD", headers: [bearer] },
      { target: userInfo, method: "POST", headers: [form], body: `access_token=${body["access_token"]}` },
      { target: userInfo, method: "POST", headers: [bearer, form], body: "access_token=x" },
      { target: userInfo, headers: [bearer, bearer] },
      { target: userInfo, headers: ["authorization: Bearer x"] },
      { target: userInfo },
      { target: `${userInfo}?access_token=%00` },
      { target: userInfo, method: "PUT", body: "x" },
      { target: userInfo, method: "OPTIONS" },
      { target: `${userInfo}/` },
      { target: token },
      { target: token, method: "POST", body: "grant_type=x" },
      { target: token, method: "POST", body: `grant_type=x&client_id=${place.ClientId}` },
      { target: token, method: "POST", body: "grant_type=x&grant_type=y" },
      { target: token, method: "POST", headers: unread, body: "x".repeat(1_000) },
      { target: token, method: "POST", headers: ["authorization: Basic x"], body: "grant_type=x" },
      { target: token, method: "POST", headers: Array(2).fill("authorization: Basic eDp5"), body: "" },
      { target: token, method: "POST", body: `grant_type=${"x".repeat(70_000)}` },
      { target: revoke, method: "POST", body: `client_id=${place.ClientId}` },
      { target: revoke, method: "POST", headers: ["authorization: Basic eDp5"], body: "token=x" },
      { target: revoke, method: "POST", body: refresh.replace("refresh_", "") },
    ];
    for (const request of requests) {
      const about = `${request.method ?? "GET"} ${request.target} ${request.headers} ${request.body?.slice(0, 60)}`;
      const [one, other] = [await main(request), await domain(request)];
      assert.notEqual(one.status, 0, about);
      for (const { headers } of [one, other]) delete (headers as Record<string, string>)["date"];
      assert.deepEqual(one, other, about);
      const isNothing = one.status === 404;
      assert.equal(one.headers["access-control-allow-origin"], isNothing ? undefined : "*", about);
      assert.equal(one.headers["x-content-type-options"], "nosniff", about);
    }
  });

  test("a pool that does not exist is said first, whatever comes with the request", async () => {
    const server = await open();
    const place = await setUp(server);
    const { body } = await redeem(place, await newCode(place));
    for (const authorization of [undefined, "Bearer x", `Bearer ${body["access_token"]}`]) {
      const answer = await fetch(`${server.endpoint}/us-east-1_Nowhere01${userInfo}`, {
        headers: authorization === undefined ? {} : { authorization },
      });
      assert.equal(answer.status, 404);
      assert.equal(((await answer.json()) as { error: string }).error, "invalid_request");
    }
  });
});
