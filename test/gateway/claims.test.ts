/** Claims of the ID token that an operator wants applications to get: as headers, and in the signed token. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { describe, test } from "node:test";
import { AdminUpdateUserAttributesCommand } from "@aws-sdk/client-cognito-identity-provider";
import { decodeJwt } from "jose";
import { readGatewayFile } from "../../src/config/gateway-file.ts";
import { identityOf } from "../../src/gateway/identity.ts";
import { lacking } from "../../src/gateway/rules.ts";
import { forOneServer } from "../kit/server.ts";
import { gatewayFile } from "./front.ts";
import { annsBrowser, gatewayPlace, newStore, type Seen } from "./place.ts";
import { refusal } from "./refusal.ts";

forOneServer("postgres", "gateway: claims for applications", (start) => {
  test("what is there is passed on, encoded; what a request brings along under such a name is not", async () => {
    const server = await start();
    const claims = { Name: "name", Verified: "email_verified", Absent: "custom:absent" };
    const place = await gatewayPlace(server, await newStore("cookies"), { identity: { claims } });
    const { UserPoolId } = place.pool;
    const UserAttributes = [{ Name: "name", Value: "Änn\u2019s" }];
    await server.client.send(
      new AdminUpdateUserAttributesCommand({ UserPoolId, Username: "ann", UserAttributes }),
    );
    const browser = annsBrowser(place);
    await browser.follow(`${place.origin}/`);
    const answer = await browser.get(`${place.origin}/`, {
      "x-auth-request-absent": "1",
      x_auth_request_name: "2",
    });
    const { headers } = JSON.parse(await answer.text()) as Seen;
    assert.equal(headers["x-auth-request-name"], "%C3%84nn%E2%80%99s");
    assert.equal(headers["x-auth-request-verified"], "true");
    assert.equal(headers["x-auth-request-absent"], undefined);
    assert.equal(headers["x_auth_request_name"], undefined);
    const token = decodeJwt(headers["x-auth-request-token"]!);
    assert.deepEqual([token["name"], token["email_verified"]], ["Änn\u2019s", true]);
    assert.ok(!("custom:absent" in token));
  });
});

describe("gateway: large numbers in rules", () => {
  const identity = (account: unknown) =>
    identityOf({
      ...{ issuer: "https://id.example.com", groupsClaim: "groups", scopes: [], expiresAt: 0 },
      claims: { sub: "ann", account },
    });
  const rule = (account: string) => {
    const routes = [{ path: "/**", claims: { account: "VALUE" } }];
    const { path } = gatewayFile(4180, undefined, { applications: [{ routes }] });
    writeFileSync(path, readFileSync(path, "utf8").replace("VALUE", account));
    return readGatewayFile(path, { env: {} }).applications[0]!.routes[0]!;
  };

  test("are what the file has, digit by digit, alone and in lists", () => {
    const written = ["9007199254740993", "12345678901234567890", "0042", "1.50", "true"];
    assert.deepEqual(rule(`[${written.join(", ")}]`).claims["account"], written);
    assert.deepEqual(rule(written[0]!).claims["account"], [written[0]]);
  });

  test("no claim meets them whose digits JSON has lost", () => {
    const route = rule("[9007199254740993, 9007199254740992, 42, 1.5]");
    for (const met of ["9007199254740993", ["x", 42], 1.5])
      assert.equal(lacking(route, identity(met)), undefined, String(met));
    const read = (digits: string): unknown => JSON.parse(digits);
    for (const unmet of [read("9007199254740993"), read("[9007199254740992]"), "9007199254740994", 43])
      assert.equal(lacking(route, identity(unmet)), "claim", String(unmet));
  });
});

describe("gateway: claims that refuse to start", () => {
  const cases = {
    "Tenant Id: custom:tenant": /line 4: .*Tenant Id must be the end of a header's name/,
    "Groups: custom:groups": /line 4: .*Groups is a header that is set anyway/,
    "Tenant: ''": /line 4: .*Tenant/,
  };
  for (const [claim, message] of Object.entries(cases))
    test(claim, () => assert.match(refusal(`identity:\n  claims:\n    ${claim}`), message));
});
