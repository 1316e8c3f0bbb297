/**
 * A request for a page of ours about the user rather than an authorization ("passkeys/add", Amazon Cognito Developer
 * Guide). It names the client that sent the browser there, and where to return: a callback URL of that client, with
 * nothing but the state it gave.
 */
import type { Ctx } from "../../app.ts";
import { withQuery } from "../../lib/with-query.ts";
import {
  type AuthorizationRequest,
  once,
  promptOf,
  rawState,
  readParameters,
} from "./authorization-request.ts";
import { clientOf, type PoolAndClient } from "./client.ts";
import { redirectUriOf } from "./redirect-uri.ts";

export type PageRequest = Pick<
  AuthorizationRequest,
  "pool" | "client" | "redirectUri" | "state" | "prompt" | "loginHint" | "languages" | "maxAge"
>;

/** How recent the sign-in must be to add a way to sign in. Seconds. */
const freshFor = 15 * 60;

/**
 * Reads the request. Throws invalid_client, unauthorized_client, invalid_request and redirect_mismatch.
 * @param query as received, without the question mark
 */
export async function readPageRequest(ctx: Ctx, place: PoolAndClient, query: string): Promise<PageRequest> {
  const { pool } = place;
  const parameters = readParameters(query);
  const client = await clientOf(ctx, place, once(parameters, "client_id"));
  return {
    pool,
    client,
    redirectUri: redirectUriOf(pool, client, once(parameters, "redirect_uri")),
    state: rawState(query),
    prompt: promptOf(once(parameters, "prompt") ?? null),
    loginHint: once(parameters, "login_hint"),
    languages: [once(parameters, "lang") ?? []].flat(),
    maxAge: freshFor,
  };
}

/** The URL back to the application. */
export function returnLocation({ redirectUri, state }: PageRequest): string {
  return state === undefined ? redirectUri : withQuery(redirectUri, `state=${state}`);
}
