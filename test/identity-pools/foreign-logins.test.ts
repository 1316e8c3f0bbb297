/** Logins of providers that are elsewhere: a stand-in for each, and every token × every pool. */
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, test } from "node:test";
import {
  type CognitoIdentityClient,
  type CognitoIdentityProvider,
  type CreateIdentityPoolCommandInput,
  DescribeIdentityCommand,
  GetIdCommand,
  GetOpenIdTokenCommand,
  GetOpenIdTokenForDeveloperIdentityCommand,
} from "@aws-sdk/client-cognito-identity";
import { decodeJwt, exportJWK, generateKeyPair, SignJWT } from "jose";
import { putTrustedProvider } from "../../src/store/trusted-providers.ts";
import { newKey } from "../federation/saml-kit.ts";
import { refused } from "../kit/people.ts";
import { forEachServer, type TestServer } from "../kit/server.ts";
import { samlArn, samlToken, trustSaml } from "./saml-provider.ts";
import { identityClient, makeIdentityPool } from "./setup.ts";

const keys = new Map([["one", await generateKeyPair("RS256")]]);
/** What the stand-in is like at the moment. */
let mode: "up" | "down" = "up";

const opaque: Readonly<Record<string, object>> = {
  "/facebook/app?fields=id ours": { id: "fb-app" },
  "/facebook/app?fields=id another": { id: "other-app" },
  "/facebook/me?fields=id ours": { id: "fb-user" },
  "/amazon/auth/o2/tokeninfo?access_token=ours": { aud: "az-app", user_id: "az-user" },
  "/amazon/auth/o2/tokeninfo?access_token=another": { aud: "other-app", user_id: "az-user" },
};

const standIn = createServer(async (request, response) => {
  const url = request.url ?? "";
  const issuer = /^\/(google|apple|openid|aws)\//.exec(url)?.[1];
  if (mode === "down") return void response.writeHead(503).end();
  response.setHeader("content-type", "application/json");
  if (issuer !== undefined && url.endsWith("/.well-known/openid-configuration"))
    return void response.end(
      JSON.stringify({ issuer: `${base}/${issuer}`, jwks_uri: `${base}/${issuer}/keys` }),
    );
  if (issuer !== undefined && url.endsWith("/keys")) {
    const all = [...keys].map(async ([kid, pair]) => ({
      ...(await exportJWK(pair.publicKey)),
      kid,
      alg: "RS256",
    }));
    return void response.end(JSON.stringify({ keys: await Promise.all(all) }));
  }
  const bearer = request.headers.authorization?.replace(/^Bearer/, "") ?? "";
  const found = opaque[url + bearer];
  if (found === undefined) return void response.writeHead(400).end("{}");
  response.end(JSON.stringify(found));
}).listen(0, "127.0.0.1");
await once(standIn, "listening");
const base = `http://127.0.0.1:${(standIn.address() as AddressInfo).port}`;
after(() => standIn.close());

async function idToken(issuer: string, aud: string, more: Record<string, unknown> = {}, kid = "one") {
  const claims = { nonce: "n", ...more };
  return new SignJWT(claims)
    .setProtectedHeader({ alg: "RS256", kid })
    .setIssuer(`${base}/${issuer}`)
    .setSubject((more["sub"] as string | undefined) ?? `${issuer}-user`)
    .setAudience(aud)
    .setIssuedAt()
    .setExpirationTime((more["exp"] as number | undefined) ?? "1h")
    .sign(keys.get(kid)!.privateKey);
}

const elsewhere = "cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Elsewhere";
const openIdName = `${base.slice(7)}/openid`;
const arn = `arn:aws:iam::000000000000:oidc-provider/${openIdName}`;
const saml = samlArn("Corporate");
const [samlKey, anotherKey] = [await newKey("provider"), await newKey("another")];

/** Each provider: what a pool is configured by, and a good login. */
const providers: Readonly<
  Record<
    string,
    {
      readonly pool: Partial<CreateIdentityPoolCommandInput>;
      readonly login: () => Promise<[string, string]>;
    }
  >
> = {
  google: {
    pool: { SupportedLoginProviders: { "accounts.google.com": "g-web;g-ios" } },
    login: async () => ["accounts.google.com", await idToken("google", "g-ios")],
  },
  apple: {
    pool: { SupportedLoginProviders: { "appleid.apple.com": "ap-app" } },
    login: async () => ["appleid.apple.com", await idToken("apple", "ap-app")],
  },
  facebook: {
    pool: { SupportedLoginProviders: { "graph.facebook.com": "fb-app" } },
    login: async () => ["graph.facebook.com", "ours"],
  },
  amazon: {
    pool: { SupportedLoginProviders: { "www.amazon.com": "az-app" } },
    login: async () => ["www.amazon.com", "ours"],
  },
  openid: {
    pool: { OpenIdConnectProviderARNs: [arn] },
    login: async () => [openIdName, await idToken("openid", "oidc-client")],
  },
  saml: {
    pool: { SamlProviderARNs: [saml] },
    login: async () => [saml, samlToken(Date.now(), samlKey)],
  },
  "a user pool elsewhere": {
    pool: { CognitoIdentityProviders: [{ ProviderName: elsewhere, ClientId: "awsclient" }] },
    login: async () => [elsewhere, await idToken("aws", "awsclient", { token_use: "id" })],
  },
};

const id = (
  client: CognitoIdentityClient,
  IdentityPoolId: string,
  [name, token]: readonly [string, string],
) => client.send(new GetIdCommand({ IdentityPoolId, Logins: { [name]: token } }));

forEachServer(
  "logins of providers elsewhere",
  (open) => {
    const clients: CognitoIdentityClient[] = [];
    after(() => {
      for (const client of clients) client.destroy();
    });
    async function setUp(): Promise<{ server: TestServer; client: CognitoIdentityClient }> {
      const server = await open();
      const client = identityClient(server);
      clients.push(client);
      const document = { url: `${base}/openid`, clientIds: ["oidc-client"] };
      await putTrustedProvider(server.app.db, { arn, kind: "oidc", document, createdAt: 1, updatedAt: 1 });
      await trustSaml(server, saml, samlKey);
      return { server, client };
    }

    test("every provider's token is accepted by the pools that name it, and by no other", async () => {
      const { client } = await setUp();
      for (const [own, { pool }] of Object.entries(providers)) {
        const poolId = await makeIdentityPool(client, pool);
        for (const [other, { login }] of Object.entries(providers)) {
          const given = await login();
          if (own !== other) {
            const says = /not from a supported provider/;
            await assert.rejects(
              id(client, poolId, given),
              refused("NotAuthorizedException", says),
              `${own} ${other}`,
            );
            continue;
          }
          const { IdentityId } = await id(client, poolId, given);
          assert.equal((await id(client, poolId, await login())).IdentityId, IdentityId, own);
          const { Logins } = await client.send(new DescribeIdentityCommand({ IdentityId }));
          assert.deepEqual(Logins, [given[0]]);
        }
      }
    });

    test("whatever a provider calls somebody, it reads as no login of a user pool", async () => {
      const { client } = await setUp();
      const pool = await makeIdentityPool(client, { ...providers["openid"]!.pool, AllowClassicFlow: true });
      const sub = `a b,${elsewhere},${elsewhere}:CognitoSignIn:victim`;
      const Logins = { [openIdName]: await idToken("openid", "oidc-client", { sub }) };
      const { IdentityId } = await client.send(new GetIdCommand({ IdentityPoolId: pool, Logins }));
      const { Token } = await client.send(new GetOpenIdTokenCommand({ IdentityId, Logins }));
      const named = `a%20b%2C${elsewhere}%2C${elsewhere}%3ACognitoSignIn%3Avictim`;
      const amr = ["authenticated", openIdName, `${openIdName}:oidc-client:${named}`];
      assert.deepEqual(decodeJwt(Token!)["amr"], amr);
      // Nor does the name of the provider make it one.
      const own = "cognito-idp.mine";
      const ofDeveloper = await makeIdentityPool(client, { DeveloperProviderName: own });
      const { Token: theirs } = await client.send(
        new GetOpenIdTokenForDeveloperIdentityCommand({
          IdentityPoolId: ofDeveloper,
          Logins: { [own]: sub },
        }),
      );
      const method = `${own}:${ofDeveloper}:${named}`;
      assert.deepEqual(decodeJwt(theirs!)["amr"], ["authenticated", own, method]);
    });

    test("a token whose user only AWS can ask about is refused where the pool wants them asked about", async () => {
      const { client } = await setUp();
      const { pool, login } = providers["a user pool elsewhere"]!;
      const [{ ProviderName, ClientId }] = pool.CognitoIdentityProviders as [CognitoIdentityProvider];
      const checked = await makeIdentityPool(client, {
        CognitoIdentityProviders: [
          { ProviderName, ClientId, ServerSideTokenCheck: true },
          { ProviderName, ClientId: "another", ServerSideTokenCheck: false },
        ],
      });
      await assert.rejects(
        id(client, checked, await login()),
        refused("NotAuthorizedException", /ServerSideTokenCheck .* not of this server/),
      );
      const another: [string, string] = [elsewhere, await idToken("aws", "another", { token_use: "id" })];
      assert.ok((await id(client, checked, another)).IdentityId);
    });

    test("forged and foreign tokens are refused", async () => {
      const { client } = await setUp();
      const pools = Object.fromEntries(
        await Promise.all(
          Object.entries(providers).map(async ([name, { pool }]) => [
            name,
            await makeIdentityPool(client, pool),
          ]),
        ),
      ) as Record<string, string>;
      const stranger = await generateKeyPair("RS256");
      const good = await idToken("openid", "oidc-client");
      const [head, payload, signature] = good.split(".") as [string, string, string];
      const header = (alg: string) => Buffer.from(JSON.stringify({ alg, kid: "one" })).toString("base64url");
      const pem = JSON.stringify(await exportJWK(keys.get("one")!.publicKey));
      const shared = createHmac("sha256", pem)
        .update(`${header("HS256")}.${payload}`)
        .digest("base64url");
      const forged = await new SignJWT({ nonce: "n" })
        .setProtectedHeader({ alg: "RS256", kid: "one" })
        .setIssuer(`${base}/openid`)
        .setSubject("openid-user")
        .setAudience("oidc-client")
        .setIssuedAt()
        .setExpirationTime("1h")
        .sign(stranger.privateKey);
      const changed = Buffer.from(payload, "base64url").toString().replace("openid-user", "somebody-xx");
      const cases: readonly (readonly [string, string, string])[] = [
        ["openid", openIdName, `${header("none")}.${payload}.`],
        ["openid", openIdName, `${header("HS256")}.${payload}.${shared}`],
        ["openid", openIdName, forged],
        ["openid", openIdName, `${head}.${Buffer.from(changed).toString("base64url")}.${signature}`],
        ["openid", openIdName, await idToken("openid", "another-client")],
        ["openid", openIdName, await idToken("google", "oidc-client")],
        ["openid", openIdName, await idToken("openid", "oidc-client", { exp: 1 })],
        ["openid", openIdName, samlToken(Date.now(), samlKey)],
        ["saml", saml, good],
        ["saml", saml, "ours"],
        ["saml", saml, samlToken(Date.now(), anotherKey)],
        ["google", "accounts.google.com", await idToken("google", "g-android")],
        ["google", "accounts.google.com", await idToken("openid", "g-web")],
        ["facebook", "graph.facebook.com", "another"],
        ["facebook", "graph.facebook.com", "unknown"],
        ["amazon", "www.amazon.com", "another"],
        ["amazon", "www.amazon.com", "unknown"],
        [
          "a user pool elsewhere",
          elsewhere,
          await idToken("aws", "awsclient", { token_use: "access", client_id: "awsclient" }),
        ],
      ];
      for (const [index, [pool, name, token]] of cases.entries())
        await assert.rejects(
          id(client, pools[pool]!, [name, token]),
          refused("NotAuthorizedException", /^Invalid login token/),
          `case ${index}`,
        );
    });

    test("new keys are found, and a provider that is down is said to be", async () => {
      const { server, client } = await setUp();
      const poolId = await makeIdentityPool(client, providers["openid"]!.pool);
      await id(client, poolId, await providers["openid"]!.login());
      const kid = `new-${server.database}`;
      keys.set(kid, await generateKeyPair("RS256"));
      server.clock.advance(120_000);
      assert.ok(await id(client, poolId, [openIdName, await idToken("openid", "oidc-client", {}, kid)]));
      mode = "down";
      try {
        const asked = await makeIdentityPool(client, providers["facebook"]!.pool);
        await assert.rejects(
          id(client, asked, ["graph.facebook.com", "ours"]),
          refused("ExternalServiceException"),
        );
      } finally {
        mode = "up";
      }
    });
  },
  {
    POOLHOUSE_LOGIN_ENDPOINTS: [
      `accounts.google.com=${base}/google`,
      `appleid.apple.com=${base}/apple`,
      `graph.facebook.com=${base}/facebook`,
      `www.amazon.com=${base}/amazon/`,
      `${elsewhere}=${base}/aws`,
    ].join(","),
  },
);
