/** GET and POST `paths.signOut`: ends the session here, and at the provider if the settings say so. */
import type { Asked } from "../asked.ts";
import type { Called, EndpointMeans } from "../called.ts";
import { redirect } from "../called.ts";
import { ProviderAway } from "../discover.ts";
import { askFirst, page } from "../pages.ts";
import { returnUrl } from "../return-url.ts";
import { AmbiguousCookies, type Found, type Session } from "../sessions/sessions.ts";
import { removedTokenCookies } from "../token-cookies.ts";

/** `rd` says where to go afterwards; `everywhere=true` ends all sessions of the user, here and at the provider. */
export async function signOut(means: EndpointMeans, { asked, query }: Called): Promise<Response> {
  const { settings, keeper, provider, log } = means;
  const here = `${asked.scheme}//${asked.host}`;
  const site = asked.header("sec-fetch-site") ?? "none";
  // A link, image or frame of another site signs nobody out.
  if (asked.method !== "POST" && site === "cross-site")
    return askFirst("Sign out", "Do you want to sign out?", asked.target, "Sign out");
  if (asked.method === "POST" && site === "cross-site") return new Response(null, { status: 403 });
  const returnTo = returnUrl(settings, query.get("rd") ?? "/", `${here}/`)?.href ?? `${settings.publicUrl}/`;
  const cookies = [...keeper.removal, ...removedTokenCookies(means)];
  const found = await keeper.find(asked.header("cookie"), "anew").catch(nothingClear);
  if (found === undefined) return redirect(returnTo, cookies);
  const isEverywhere = query.get("everywhere") === "true";
  const { identity, tokens } = isEverywhere ? await currentOf(means, asked, found) : found.session;
  await keeper.end(found);
  if (isEverywhere) await keeper.endAll(identity);
  // First of all, since it needs an access token that was not revoked.
  const isDone = !isEverywhere || (await provider.signOutEverywhere(tokens));
  await provider.revoke(tokens);
  if (!isDone) return hereOnly(means, returnTo, cookies);
  log.info({ event: "signed-out", subject: identity.subject }, "Somebody signed out.");
  const atProvider = await provider.signOutUrl(tokens, returnTo).catch(notWithoutProvider);
  return redirect(atProvider ?? returnTo, cookies);
}

/** The session with an access token that has not expired, if there is any. */
async function currentOf({ refresher }: EndpointMeans, asked: Asked, found: Found): Promise<Session> {
  const current = await refresher.current(found, asked.header("cookie")).catch(notWithoutProvider);
  return (current ?? found).session;
}

/** The provider did not end what the user has elsewhere. */
function hereOnly({ log }: EndpointMeans, returnTo: string, cookies: readonly string[]): Response {
  log.warn({ event: "sign-out-incomplete" }, "The provider did not sign a user out everywhere.");
  const title = "You are signed out in this browser only";
  const text =
    "The identity provider did not sign you out in others. Sign in again, and then out everywhere once more.";
  const headers = cookies.map((cookie) => ["set-cookie", cookie] as const);
  return page({ status: 503, title, text, link: [returnTo, "Go on"] }, headers);
}

function nothingClear(error: unknown): Found | undefined {
  if (error instanceof AmbiguousCookies) return undefined;
  throw error;
}

/** The user is signed out here all the same. */
function notWithoutProvider(error: unknown): undefined {
  if (error instanceof ProviderAway) return undefined;
  throw error;
}
