/** The way to the provider, and back from it. */
import { sessionOf, signInUrl } from "../admission.ts";
import type { Asked } from "../asked.ts";
import type { Called, EndpointMeans } from "../called.ts";
import { redirect } from "../called.ts";
import { TooLarge } from "../cookies.ts";
import { ProviderAway, ProviderRefused, reasonsOf } from "../discover.ts";
import { page } from "../pages.ts";
import { returnUrl } from "../return-url.ts";
import { nothingClear, type Session } from "../sessions/sessions.ts";
import { begin, type Returned, redeem, returned, UnknownSignIn } from "../sign-in.ts";
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
  if (asked.host !== new URL(publicUrl).host) return redirect(signInUrl(settings, returnTo.href));
  if (`${asked.scheme}//${asked.host}` !== publicUrl) return notAsPublic(means);
  try {
    const { location, cookies } = await begin(means, asked, returnTo.href);
    return redirect(location, cookies);
  } catch (error) {
    return away(means, error, signInUrl(settings, returnTo.href));
  }
}

/** GET `paths.callback`: the browser comes back from the provider. */
export async function callback(means: EndpointMeans, called: Called): Promise<Response> {
  let back: Returned;
  try {
    back = returned(means, called.asked, called.rawQuery);
  } catch (error) {
    if (error instanceof UnknownSignIn) return unknownSignIn(means, called);
    throw error;
  }
  const again = signInUrl(means.settings, back.waiting.returnTo);
  let session: Session;
  try {
    session = await redeem(means, back);
  } catch (error) {
    const answer =
      error instanceof ProviderRefused ? refused(means, error, again) : away(means, error, again);
    for (const cookie of back.cookies) answer.headers.append("set-cookie", cookie);
    return answer;
  }
  return start(means, called.asked, session, back);
}

/** The session begins, and the one before it in this browser ends. */
async function start(
  means: EndpointMeans,
  asked: Asked,
  session: Session,
  { waiting, cookies }: Returned,
): Promise<Response> {
  const { keeper, provider, log } = means;
  const { subject } = session.identity;
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
  const before = await keeper.find(asked.header("cookie")).catch(nothingClear);
  if (before !== undefined) await keeper.end(before);
  // The same user's new tokens may belong to the same grant, and end with it.
  if (before !== undefined && before.session.identity.subject !== subject)
    await provider.revoke(before.session.tokens);
  log.info({ event: "signed-in", subject }, "Somebody signed in.");
  return redirect(waiting.returnTo, [
    ...started,
    ...tokenCookies(means, session.tokens, asked.header("cookie")),
    ...cookies,
  ]);
}

function refused({ log }: EndpointMeans, error: ProviderRefused, again: string): Response {
  log.info({ event: "sign-in-refused", detail: error.message }, "The provider refused a sign-in.");
  const { told } = error;
  return page({
    status: 400,
    title: "You are not signed in",
    text:
      told === undefined
        ? "The identity provider ended the sign-in."
        : `The identity provider ended the sign-in: ${told}`,
    link: [again, "Sign in"],
  });
}

function tooLarge(error: unknown): undefined {
  if (error instanceof TooLarge) return undefined;
  throw error;
}

/** The callback was reloaded, opened in another browser, or too late. */
async function unknownSignIn(means: EndpointMeans, { asked }: Called): Promise<Response> {
  const home = `${means.settings.publicUrl}/`;
  const current = await sessionOf(means, asked.header("cookie"), "again").catch(() => undefined);
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
  log.warn({ event: "provider-away", detail: reasonsOf(error) }, "The provider does not answer.");
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

/** Sending the browser to the same URL again would not end. */
function notAsPublic({ settings, log }: EndpointMeans): Response {
  log.error(
    { event: "not-as-public" },
    `Requests arrive by another scheme than that of public-url, ${settings.publicUrl}: a proxy in front has to be in trusted-proxies, and to send X-Forwarded-Proto.`,
  );
  return page({
    status: 500,
    title: "Sign-in does not work at the moment",
    text: "The connection does not look as the gateway's settings say. An administrator has to change them.",
  });
}
