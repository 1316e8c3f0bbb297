/** POST /oauth2/backchannel-logout?provider=<ProviderName>: a provider ends sessions (OpenID Connect Back-Channel Logout 1.0). */
import type { Context } from "hono";
import type { Ctx } from "../../app.ts";
import { endSessionsThrough } from "../../domain/federation/sessions.ts";
import { refuseOAuth } from "../../domain/grants/oauth-error.ts";
import { Refusal } from "../../lib/refusal.ts";
import type { Bindings, Place } from "../place.ts";
import { logRefusal } from "../refused.ts";
import { providerOfQuery, readAnswer } from "./form.ts";

/** 200 if the logout token was good, whether or not anybody was signed in (its section 2.8). */
export async function backchannelLogout(ctx: Ctx, c: Context<Bindings>, place: Place): Promise<Response> {
  const headers = { "cache-control": "no-store" };
  try {
    await endSessions(ctx, c, place);
    return c.body(null, 200, headers);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    logRefusal(ctx, error);
    return c.json({ error: "invalid_request", error_description: error.message }, 400, headers);
  }
}

async function endSessions(ctx: Ctx, c: Context<Bindings>, place: Place): Promise<void> {
  const token = (await readAnswer(c)).get("logout_token");
  if (!token) refuseOAuth("invalid_request", "Required parameter logout_token is not present.");
  const provider = await providerOfQuery(ctx, c, place);
  if (provider?.type !== "OIDC") return refuseOAuth("invalid_request", "There is no such OpenID provider.");
  const { verifyLogoutToken } = await import("../../domain/federation/logout-token.ts");
  await endSessionsThrough(ctx, provider, await verifyLogoutToken(ctx, provider, token));
}
