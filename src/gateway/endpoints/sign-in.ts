/** The way to the provider, and back from it. */

import { sessionOf, signInUrl } from "../admission.ts";
import type { Called, EndpointMeans } from "../called.ts";
import { redirect } from "../called.ts";
import { TooLarge } from "../cookies.ts";
import { ProviderAway, ProviderRefused } from "../discover.ts";
import { page } from "../pages.ts";
import { returnUrl } from "../return-url.ts";
import { begin, finish, type Returned, UnknownSignIn } from "../sign-in.ts";
import { tokenCookies } from "../token-cookies.ts";

/** GET `paths.signIn`, with the URL to return to in `rd`. */
export async function signIn(means: EndpointMeans, { asked, query }: Called): Promise<Response> {
  const { settings } = means;
  const { publicUrl } = settings;
  const given = query.get("rd") ?? "/";
  const returnTo = returnUrl(settings, given, `${asked.scheme}//${asked.host}/`);
  if (returnTo === undefined)
    return page({
      status: 400,
      title: "This link is not valid",
      text: "It leads to a place that is not one of ours.",
    });
  // The sign-in is bound to a cookie of the public URL's host.
  if (`${asked.scheme}//${asked.host}` !== publicUrl) return redirect(signInUrl(settings, returnTo.href));
  try {
    const { location, cookies } = await begin(means, asked, returnTo.href);
    return redirect(location, cookies);
  } catch (error) {
    return away(means, error, signInUrl(settings, returnTo.href));
  }
}

/** GET `paths.callback`: the browser comes back from the provider. */
export async function callback(means: EndpointMeans, called: Called): Promise<Response> {
  const { settings, keeper, log } = means;
  const { asked, rawQuery } = called;
  let returned: Returned;
  try {
    returned = await finish(means, asked, rawQuery);
  } catch (error) {
    if (error instanceof UnknownSignIn) return unknownSignIn(means, called);
    if (error instanceof ProviderRefused) {
      log.info({ event: "sign-in-refused", detail: error.message }, "The provider refused a sign-in.");
      return page({
        status: 400,
        title: "You are not signed in",
        text: "The identity provider ended the sign-in.",
        link: [signInUrl(settings, `${settings.publicUrl}/`), "Sign in"],
      });
    }
    return away(means, error, signInUrl(settings, `${settings.publicUrl}/`));
  }
  const { session, returnTo, cookies } = returned;
  // Whoever was signed in before in this browser no longer is.
  const before = await keeper.find(asked.header("cookie")).catch(() => undefined);
  if (before !== undefined) await keeper.end(before);
  const started = await keeper.start(session).catch(tooLarge);
  if (started === undefined) {
    log.error(
      { event: "session-too-large" },
      "A session does not fit into cookies; set sessions.store to a database.",
    );
    return page({
      status: 500,
      title: "You are not signed in",
      text: "Your session cannot be kept. An administrator has to change the gateway's settings.",
    });
  }
  log.info({ event: "signed-in", subject: session.identity.subject }, "Somebody signed in.");
  return redirect(returnTo, [...started, ...tokenCookies(means, session.tokens), ...cookies]);
}

function tooLarge(error: unknown): undefined {
  if (error instanceof TooLarge) return undefined;
  throw error;
}

/** The callback was reloaded, opened in another browser, or too late. */
async function unknownSignIn(means: EndpointMeans, { asked }: Called): Promise<Response> {
  const home = `${means.settings.publicUrl}/`;
  const current = await sessionOf(means, asked.header("cookie")).catch(() => undefined);
  const link =
    current === undefined
      ? ([signInUrl(means.settings, home), "Sign in"] as const)
      : ([home, "Go on"] as const);
  return page({
    status: 400,
    title: "This sign-in is over",
    text: "It took too long, was used already, or began in another browser.",
    link,
  });
}

function away({ log }: EndpointMeans, error: unknown, again: string): Response {
  if (!(error instanceof ProviderAway)) throw error;
  log.warn(
    { event: "provider-away", detail: String(error.cause ?? error.message) },
    "The provider does not answer.",
  );
  return page(
    {
      status: 503,
      title: "Sign-in does not work at the moment",
      text: "The identity provider does not answer. Nothing is wrong with your account; try again in a few minutes.",
      link: [again, "Try again"],
    },
    [["retry-after", "30"]],
  );
}
