/** The scope `address` (OpenID Connect Core 1.0 sections 5.1.1 and 5.4): only for clients that want the standard. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AdminUpdateUserAttributesCommand,
  CreateUserPoolClientCommand,
  DescribeUserPoolCommand,
  UpdateUserPoolClientCommand,
  UpdateUserPoolCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { forOneServer } from "../kit/server.ts";
import { authorize, callback, claimsOf, newCode, type OAuthPlace, post, redeem, setUp } from "./support.ts";

const home = "1 Main Street\nSpringfield";
const told = { formatted: home };
const settings = {
  AllowedOAuthFlowsUserPoolClient: true,
  AllowedOAuthFlows: ["code"],
  CallbackURLs: [callback],
} satisfies Partial<ConstructorParameters<typeof CreateUserPoolClientCommand>[0]>;

forOneServer("postgres", "the scope address", (open) => {
  async function withAddress(pool: Parameters<typeof setUp>[2] = {}, scopes?: string[]) {
    const AllowedOAuthScopes = scopes ?? ["openid", "email", "address"];
    const place = await setUp(await open(), { AllowedOAuthScopes }, pool);
    const { server, UserPoolId } = place;
    const UserAttributes = [{ Name: "address", Value: home }];
    await server.client.send(
      new AdminUpdateUserAttributesCommand({ UserPoolId, Username: "ann", UserAttributes }),
    );
    return place;
  }

  const tag = async ({ server, UserPoolId }: OAuthPlace, value: string | undefined) =>
    server.client.send(
      new UpdateUserPoolCommand({
        UserPoolId,
        UserPoolTags: value === undefined ? {} : { "poolhouse:oidc": value },
      }),
    );

  async function flow(place: OAuthPlace, scope?: string) {
    const { body } = await redeem(place, await newCode(place, { scope }));
    const headers = { authorization: `Bearer ${body["access_token"]}` };
    const answer = await fetch(`${place.base}/oauth2/userInfo`, { headers });
    const info = (await answer.json()) as Record<string, unknown>;
    return { body, info, id: claimsOf(body["id_token"]), access: claimsOf(body["access_token"]) };
  }

  async function metadata({ base }: OAuthPlace) {
    const answer = await fetch(`${base}/.well-known/openid-configuration`);
    return (await answer.json()) as { scopes_supported: string[]; claims_supported: string[] };
  }

  test("tells the address as an object, in userInfo and in the ID token, and no other scope does", async () => {
    const place = await withAddress({ UserPoolTags: { "poolhouse:oidc": "*" } });
    const asked = await flow(place, "openid address");
    assert.deepEqual([asked.info["address"], asked.id["address"]], [told, told]);
    assert.equal("email" in asked.info, false);
    assert.equal(asked.access["scope"], "openid address");
    const all = await flow(place);
    assert.deepEqual([all.info["address"], all.info["email"]], [told, "ann@example.com"]);
    const other = await flow(place, "openid email");
    assert.deepEqual(["address" in other.info, "address" in other.id], [false, false]);
    const form = { grant_type: "refresh_token", client_id: place.ClientId };
    const fresh = await post(place, { ...form, refresh_token: String(asked.body["refresh_token"]) });
    assert.deepEqual(claimsOf(fresh.body["id_token"])["address"], told);
    const alone = await authorize(place, { scope: "address" });
    assert.equal(alone.searchParams.get("error"), "invalid_scope");
  });

  test("of a pool without such clients it is no scope at all", async () => {
    const place = await withAddress({}, ["openid", "email"]);
    const { server, UserPoolId, ClientId } = place;
    const wanted = { ...settings, UserPoolId, AllowedOAuthScopes: ["openid", "address"] };
    const refused = { name: "ScopeDoesNotExistException" };
    await assert.rejects(
      server.client.send(new CreateUserPoolClientCommand({ ...wanted, ClientName: "c" })),
      refused,
    );
    await assert.rejects(
      server.client.send(new UpdateUserPoolClientCommand({ ...wanted, ClientId })),
      refused,
    );
    const asked = await authorize(place, { scope: "openid address" });
    assert.equal(asked.searchParams.get("error"), "invalid_scope");
    const { scopes_supported, claims_supported } = await metadata(place);
    assert.deepEqual(scopes_supported, ["openid", "email", "phone", "profile"]);
    assert.equal(claims_supported.includes("address"), false);
    assert.equal(claims_supported.includes("updated_at"), true);
  });

  test("a client registers it before it is named, and is granted it from then on, until it is no more", async () => {
    const place = await withAddress({ UserPoolTags: { "poolhouse:oidc": "another" } });
    const { scopes_supported, claims_supported } = await metadata(place);
    assert.deepEqual([scopes_supported.at(-1), claims_supported.at(-1)], ["address", "address"]);
    const asked = await authorize(place, { scope: "openid address" });
    assert.equal(asked.searchParams.get("error"), "invalid_scope");
    assert.equal((await flow(place)).access["scope"], "openid email");
    await tag(place, `another, ${place.ClientId}`);
    const granted = await flow(place, "openid address");
    assert.deepEqual(granted.info["address"], told);
    await tag(place, undefined);
    const form = { grant_type: "refresh_token", client_id: place.ClientId };
    const fresh = await post(place, { ...form, refresh_token: String(granted.body["refresh_token"]) });
    assert.equal(claimsOf(fresh.body["access_token"])["scope"], "openid");
    assert.equal((await flow(place)).access["scope"], "openid email");
  });

  test("it is no scope of machines, and the tag survives an update that has none", async () => {
    const place = await withAddress({ UserPoolTags: { "poolhouse:oidc": "*" } });
    const { server, UserPoolId } = place;
    const machine = {
      ...settings,
      UserPoolId,
      ClientName: "m",
      GenerateSecret: true,
      AllowedOAuthFlows: ["client_credentials" as const],
      AllowedOAuthScopes: ["address"],
    };
    await assert.rejects(server.client.send(new CreateUserPoolClientCommand(machine)), {
      name: "InvalidOAuthFlowException",
    });
    await server.client.send(new UpdateUserPoolCommand({ UserPoolId }));
    const { UserPool } = await server.client.send(new DescribeUserPoolCommand({ UserPoolId }));
    assert.deepEqual(UserPool?.UserPoolTags, { "poolhouse:oidc": "*" });
  });
});
