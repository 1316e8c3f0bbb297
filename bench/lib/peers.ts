/** Other servers that can be had from npm, in processes of their own: cognito-local, and oidc-provider. */
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Authorization, browsers, tokensOf } from "../oauth-peers.ts";
import { headerOf, queryOf, redirectUri } from "../oauth-scenarios.ts";
import { Connection, document } from "./connection.ts";
import { type BenchServer, here, portFor, startScript, temporaryFolder } from "./server.ts";
import { makePool, type Stage, signedCall } from "./stage.ts";
import { password, userAttributes, userName } from "./users.ts";

/** The first part of oidc-provider's paths, where ours has the pool. */
export const peerPath = "peer";

const versionIn = (folder: string, name: string): string =>
  JSON.parse(readFileSync(join(folder, "node_modules", name, "package.json"), "utf8")).version;

export const oidcProviderVersion = (): string => versionIn(here, "oidc-provider");

/** Installs cognito-local into a folder that is removed when the bench ends. */
export function installCognitoLocal(): { readonly folder: string; readonly version: string } {
  const folder = join(temporaryFolder(), "cognito-local");
  mkdirSync(folder, { recursive: true });
  const quiet = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"];
  execFileSync("npm", ["install", "--prefix", folder, ...quiet, "cognito-local"], { stdio: "inherit" });
  return { folder, version: versionIn(folder, "cognito-local") };
}

/** @param data the folder in which it has, or makes, its `.cognito` */
export async function startCognitoLocal(folder: string, data: string): Promise<BenchServer> {
  const config = join(data, ".cognito", "config.json");
  mkdirSync(dirname(config), { recursive: true });
  // Users are named as in our pool; its default is that they are named by their addresses.
  writeFileSync(config, JSON.stringify({ UserPoolDefaults: { UsernameAttributes: [] } }));
  const port = await portFor(data);
  return startScript(join(folder, "node_modules/cognito-local/lib/bin/start.js"), {
    env: { HOST: "127.0.0.1", PORT: String(port) },
    folder: data,
  });
}

/** cognito-local with a pool, a client, and the users that Poolhouse has, created over the wire. */
export async function openCognitoLocal(folder: string, data: string, users: number): Promise<Stage> {
  const server = await startCognitoLocal(folder, data);
  const pool = await makePool(server);
  const connection = new Connection(server.port);
  const call = async (operation: string, input: object) =>
    document(await signedCall(connection, server.port, operation, { UserPoolId: pool.poolId, ...input }));
  for (let index = 0; index < users; index++) {
    const attributes = Object.entries(userAttributes(index)).map(([Name, Value]) => ({ Name, Value }));
    const Username = userName(index);
    await call("AdminCreateUser", { Username, UserAttributes: attributes, MessageAction: "SUPPRESS" });
    await call("AdminSetUserPassword", { Username, Password: password, Permanent: true });
  }
  connection.close();
  return { server, ...pool, users, stride: 1, tokens: undefined };
}

export const machineSecret = randomBytes(24).toString("base64url");

export async function startOidcProvider(): Promise<BenchServer> {
  const port = await portFor("oidc-provider");
  const args = [String(port), machineSecret, redirectUri, peerPath];
  return startScript(join(here, "bench/lib/oidc-provider-server.ts"), { args });
}

/** oidc-provider with browsers that are signed in. */
export async function openOidcProvider(): Promise<Authorization> {
  const server = await startOidcProvider();
  const cookies = { page: await signedIn(server, "page"), opaque: await signedIn(server, "opaque") };
  const place = { server, poolId: peerPath, clientId: "page", cookies: cookies.page };
  const { accessToken } = await tokensOf(place, 0);
  if (!/^[\w-]+\.[\w-]+\.[\w-]{342}$/.test(accessToken))
    throw new Error("oidc-provider's access tokens are not signed as ours are: the work is not the same.");
  return {
    ...place,
    machine: { id: "machine", secret: machineSecret },
    signedIn: async (turn) => {
      const { refreshToken } = await tokensOf(place, turn);
      const opaque = { ...place, clientId: "opaque", cookies: cookies.opaque };
      return { refreshToken, accessToken: (await tokensOf(opaque, turn)).accessToken };
    },
  };
}

/** The Cookie headers of browsers that have signed in for a client. */
async function signedIn({ port }: BenchServer, clientId: string): Promise<string[]> {
  const headers: string[] = [];
  for (let turn = 0; turn < browsers; turn++) {
    const connection = new Connection(port);
    const jar = new Map<string, string>();
    const header = () => [...jar].map((pair) => pair.join("=")).join("; ");
    let location = `/${peerPath}/oauth2/authorize?${queryOf(clientId)}`;
    while (!location.startsWith(redirectUri)) {
      const answer = await connection.request("GET", location, { cookie: header() });
      for (const [, name, value] of answer.head.matchAll(/\r\nset-cookie: ([^=]*)=([^;\r]*)/gi))
        jar.set(name!, value!);
      location = headerOf(answer, "location").replace(`http://localhost:${port}`, "");
      if (location === "") throw new Error(answer.head + answer.body);
    }
    connection.close();
    headers.push(header());
  }
  return headers;
}
