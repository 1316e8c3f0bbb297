/** /login: where a sign-in begins. */
import { authorizedLocation, suffices } from "../../domain/grants/answer.ts";
import { signedInBrowser } from "../../domain/grants/browser-session.ts";
import { startSignIn } from "../../domain/signin/start.ts";
import { Refusal } from "../../lib/refusal.ts";
import { sessionCookie } from "../cookies.ts";
import { confirmPage, wayOf } from "./confirm.ts";
import type { Problem } from "./fields.ts";
import { follow } from "./follow.ts";
import { resetPage } from "./forgot.ts";
import { continuePage, loginPage, passwordPage } from "./login-pages.ts";
import { typedName } from "./names.ts";
import { problemOf } from "./sentences.ts";
import { redirect, type Visit } from "./visit.ts";

export async function showLogin(visit: Visit): Promise<Response> {
  const browser = await signedIn(visit);
  if (browser !== undefined)
    return continuePage(visit, browser.user.attributes["email"] ?? browser.user.username);
  return loginPage(visit, { username: visit.request.loginHint });
}

/** Who is signed in here and need not prove it again. */
async function signedIn({ ctx, c, place, pool, request }: Visit) {
  const browser = await signedInBrowser(ctx, pool, sessionCookie(c, place));
  return suffices(ctx, request, browser) ? browser : undefined;
}

export async function postLogin(visit: Visit): Promise<Response> {
  const { ctx, c, form, request, words } = visit;
  if (form.has("continue")) {
    const browser = await signedIn(visit);
    if (browser !== undefined) return redirect(c, await authorizedLocation(ctx, request, browser));
  }
  if (form.has("continue") || form.has("another")) return loginPage(visit, {});
  const username = typedName(visit);
  const password = form.get("password");
  const missing = username === "" ? "username" : password === "" ? "password" : undefined;
  if (missing !== undefined) return tryAgain(visit, username, { field: missing, text: words.errors.missing });
  return begin(visit, username, password);
}

async function begin(visit: Visit, username: string, password: string | undefined): Promise<Response> {
  const { ctx, pool, client, words } = visit;
  const proof = password === undefined ? {} : { PASSWORD: password, PREFERRED_CHALLENGE: "PASSWORD" };
  const parameters = { USERNAME: username, ...proof };
  try {
    const start = { pool, client, flow: "HOSTED_AUTH", session: undefined, door: "pages" } as const;
    return await follow(visit, await startSignIn(ctx, { ...start, parameters }), username);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (error.code === "UserNotConfirmedException") return confirmPage(visit, { username, by: wayOf(visit) });
    if (error.code === "PasswordResetRequiredException")
      return resetPage(visit, { username, notice: words.forgot.mustReset });
    const fields = password === undefined ? ["username"] : ["username", "password"];
    return tryAgain(visit, username, problemOf(error, words, fields));
  }
}

/** The page that the form came from, with what is wrong. */
function tryAgain(visit: Visit, username: string, problem: Problem): Promise<Response> {
  if (visit.form.has("second")) return passwordPage(visit, username, problem);
  return loginPage(visit, { username, problem });
}
