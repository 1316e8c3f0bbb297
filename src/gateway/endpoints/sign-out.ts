/** GET and POST `paths.signOut`: ends the session here, and at the provider if the settings say so. */
import type { Asked } from "../asked.ts";
import type { Called, EndpointMeans } from "../called.ts";
import { redirect } from "../called.ts";
import { ProviderAway } from "../discover.ts";
import { askFirst, page } from "../pages.ts";
import { isServedHost, returnUrl } from "../return-url.ts";
import type { Found, Session } from "../sessions/sessions.ts";
import { removedTokenCookies } from "../token-cookies.ts";

/** `rd` says where to go afterwards; `everywhere=true` ends all sessions of the user, here and at the provider. */
export async function signOut(means: EndpointMeans, { asked, query }: Called): Promise<Response> {
  const { settings, keeper, provider, log } = means;
  const here = `${asked.scheme}//${asked.host}`;
  // A link, image, frame or form of another site signs nobody out.
  if (isFromElsewhere(means, asked))
    return asked.method === "POST"
      ? new Response(null, { status: 403 })
      : askFirst("Sign out", "Do you want to sign out?", asked.target, "Sign out");
  const returnTo = returnUrl(settings, query.get("rd") ?? "/", `${here}/`)?.href ?? `${settings.publicUrl}/`;
  const cookies = [...keeper.removal, ...removedTokenCookies(means)];
  const isEverywhere = query.get("everywhere") === "true";
  const all = await keeper.findAll(asked.header("cookie"));
  let isDone = true;
  for (const found of all) {
    const session = isEverywhere ? await currentOf(means, asked, found) : found.session;
    await keeper.end(found);
    if (isEverywhere) await keeper.endAll(session.identity);
    // First of all, since it needs an access token that was not revoked.
    if (isEverywhere && !(await provider.signOutEverywhere(session.tokens))) isDone = false;
    await provider.revoke(session.tokens);
    log.info({ event: "signed-out", subject: session.identity.subject }, "Somebody signed out.");
  }
  if (!isDone) return hereOnly(means, returnTo, cookies);
  const [first] = all;
  const atProvider =
    first && (await provider.signOutUrl(first.session.tokens, returnTo).catch(notWithoutProvider));
  return redirect(atProvider ?? returnTo, cookies);
}

/** The session with an access token that has not expired, if there is any. */
async function currentOf({ refresher }: EndpointMeans, asked: Asked, found: Found): Promise<Session> {
  // Also where two cookies were sent, of which only the one in hand is asked about.
  const current = await refresher.current(found, asked.header("cookie")).catch(() => undefined);
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

/** Whether another site caused the request. Browsers say so themselves, except old ones, and all by plain http. */
function isFromElsewhere({ settings }: EndpointMeans, asked: Asked): boolean {
  const site = asked.header("sec-fetch-site");
  if (site !== undefined) return site === "cross-site";
  const from = asked.header("origin") ?? asked.header("referer");
  if (from === undefined) return false;
  return !(URL.canParse(from) && isServedHost(settings, new URL(from).host)) && !isHost(asked, from);
}

const isHost = ({ host }: Asked, url: string) => URL.canParse(url) && new URL(url).host === host;

/** The user is signed out here all the same. */
function notWithoutProvider(error: unknown): undefined {
  if (error instanceof ProviderAway) return undefined;
  throw error;
}
