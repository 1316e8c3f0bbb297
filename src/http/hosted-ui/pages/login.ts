/** /login: where a sign-in begins. */

import { type Asked, askedProvider } from "../../../domain/federation/asked.ts";
import { suffices } from "../../../domain/grants/answer.ts";
import { isUsedUp } from "../../../domain/grants/answer-limit.ts";
import { signedInBrowser } from "../../../domain/grants/browser-session.ts";
import { startByPasskey } from "../../../domain/signin/by-passkey.ts";
import { startSignIn } from "../../../domain/signin/start.ts";
import { flowAtPages } from "../../../domain/user-pools/client-tags.ts";
import { admitsOwnUsers } from "../../../domain/user-pools/providers.ts";
import { signInNameOf } from "../../../domain/users/find-user.ts";
import type { Refusal } from "../../../lib/refusal.ts";
import { isRefusedFor } from "../../../wire/refuse.ts";
import { sessionCookie } from "../../cookies.ts";
import { toProvider } from "../../to-provider.ts";
import type { Problem } from "../kit/fields.ts";
import { shownName, typedName } from "../kit/names.ts";
import { onwardPage } from "../kit/onward.ts";
import { missing, problemOf, shownRefusal } from "../kit/sentences.ts";
import { linkTo, queryWith, redirect, type Visit } from "../kit/visit.ts";
import { confirmationMethod, confirmPage } from "./confirm.ts";
import { follow, goOn } from "./follow.ts";
import { resetPage } from "./forgot.ts";
import { continuePage, loginPage, passwordPage } from "./login-pages.ts";
import { organizationField, toOrganization } from "./providers.ts";

export async function showLogin(visit: Visit): Promise<Response> {
  const { ctx, c, place, query, request } = visit;
  const asked = await asks(visit);
  const browser = await signedIn(visit, asked);
  if (browser !== undefined) return continuePage(visit, shownName(visit.pool, browser.user));
  const { provider } = asked;
  if (provider !== undefined && "responseType" in request)
    return redirect(c, await toProvider(ctx, c, place, { request, query, provider }));
  return loginPage(visit, { username: (await hintedName(visit)) ?? visit.request.loginHint });
}

/** The user that the client's id_token_hint asks for. */
async function hintedName({ ctx, pool, request }: Visit): Promise<string | undefined> {
  if (!("hinted" in request) || typeof request.hinted !== "object") return undefined;
  return signInNameOf(ctx, pool, request.hinted.userId);
}

const noProvider: Asked = { provider: undefined, isNamed: false };

/** The identity provider that the visit's request leads to. */
async function asks({ ctx, request }: Visit): Promise<Asked> {
  return "responseType" in request ? askedProvider(ctx, request) : noProvider;
}

/** The user who is signed in here and need not authenticate again. */
export async function signedIn(
  { ctx, c, place, pool, request }: Visit,
  { provider, isNamed }: Asked = noProvider,
) {
  const browser = await signedInBrowser(ctx, pool, sessionCookie(c, place));
  return suffices(ctx, request, browser, isNamed ? provider?.name : undefined) ? browser : undefined;
}

export async function postLogin(visit: Visit): Promise<Response> {
  const { form, client, words } = visit;
  if (form.has("continue") || form.has("another")) return postContinue(visit);
  if (form.has(organizationField)) {
    const problem = { field: organizationField, text: words.errors.noOrganization };
    return (await toOrganization(visit)) ?? loginPage(visit, { problem });
  }
  if (!admitsOwnUsers(client)) return refuseOwnUser(visit);
  const credential = form.get("credential");
  if (credential !== undefined) return beginByPasskey(visit, credential);
  const username = typedName(visit);
  const password = form.get("password");
  const empty = username === "" ? "username" : password === "" ? "password" : undefined;
  if (empty !== undefined) return tryAgain(visit, username, missing(visit, empty));
  return begin(visit, username, password);
}

/** The answer to a form of the pool's own users at a client that does not admit them. */
export function refuseOwnUser(visit: Visit): Promise<Response> {
  return loginPage(visit, { problem: { text: visit.words.errors.noFactor } });
}

/** Continues as the user who is signed in, or signs in anew. */
async function postContinue(visit: Visit): Promise<Response> {
  const { c, form, query } = visit;
  const asked = await asks(visit);
  if (form.has("continue")) {
    const browser = await signedIn(visit, asked);
    if (browser !== undefined) return goOn(visit, browser).catch(unlessUsedUp(visit));
  }
  const { provider } = asked;
  if (provider === undefined) return loginPage(visit, {});
  const anew = queryWith(query, { identity_provider: provider.name, prompt: "login" });
  return onwardPage(c, linkTo({ ...visit, query: anew }, "/oauth2/authorize"));
}

/** Falls back to a new sign-in if the present one cannot be used any more. */
const unlessUsedUp = (visit: Visit) => (error: unknown) => {
  if (!isUsedUp(error)) throw error;
  return loginPage(visit, {});
};

async function begin(visit: Visit, username: string, password: string | undefined): Promise<Response> {
  const { ctx, pool, client, page } = visit;
  const proof = password === undefined ? {} : { PASSWORD: password, PREFERRED_CHALLENGE: "PASSWORD" };
  const parameters = { USERNAME: username, ...proof };
  try {
    const start = {
      pool,
      client,
      flow: flowAtPages(pool, client),
      session: undefined,
      entry: "pages",
      page,
    } as const;
    return await follow(visit, await startSignIn(ctx, { ...start, parameters }), username);
  } catch (error) {
    const refusal = shownRefusal(ctx, error);
    const instead = elsewhere(visit, username, refusal);
    if (instead !== undefined) return instead;
    const fields = password === undefined ? ["username"] : ["username", "password"];
    return tryAgain(visit, username, problemOf(refusal, visit, fields));
  }
}

/** Starts a sign-in with a passkey that the browser offered in the name field; the passkey identifies the user. */
async function beginByPasskey(visit: Visit, credential: string): Promise<Response> {
  const { ctx, pool, client, page, words } = visit;
  try {
    const outcome = await startByPasskey(ctx, { pool, client, page, credential });
    return await follow(visit, outcome, "");
  } catch (error) {
    const refusal = shownRefusal(ctx, error);
    const instead = elsewhere(visit, "", refusal);
    if (instead !== undefined) return instead;
    const isWrong = isRefusedFor(refusal, "wrongPassword", "passkeyInvalid");
    const problem = isWrong ? { text: words.errors.passkey } : problemOf(refusal, visit, []);
    return loginPage(visit, { problem });
  }
}

/** The page of a user whose account must first be confirmed, or its password reset; undefined for other refusals. */
function elsewhere(visit: Visit, username: string, refusal: Refusal): Promise<Response> | undefined {
  if (refusal.code === "UserNotConfirmedException")
    return confirmPage(visit, { username, by: confirmationMethod(visit) });
  if (refusal.code === "PasswordResetRequiredException")
    return resetPage(visit, { username, notice: visit.words.forgot.mustReset });
  return undefined;
}

/** Shows the page of the form again, with what is wrong. */
function tryAgain(visit: Visit, username: string, problem: Problem): Promise<Response> {
  if (visit.form.has("second")) return passwordPage(visit, username, problem);
  return loginPage(visit, { username, problem });
}
