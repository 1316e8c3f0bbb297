/** The authorization server: the code grant from end to end, its parts, and a page. */
import { createHash } from "node:crypto";
import { type Answer, Connection, document, type Headers, PatientConnection } from "./lib/connection.ts";
import type { Operation } from "./lib/load.ts";
import type { Scenario } from "./lib/scenario.ts";
import { type Stage, signedCall } from "./lib/stage.ts";
import { password, userName } from "./lib/users.ts";

export const redirectUri = "http://localhost:9999/callback";
export const form = { "content-type": "application/x-www-form-urlencoded" };
const verifier = "a".repeat(43);
const challenge = createHash("sha256").update(verifier).digest("base64url");

/** Creates a client of the stage's pool that uses the pages. */
export async function oauthClient(
  stage: Stage,
  change: object = {},
): Promise<{ id: string; secret: string }> {
  const connection = new Connection(stage.server.port);
  const made = document(
    await signedCall(connection, stage.server.port, "CreateUserPoolClient", {
      UserPoolId: stage.poolId,
      ClientName: "bench oauth",
      AllowedOAuthFlowsUserPoolClient: true,
      AllowedOAuthFlows: ["code"],
      AllowedOAuthScopes: ["openid", "email"],
      CallbackURLs: [redirectUri],
      ...change,
    }),
  ) as { UserPoolClient: { ClientId: string; ClientSecret?: string } };
  connection.close();
  return { id: made.UserPoolClient.ClientId, secret: made.UserPoolClient.ClientSecret ?? "" };
}

export const queryOf = (clientId: string) =>
  new URLSearchParams({
    response_type: "code",
    client_id: clientId,
    redirect_uri: redirectUri,
    scope: "openid email",
    state: "s",
    code_challenge: challenge,
    code_challenge_method: "S256",
  }).toString();

export const headerOf = ({ head }: Answer, name: string) =>
  new RegExp(`\\r\\n${name}: ([^\\r]*)`, "i").exec(head)?.[1] ?? "";

/** Signs a browser in at the pages; returns its cookie. */
export async function signInBrowser(stage: Stage, query: string, turn: number): Promise<string> {
  const connection = new Connection(stage.server.port);
  const headers: Headers = {
    ...form,
    origin: `http://localhost:${stage.server.port}`,
    "sec-fetch-site": "same-origin",
  };
  const body = new URLSearchParams({ username: userName(turn), password }).toString();
  const answer = await connection.request("POST", `/${stage.poolId}/login?${query}`, headers, body);
  connection.close();
  const cookie = headerOf(answer, "set-cookie").split(";")[0] ?? "";
  if (cookie === "") throw new Error(`nobody is signed in: ${answer.head}`);
  return cookie;
}

/** The number of signed-in browsers: enough that no row is contended. */
const browsers = 32;

/** The tokens for the code with which a browser was sent back to the application. */
export async function redeem(
  connection: Connection,
  { poolId }: Pick<Stage, "poolId">,
  clientId: string,
  location: string,
): Promise<Record<string, unknown>> {
  const body = new URLSearchParams({
    grant_type: "authorization_code",
    client_id: clientId,
    code: new URL(location).searchParams.get("code") ?? "",
    redirect_uri: redirectUri,
    code_verifier: verifier,
  });
  const path = `/${poolId}/oauth2/token`;
  return document(await connection.request("POST", path, form, body.toString()));
}

/** The code grant of browsers that are signed in. */
export function grantOf(
  place: Pick<Stage, "poolId">,
  clientId: string,
  cookies: readonly string[],
): (connection: Connection, turn: number) => Promise<Record<string, unknown>> {
  const path = `/${place.poolId}/oauth2/authorize?${queryOf(clientId)}`;
  return async (connection, turn) => {
    const back = await connection.request("GET", path, { cookie: cookies[turn % cookies.length]! });
    return redeem(connection, place, clientId, headerOf(back, "location"));
  };
}

async function codeGrant(
  stage: Stage,
): Promise<{ run: Operation; tokens: (turn: number) => Promise<string> }> {
  const client = await oauthClient(stage);
  const query = queryOf(client.id);
  const cookies: string[] = [];
  for (let turn = 0; turn < browsers; turn++) cookies.push(await signInBrowser(stage, query, turn));
  const run = grantOf(stage, client.id, cookies);
  const tokens = async (turn: number) => {
    const connection = new PatientConnection(stage.server.port);
    const answer = await run(connection, turn);
    connection.close();
    return String(answer["access_token"]);
  };
  return { run, tokens };
}

/** A client that acts for itself, with its own scope. */
export async function machineClient(stage: Stage): Promise<{ id: string; secret: string }> {
  const connection = new Connection(stage.server.port);
  document(
    await signedCall(connection, stage.server.port, "CreateResourceServer", {
      UserPoolId: stage.poolId,
      Identifier: "bench",
      Name: "bench",
      Scopes: [{ ScopeName: "run", ScopeDescription: "run" }],
    }),
  );
  connection.close();
  return oauthClient(stage, {
    GenerateSecret: true,
    AllowedOAuthFlows: ["client_credentials"],
    AllowedOAuthScopes: ["bench/run"],
    CallbackURLs: undefined,
  });
}

/** Tokens of such a client. */
export function clientCredentials(
  { poolId }: Pick<Stage, "poolId">,
  { id, secret }: { readonly id: string; readonly secret: string },
): Operation {
  const headers = { ...form, authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString("base64")}` };
  return async (one) =>
    document(await one.request("POST", `/${poolId}/oauth2/token`, headers, "grant_type=client_credentials"));
}

export async function signInPage(stage: Stage): Promise<Operation> {
  const query = queryOf((await oauthClient(stage)).id);
  return async (connection) => succeed(await connection.request("GET", `/${stage.poolId}/login?${query}`));
}

export function succeed(answer: Answer): void {
  if (answer.status !== 200) throw new Error(`${answer.head}\n${answer.body}`);
}

export const oauthScenarios: readonly Scenario[] = [
  {
    name: "code-grant",
    title: "Code grant, authorize and token",
    limit: { signature: 2 },
    goal: { sqlite: 0.4, postgres: 0.3 },
    connections: 4,
    prepare: async (stage) => (await codeGrant(stage)).run,
  },
  {
    name: "client-credentials",
    title: "client_credentials",
    limit: { signature: 1 },
    goal: { sqlite: 0.65, postgres: 0.58 },
    connections: 4,
    prepare: async (stage) => clientCredentials(stage, await machineClient(stage)),
  },
  {
    name: "user-info",
    title: "userInfo",
    limit: { http: 1 },
    goal: { sqlite: 0.25, postgres: 0.15 },
    prepare: async (stage) => {
      const { tokens } = await codeGrant(stage);
      const all: string[] = [];
      for (let turn = 0; turn < browsers; turn++) all.push(await tokens(turn));
      return async (connection, turn) => {
        const authorization = `Bearer ${all[turn % all.length]}`;
        succeed(await connection.request("GET", `/${stage.poolId}/oauth2/userInfo`, { authorization }));
      };
    },
  },
  {
    name: "discovery",
    title: "Discovery",
    limit: { http: 1 },
    prepare:
      async ({ poolId }) =>
      async (connection) =>
        succeed(await connection.request("GET", `/${poolId}/.well-known/openid-configuration`)),
  },
  {
    name: "page",
    title: "Sign-in page",
    limit: { http: 1 },
    goal: { ms: 0.35 },
    prepare: signInPage,
  },
];
