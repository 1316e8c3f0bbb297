/** Shared by the tests of the authorization server: a pool with an OAuth client, and a signed-in browser. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import {
  AdminGetUserCommand,
  type CreateUserPoolClientCommandInput,
  type CreateUserPoolCommandInput,
} from "@aws-sdk/client-cognito-identity-provider";
import { putBrowserSession } from "../../src/store/browser-sessions.ts";
import { ask } from "../kit/ask.ts";
import { makePool, makeUser } from "../kit/people.ts";
import type { TestServer } from "../kit/server.ts";

export const callback = "http://localhost:9999/callback?kept=1";
export const goodbye = "http://localhost:9999/goodbye";

export const oauthClient: Partial<CreateUserPoolClientCommandInput> = {
  AllowedOAuthFlowsUserPoolClient: true,
  AllowedOAuthFlows: ["code", "implicit"],
  AllowedOAuthScopes: ["openid", "email", "profile", "phone", "aws.cognito.signin.user.admin"],
  CallbackURLs: [callback],
  LogoutURLs: [goodbye],
  ExplicitAuthFlows: ["ALLOW_USER_PASSWORD_AUTH"],
};

export interface OAuthPlace {
  readonly server: TestServer;
  readonly UserPoolId: string;
  readonly ClientId: string;
  readonly ClientSecret: string | undefined;
  /** The URL that the pool's endpoints begin with. */
  readonly base: string;
  /** The cookie of a browser in which Ann is signed in. */
  readonly cookie: string;
}

export const annsAttributes = [
  { Name: "email", Value: "ann@example.com" },
  { Name: "email_verified", Value: "true" },
  { Name: "name", Value: "Ann Example" },
  { Name: "phone_number", Value: "+15550001111" },
  { Name: "address", Value: "1 Main Street" },
];

export async function setUp(
  server: TestServer,
  app: Partial<CreateUserPoolClientCommandInput> = {},
  pool: Partial<CreateUserPoolCommandInput> = {},
): Promise<OAuthPlace> {
  const place = await makePool(server, pool, { ...oauthClient, ...app });
  await makeUser(server, place.UserPoolId, "ann", annsAttributes);
  const base = `${server.endpoint}/${place.UserPoolId}`;
  return { server, ...place, base, cookie: await signInBrowser(server, place.UserPoolId, "ann") };
}

/** A session as the hosted pages create it. */
export async function signInBrowser(
  server: TestServer,
  UserPoolId: string,
  Username: string,
  change: { age?: number } = {},
): Promise<string> {
  const found = await server.client.send(new AdminGetUserCommand({ UserPoolId, Username }));
  const userId = found.UserAttributes?.find(({ Name }) => Name === "sub")?.Value ?? assert.fail("no sub");
  const { sign_outs: signOuts, version } = await server.app.db.kysely
    .selectFrom("users")
    .leftJoin("credentials", (join) =>
      join
        .onRef("credentials.pool_id", "=", "users.pool_id")
        .onRef("credentials.user_number", "=", "users.number"),
    )
    .select(["sign_outs", "credentials.version"])
    .where("user_id", "=", userId)
    .executeTakeFirstOrThrow();
  const browser = randomBytes(16).toString("base64url");
  const secret = `${browser}.${randomBytes(32).toString("base64url")}`;
  const hashOf = (text: string) => createHash("sha256").update(text).digest("base64url");
  const authTime = server.clock.now - (change.age ?? 0);
  await putBrowserSession(server.app.db, {
    poolId: UserPoolId,
    hash: hashOf(secret),
    browserHash: hashOf(browser),
    userId,
    methods: ["password"],
    signOuts,
    credentialVersion: version ?? 0,
    authTime,
    signedInAt: authTime,
    createdAt: authTime,
    expiresAt: authTime + 3_600_000,
  });
  return `poolhouse-${UserPoolId}=${secret}`;
}

/** Where an authorization request leads. Values that are undefined are left out. */
export async function authorize(
  { base, ClientId, cookie }: Pick<OAuthPlace, "base" | "ClientId" | "cookie">,
  change: Record<string, string | undefined> = {},
  raw = "",
): Promise<URL> {
  const given = {
    response_type: "code",
    client_id: ClientId,
    redirect_uri: callback,
    state: "s1",
    ...change,
  };
  const present = Object.entries(given).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const url = `${base}/oauth2/authorize?${new URLSearchParams(present)}${raw}`;
  const answer = await ask(url, { headers: { cookie } });
  assert.equal(answer.status, 302, await answer.text());
  return new URL(answer.headers.get("location") ?? assert.fail("no location"));
}

/** The code from a successful authorization request. */
export async function newCode(
  place: Pick<OAuthPlace, "base" | "ClientId" | "cookie">,
  change: Record<string, string | undefined> = {},
): Promise<string> {
  const location = await authorize(place, change);
  return location.searchParams.get("code") ?? assert.fail(String(location));
}

export interface TokenAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, string | number>;
}

/** POST /oauth2/token, or another endpoint that takes a form. */
export async function post(
  { base }: Pick<OAuthPlace, "base">,
  form: Record<string, string>,
  options: { path?: string; basic?: string } = {},
): Promise<TokenAnswer> {
  const { path = "/oauth2/token", basic } = options;
  const answer = await ask(`${base}${path}`, {
    method: "POST",
    body: new URLSearchParams(form),
    headers: basic ? { authorization: `Basic ${Buffer.from(basic).toString("base64")}` } : {},
  });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, body: text === "" ? {} : JSON.parse(text) };
}

export const redeem = (
  place: Pick<OAuthPlace, "base" | "ClientId">,
  code: string,
  change: Record<string, string> = {},
) =>
  post(place, {
    grant_type: "authorization_code",
    client_id: place.ClientId,
    code,
    redirect_uri: callback,
    ...change,
  });

export function pkce(): {
  verifier: string;
  challenge: { code_challenge: string; code_challenge_method: string };
} {
  const verifier = randomBytes(32).toString("base64url");
  const code_challenge = createHash("sha256").update(verifier).digest("base64url");
  return { verifier, challenge: { code_challenge, code_challenge_method: "S256" } };
}

/** The claims of a token, without verification. */
export function claimsOf(token: string | number | undefined): Record<string, unknown> {
  return JSON.parse(Buffer.from(String(token).split(".")[1] ?? "", "base64url").toString());
}
