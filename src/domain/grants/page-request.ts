/**
 * A request for a page of ours that is about the user and not about an authorization (AWS: "passkeys/add"). It names the
 * client that sent the browser there, and where the browser goes back to: to a callback URL of that client, with nothing
 * but the state it gave.
 */
import type { Ctx } from "../../app.ts";
import { withQuery } from "../../lib/with-query.ts";
import type { Pool } from "../user-pools/load-pool.ts";
import {
  type AuthorizationRequest,
  clientOf,
  once,
  promptOf,
  rawState,
  readParameters,
  redirectUriOf,
} from "./authorization-request.ts";

export type PageRequest = Pick<
  AuthorizationRequest,
  "pool" | "client" | "redirectUri" | "state" | "prompt" | "loginHint" | "languages" | "maxAge"
>;

/** Seconds. Whoever adds a way in has proven not long ago who they are. */
const freshFor = 15 * 60;

/**
 * Throws invalid_client, unauthorized_client, invalid_request and redirect_mismatch.
 * @param query without the question mark, as it came
 */
export async function readPageRequest(ctx: Ctx, pool: Pool, query: string): Promise<PageRequest> {
  const parameters = readParameters(query);
  const client = await clientOf(ctx, pool, once(parameters, "client_id"));
  return {
    pool,
    client,
    redirectUri: redirectUriOf(client, once(parameters, "redirect_uri")),
    state: rawState(query),
    prompt: promptOf(once(parameters, "prompt") ?? null),
    loginHint: once(parameters, "login_hint"),
    languages: [once(parameters, "lang") ?? []].flat(),
    maxAge: freshFor,
  };
}

/** Back to the application. */
export function returnLocation({ redirectUri, state }: PageRequest): string {
  return state === undefined ? redirectUri : withQuery(redirectUri, `state=${state}`);
}
