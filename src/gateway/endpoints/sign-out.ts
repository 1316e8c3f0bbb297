/** GET and POST `paths.signOut`: ends the session here, and at the provider if the settings say so. */
import type { Called, EndpointMeans } from "../called.ts";
import { redirect } from "../called.ts";
import { ProviderAway } from "../discover.ts";
import { askFirst } from "../pages.ts";
import { returnUrl } from "../return-url.ts";
import { AmbiguousCookies, type Found } from "../sessions/sessions.ts";
import { removedTokenCookies } from "../token-cookies.ts";

/** `rd` says where to go afterwards; `everywhere=true` ends all sessions of the user here. */
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
  const { identity, tokens } = found.session;
  await keeper.end(found);
  if (query.get("everywhere") === "true") await keeper.endAll(identity);
  await provider.revoke(tokens);
  log.info({ event: "signed-out", subject: identity.subject }, "Somebody signed out.");
  const atProvider = await provider.signOutUrl(tokens, returnTo).catch(notWithoutProvider);
  return redirect(atProvider ?? returnTo, cookies);
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
