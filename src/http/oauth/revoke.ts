/**
 * POST /oauth2/revoke ("The revoke token endpoint", Amazon Cognito Developer Guide; RFC 7009). A token that is not ours
 * counts as revoked. Here, unlike at the token endpoint, Cognito answers 401 to a client that is not authenticated.
 */
import type { Ctx } from "../../app.ts";
import { refuseOAuth } from "../../domain/grants/oauth-error.ts";
import { revokeToken } from "../../domain/tokens/refresh.ts";
import { Refusal } from "../../lib/refusal.ts";
import { type Answer, type Call, noStore } from "./call.ts";
import { authenticateClient, unauthenticated } from "./client-auth.ts";
import { readForm } from "./form.ts";

export async function answerRevoke(ctx: Ctx, call: Call): Promise<Answer> {
  const form = await readForm(call);
  let authenticated: Awaited<ReturnType<typeof authenticateClient>>;
  try {
    authenticated = await authenticateClient(ctx, call, form);
  } catch (error) {
    if (error instanceof Refusal && error.code === "invalid_client") return unauthenticated(ctx, call, error);
    throw error;
  }
  const { pool, client } = authenticated;
  const token =
    form.get("token") ?? refuseOAuth("invalid_request", "Required parameter token is not present.");
  try {
    await revokeToken(ctx, { pool, client, token });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (error.code === "UnsupportedTokenTypeException")
      refuseOAuth("unsupported_token_type", "Only refresh tokens can be revoked.");
    if (error.code !== "UnauthorizedException") refuseOAuth("invalid_request", error.message);
  }
  return { status: 200, headers: { ...noStore, "content-length": "0" }, body: "" };
}
