/**
 * /oauth2/authorize ("The redirect and authorization endpoint", Amazon Cognito Developer Guide; RFC 6749 section 3.1):
 * redirects to the sign-in pages, to an identity provider, or back to the client.
 */
import type { Context } from "hono";
import type { Ctx } from "../../app.ts";
import { askedProvider } from "../../domain/federation/asked.ts";
import { authorizedLocation, refusedLocation, suffices } from "../../domain/grants/answer.ts";
import { isUsedUp } from "../../domain/grants/answer-limit.ts";
import {
  type AuthorizationRequest,
  RedirectedRefusal,
  readAuthorizationRequest,
} from "../../domain/grants/authorization-request.ts";
import { signedInBrowser } from "../../domain/grants/browser-session.ts";
import { Refusal } from "../../lib/refusal.ts";
import { sessionCookie } from "../cookies.ts";
import type { Bindings, Place } from "../place.ts";
import { redirect } from "../redirect.ts";
import { errorPageOf, logRefusedRequest } from "../refused.ts";
import { toProvider } from "../to-provider.ts";
import { requestQuery } from "./form.ts";

export async function answerAuthorize(ctx: Ctx, c: Context<Bindings>, place: Place): Promise<Response> {
  const query = await requestQuery(c);
  try {
    const request = await readAuthorizationRequest(ctx, place, query);
    return redirect(c, await locationOf(ctx, c, place, { request, query }), request);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    logRefusedRequest(ctx, error, query);
    if (error instanceof RedirectedRefusal)
      return redirect(c, refusedLocation(ctx, place.pool, error), error.redirect);
    return redirect(c, errorPageOf(ctx, place, error.code, query));
  }
}

async function locationOf(
  ctx: Ctx,
  c: Context<Bindings>,
  place: Place,
  { request, query }: { request: AuthorizationRequest; query: string },
): Promise<string> {
  const isSilent = request.prompt.has("none");
  const mayBeAnswered = !isForFrame(c) || request.framedBy.length > 0;
  if (isSilent && !mayBeAnswered)
    throw new RedirectedRefusal("interaction_required", "The client is not allowed silent renewal.", request);
  const { provider, isNamed } = await askedProvider(ctx, request);
  const browser = mayBeAnswered ? await signedInBrowser(ctx, place.pool, sessionCookie(c, place)) : undefined;
  const signIn = async () =>
    provider === undefined
      ? `${place.base}/login?${query}`
      : toProvider(ctx, c, place, { request, query, provider });
  if (suffices(ctx, request, browser, isNamed ? provider?.name : undefined))
    return authorizedLocation(ctx, request, browser).catch((error) => {
      if (isSilent || !isUsedUp(error)) throw error;
      return signIn();
    });
  if (isSilent) throw new RedirectedRefusal("login_required", "The user is not signed in.", request);
  return signIn();
}

/**
 * Whether the request is for a frame, by Fetch Metadata: Chromium does not check a redirect against its frame-ancestors
 * policy.
 */
function isForFrame(c: Context): boolean {
  return /^(?:iframe|frame|fencedframe|embed|object)$/.test(c.req.header("sec-fetch-dest") ?? "");
}
