/** GET and POST `paths.signOut`: ends the session here, and at the provider if the settings say so. */
import type { Asked } from "../asked.ts";
import type { Called, EndpointMeans } from "../called.ts";
import { redirect } from "../called.ts";
import { ProviderAway } from "../discover.ts";
import { askFirst } from "../pages.ts";
import { isServedHost, returnUrl } from "../return-url.ts";
import { removedTokenCookies } from "../token-cookies.ts";

/** `rd` says where to go afterwards; `everywhere=true` ends all sessions of the user here. */
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
  const all = await keeper.findAll(asked.header("cookie"));
  for (const found of all) {
    const { identity, tokens } = found.session;
    await keeper.end(found);
    if (query.get("everywhere") === "true") await keeper.endAll(identity);
    await provider.revoke(tokens);
    log.info({ event: "signed-out", subject: identity.subject }, "Somebody signed out.");
  }
  const [first] = all;
  const atProvider =
    first && (await provider.signOutUrl(first.session.tokens, returnTo).catch(notWithoutProvider));
  return redirect(atProvider ?? returnTo, cookies);
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
