/** /oauth2/authorize (AWS: "The redirect and authorization endpoint"; RFC 6749 section 3.1): on, back, or to the pages. */
import type { Context } from "hono";
import type { Ctx } from "../../app.ts";
import { authorizedLocation, refusedLocation, suffices } from "../../domain/grants/answer.ts";
import { RedirectedRefusal, readAuthorizationRequest } from "../../domain/grants/authorization-request.ts";
import { signedInBrowser } from "../../domain/grants/browser-session.ts";
import { Refusal } from "../../lib/refusal.ts";
import { sessionCookie } from "../cookies.ts";
import { type Bindings, errorPageOf, type Place, rawQuery } from "../place.ts";
import { redirect } from "./errors.ts";
import { readForm } from "./form.ts";

export async function answerAuthorize(ctx: Ctx, c: Context<Bindings>, place: Place): Promise<Response> {
  const query = c.req.method === "POST" ? await postedQuery(c) : rawQuery(c);
  const location = await locationOf(ctx, c, place, query).catch((error: unknown) => {
    if (error instanceof RedirectedRefusal) return refusedLocation(ctx, place.pool, error);
    if (error instanceof Refusal) return errorPageOf(place, error.code, query);
    throw error;
  });
  return redirect(c, location);
}

async function locationOf(ctx: Ctx, c: Context<Bindings>, place: Place, query: string): Promise<string> {
  const request = await readAuthorizationRequest(ctx, place.pool, query);
  const browser = await signedInBrowser(ctx, place.pool, sessionCookie(c, place));
  if (suffices(ctx, request, browser)) return authorizedLocation(ctx, request, browser);
  if (request.prompt.has("none"))
    throw new RedirectedRefusal("login_required", "The user is not signed in.", request);
  return `${place.base}/login?${query}`;
}

/** OpenID Connect Core 1.0 section 3.1.2.1: "Authorization Servers MUST support the use of the HTTP GET and POST methods". */
async function postedQuery(c: Context<Bindings>): Promise<string> {
  return new URLSearchParams([...(await readForm(c))]).toString();
}
