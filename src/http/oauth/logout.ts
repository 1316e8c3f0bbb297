/**
 * /logout: Cognito's two forms ("The managed login sign-out endpoint", Amazon Cognito Developer Guide) and OpenID
 * Connect RP-Initiated Logout 1.0. Ends the browser's session and the authorization codes issued through it, but not
 * the tokens. Where the settings of the identity provider say so, the browser signs out there, too, and comes back.
 */
import type { Context } from "hono";
import type { Ctx } from "../../app.ts";
import { leftProvider } from "../../domain/federation/sessions.ts";
import { signedInBrowser } from "../../domain/grants/browser-session.ts";
import { isReturn, logoutTarget, mustAsk, readLogoutRequest } from "../../domain/grants/logout.ts";
import { refuseOAuth } from "../../domain/grants/oauth-error.ts";
import { Refusal } from "../../lib/refusal.ts";
import { sessionCookie } from "../cookies.ts";
import type { Bindings, Place } from "../place.ts";
import { redirect } from "../redirect.ts";
import { errorPageOf, logRefusedRequest } from "../refused.ts";
import { closeSession } from "../sessions.ts";
import { requestQuery } from "./form.ts";

export async function answerLogout(ctx: Ctx, c: Context<Bindings>, place: Place): Promise<Response> {
  if (!isNavigation(c))
    return refuseOAuth(
      "invalid_request",
      "Signing out is for a window of the browser, not for a part of a page.",
    );
  const query = await requestQuery(c);
  // Browsers send no SameSite=Lax cookie with another site's form, but do with the GET that follows.
  if (c.req.method === "POST") return redirect(c, `${place.base}/logout?${query}`);
  return redirect(c, await leave(ctx, c, place, query));
}

/**
 * Whether a window or frame is to show the answer, as far as the browser says by Fetch Metadata: an image or a script's
 * request on any page must not sign anybody out, and neither must a link that is only fetched in advance.
 */
function isNavigation(c: Context): boolean {
  const isShown = /^(?:document|iframe|frame)$/.test(c.req.header("sec-fetch-dest") ?? "document");
  const purpose = `${c.req.header("sec-purpose") ?? ""} ${c.req.header("purpose") ?? ""}`;
  return isShown && !/\bprefetch\b/.test(purpose);
}

async function leave(ctx: Ctx, c: Context<Bindings>, place: Place, query: string): Promise<string> {
  try {
    const request = readLogoutRequest(query);
    const returned = isReturn(request) ? await leftProvider(ctx, place.pool, request.state) : undefined;
    if (returned !== undefined) return returned;
    const target = await logoutTarget(ctx, place.pool, request);
    const browser = await signedInBrowser(ctx, place.pool, sessionCookie(c, place));
    if (mustAsk(request, target, browser)) return `${place.base}/signout?${query}`;
    const destination =
      target.kind === "login"
        ? `${place.base}/login?${query}`
        : target.kind === "redirect"
          ? target.location
          : `${place.base}/signedout`;
    return await closeSession(ctx, c, place, { browser, destination });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    logRefusedRequest(ctx, error, query);
    return errorPageOf(ctx, place, error.code, query);
  }
}
