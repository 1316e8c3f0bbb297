/**
 * /oauth2/idpresponse and /saml2/idpresponse: where a browser returns to with a provider's answer ("User pool sign-in
 * with third party identity providers", Amazon Cognito Developer Guide).
 */
import type { Context } from "hono";
import type { Ctx } from "../../app.ts";
import { answerSignIn, handleParameter, keepPosted } from "../../domain/federation/answer.ts";
import { rememberProviderSession } from "../../domain/federation/sessions.ts";
import { isUnsolicited, keepUnsolicited } from "../../domain/federation/unsolicited.ts";
import { authorizedLocation } from "../../domain/grants/answer.ts";
import { federationCookie, setFederationCookie } from "../cookies.ts";
import { type Bindings, type Place, rawQuery } from "../place.ts";
import { redirect } from "../redirect.ts";
import { openSession } from "../sessions.ts";
import { readAnswer } from "./form.ts";

export const oauthResponse = (ctx: Ctx, c: Context<Bindings>, place: Place) =>
  answerResponse(ctx, c, place, { path: "/oauth2/idpresponse", saml: false });

export const samlResponse = (ctx: Ctx, c: Context<Bindings>, place: Place) =>
  answerResponse(ctx, c, place, { path: "/saml2/idpresponse", saml: true });

interface Endpoint {
  readonly path: string;
  readonly saml: boolean;
}

async function answerResponse(
  ctx: Ctx,
  c: Context<Bindings>,
  place: Place,
  { path, saml }: Endpoint,
): Promise<Response> {
  if (c.req.method === "POST") {
    const handle = await keep(ctx, c, place, saml);
    return redirect(c, `${place.base}${path}?${handleParameter}=${handle}`);
  }
  const parameters = new URLSearchParams(rawQuery(c));
  const signIn = await answerSignIn(ctx, place, { parameters, cookie: federationCookie(c, place), saml });
  const { request, authenticated } = signIn;
  const opened = await openSession(ctx, c, place, authenticated, (tx, browser) =>
    rememberProviderSession(tx, ctx, browser, signIn),
  );
  return redirect(c, await authorizedLocation(ctx, request, opened.browser), request);
}

/** Keeps what the provider's site has posted by the browser. Returns the handle with which the browser comes again. */
async function keep(ctx: Ctx, c: Context<Bindings>, place: Place, saml: boolean): Promise<string> {
  const parameters = await readAnswer(c);
  if (!saml || !isUnsolicited(parameters.get("RelayState") ?? ""))
    return keepPosted(ctx, place, { parameters, saml });
  const kept = await keepUnsolicited(ctx, place, parameters, federationCookie(c, place));
  setFederationCookie(c, place, kept.cookie);
  return kept.handle;
}
