/** What authorization servers are compared at: the code grant, a refresh, client_credentials and user info. */
import { type Answer, type Connection, document, PatientConnection } from "./lib/connection.ts";
import type { Operation } from "./lib/load.ts";
import type { BenchServer } from "./lib/server.ts";
import type { Stage } from "./lib/stage.ts";
import {
  clientCredentials,
  form,
  grantOf,
  machineClient,
  oauthClient,
  queryOf,
  signInBrowser,
  succeed,
} from "./oauth-scenarios.ts";

interface Tokens {
  readonly refreshToken: string;
  /** One that user info accepts. */
  readonly accessToken: string;
}

/** An authorization server whose paths begin with `poolId`, with browsers that are signed in. */
export interface Authorization {
  readonly server: BenchServer;
  readonly poolId: string;
  readonly clientId: string;
  readonly machine: { readonly id: string; readonly secret: string };
  /** Headers of the browsers. */
  readonly cookies: readonly string[];
  /** The tokens of one of them. */
  signedIn(turn: number): Promise<Tokens>;
}

/** Enough that no row is contended. */
export const browsers = 32;

export async function openAuthorization(stage: Stage): Promise<Authorization> {
  const { server, poolId } = stage;
  const { id: clientId } = await oauthClient(stage);
  const machine = await machineClient(stage);
  const cookies: string[] = [];
  for (let turn = 0; turn < browsers; turn++)
    cookies.push(await signInBrowser(stage, queryOf(clientId), turn));
  const signedIn = async (turn: number) => tokensOf({ server, poolId, clientId, cookies }, turn);
  return { server, poolId, clientId, machine, cookies, signedIn };
}

/** The tokens of a code grant. */
export async function tokensOf(
  place: Pick<Authorization, "server" | "poolId" | "clientId" | "cookies">,
  turn: number,
): Promise<Tokens> {
  const connection = new PatientConnection(place.server.port);
  const tokens = await grantOf(place, place.clientId, place.cookies)(connection, turn);
  connection.close();
  return { refreshToken: String(tokens["refresh_token"]), accessToken: String(tokens["access_token"]) };
}

export function refreshed(
  connection: Connection,
  { poolId, clientId }: Pick<Authorization, "poolId" | "clientId">,
  refreshToken: string,
): Promise<Answer> {
  const body = new URLSearchParams({
    ...{ grant_type: "refresh_token", client_id: clientId, refresh_token: refreshToken },
  });
  return connection.request("POST", `/${poolId}/oauth2/token`, form, body.toString());
}

export async function oauthOperations(place: Authorization) {
  const { poolId, clientId, machine, cookies } = place;
  const tokens: Tokens[] = [];
  for (let turn = 0; turn < browsers; turn++) tokens.push(await place.signedIn(turn));
  const refresh: Operation = async (connection, turn) =>
    document(await refreshed(connection, place, tokens[turn % browsers]!.refreshToken));
  const userInfo: Operation = async (connection, turn) => {
    const authorization = `Bearer ${tokens[turn % browsers]!.accessToken}`;
    succeed(await connection.request("GET", `/${poolId}/oauth2/userInfo`, { authorization }));
  };
  return {
    "Code grant, authorize and token": grantOf(place, clientId, cookies),
    "Refresh, token endpoint": refresh,
    client_credentials: clientCredentials(place, machine),
    userInfo,
  };
}
