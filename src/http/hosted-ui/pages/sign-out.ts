/** /signout: asks whether to sign out, where an application's request does not show that it means the signed-in user. */
import type { Context } from "hono";
import { html } from "hono/html";
import type { Ctx } from "../../../app.ts";
import { signedInBrowser } from "../../../domain/grants/browser-session.ts";
import { logoutTarget, readLogoutRequest } from "../../../domain/grants/logout.ts";
import { sessionCookie } from "../../cookies.ts";
import { textQuery } from "../../form.ts";
import type { Bindings, Place } from "../../place.ts";
import { closeSession } from "../../sessions.ts";
import { brandOf } from "../kit/brand.ts";
import { submit } from "../kit/fields.ts";
import { answerPage } from "../kit/layout.ts";
import { shownName } from "../kit/names.ts";
import { onwardPage } from "../kit/onward.ts";
import { newFrame, redirect } from "../kit/visit.ts";

export async function showSignOut(ctx: Ctx, c: Context<Bindings>, place: Place): Promise<Response> {
  const query = textQuery(c);
  const target = await logoutTarget(ctx, place.pool, readLogoutRequest(query));
  const browser = await signedInBrowser(ctx, place.pool, sessionCookie(c, place));
  // Nobody needs to be asked.
  if (browser === undefined) return redirect(c, `${place.base}/logout?${query}`);
  const { client } = target;
  const frame = {
    ...newFrame(ctx, c, place.base),
    ...(client && { brand: brandOf(ctx, place, client) }),
    leadsTo: target.kind === "redirect" ? [target.location] : [],
  };
  const { continueAs, signOut } = frame.words;
  const body = html`<p class="lead">${continueAs.signedInAs(shownName(place.pool, browser.user))}</p>
<form method="post" action="${frame.root}/signout?${query}">${submit(signOut.submit)}</form>`;
  return answerPage(frame, { title: signOut.title, body });
}

export async function postSignOut(ctx: Ctx, c: Context<Bindings>, place: Place): Promise<Response> {
  const target = await logoutTarget(ctx, place.pool, readLogoutRequest(textQuery(c)));
  const browser = await signedInBrowser(ctx, place.pool, sessionCookie(c, place));
  const destination = target.kind === "redirect" ? target.location : `${place.base}/signedout`;
  const location = await closeSession(ctx, c, place, { browser, destination });
  // The page's policy for forms names no identity provider.
  return location === destination ? redirect(c, location) : onwardPage(c, location);
}
