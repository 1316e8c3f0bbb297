/** Decides where a sign-in goes after each step: back to the client, or to the page of the next challenge. */
import { authorizedLocation } from "../../../domain/grants/answer.ts";
import type { SignedInBrowser } from "../../../domain/grants/browser-session.ts";
import type { Proof } from "../../../domain/mfa/proofs.ts";
import { respondToChallenge } from "../../../domain/signin/respond.ts";
import { associateBySession } from "../../../domain/signin/set-up-by-session.ts";
import type { Outcome } from "../../../domain/signin/sign-in.ts";
import type { Authenticated } from "../../../domain/tokens/issue.ts";
import { hidesUsers } from "../../../domain/user-pools/clients.ts";
import { admitsOwnUsers } from "../../../domain/user-pools/providers.ts";
import { rememberBrowser } from "../../../domain/users/browser-devices.ts";
import { factorCookie, setDeviceCookie, setFactorCookie } from "../../cookies.ts";
import { openSession } from "../../sessions.ts";
import { passkeyQuery, redirect, type Visit } from "../kit/visit.ts";
import { challengePage, hasPage, type ShownFactor, shownFactors } from "./challenge-pages.ts";
import { isPasswordOnly, loginPage, passwordPage } from "./login-pages.ts";
import { secondFactors, type Waiting } from "./waiting.ts";

export async function follow(visit: Visit, outcome: Outcome, username: string): Promise<Response> {
  if (outcome.kind === "authenticated") return finish(visit, outcome.authenticated);
  const { name, parameters, session = "", available = [] } = outcome;
  if (name === "PASSWORD") return passwordPage(visit, username);
  // No page offers SRP, but a forged form may choose it.
  if (!hasPage(name)) return loginPage(visit, { username, problem: { text: visit.words.errors.general } });
  const waiting: Waiting = {
    name,
    session,
    username,
    parameters: { ...parameters, available: available.join() },
  };
  if (name === "MFA_SETUP" && secondFactors(parameters["MFAS_CAN_SETUP"]).join() === "SOFTWARE_TOKEN_MFA")
    return challengePage(visit, await withKey(visit, waiting));
  if (name !== "SELECT_CHALLENGE") return challengePage(visit, waiting);
  const factors = shownFactors(visit, available);
  if (factors.length === 0)
    return loginPage(visit, { username, problem: { text: visit.words.errors.noFactor } });
  const first = firstOf(visit, factors);
  if (first === undefined) return challengePage(visit, waiting);
  // The password is asked for without answering the choice: its form starts over with both.
  return first === "PASSWORD" ? passwordPage(visit, username) : answerChoice(visit, waiting, first);
}

/**
 * The factor to ask for at once, from which the page leads to the others; undefined for the choice. It is the one that
 * was used last in this browser, otherwise the strongest of those that send no message. Where clients must not learn
 * who exists, everybody has the same factors, so a passkey is no better a guess than a password.
 */
function firstOf(
  { client, form, c, place }: Visit,
  factors: readonly ShownFactor[],
): ShownFactor | undefined {
  const [only, another] = factors;
  if (another === undefined) return only;
  if (form.has("choose")) return undefined;
  const used = factors.find((factor) => factor === factorCookie(c, place));
  if (used !== undefined) return used;
  const strongest = hidesUsers(client) ? (["PASSWORD"] as const) : (["WEB_AUTHN", "PASSWORD"] as const);
  return strongest.find((factor) => factors.includes(factor));
}

async function answerChoice(visit: Visit, { session, username }: Waiting, answer: string): Promise<Response> {
  return follow(
    visit,
    await respond(visit, "SELECT_CHALLENGE", { session, username, responses: { ANSWER: answer } }),
    username,
  );
}

/** Answers the challenge that the sign-in waits for. */
export function respond(
  { ctx, pool, client, page }: Visit,
  challenge: string,
  answer: {
    readonly session: string;
    readonly username: string;
    readonly responses: Readonly<Record<string, string>>;
  },
): Promise<Outcome> {
  const { session, username, responses } = answer;
  return respondToChallenge(ctx, {
    pool,
    client,
    challenge,
    session: session || undefined,
    responses: { ...responses, USERNAME: username },
    entry: "pages",
    page,
  });
}

/** Adds the key of a new authenticator app to what the sign-in waits for. */
export async function withKey({ ctx }: Visit, waiting: Waiting): Promise<Waiting> {
  const { secretCode, session } = await associateBySession(ctx, waiting.session);
  return { ...waiting, session, parameters: { ...waiting.parameters, secret: secretCode } };
}

async function finish(visit: Visit, authenticated: Authenticated): Promise<Response> {
  const { ctx, c, place, page, form, client, words } = visit;
  if (!admitsOwnUsers(client)) return loginPage(visit, { problem: { text: words.errors.noFactor } });
  const opened = await openSession(ctx, c, place, authenticated);
  const used = factorOf(authenticated.methods[0]);
  if (used !== undefined && !isPasswordOnly(visit)) setFactorCookie(c, place, used);
  const made = await rememberBrowser(ctx, authenticated, form.has("remember"));
  if (made !== undefined) setDeviceCookie(c, place, [made, ...page.devices]);
  return goOn(visit, opened.browser);
}

/** The first factor whose proof it was. */
function factorOf(proof: string | undefined): ShownFactor | undefined {
  return factorsOfProofs.find(([name]) => name === proof)?.[1];
}

const factorsOfProofs: readonly (readonly [Proof, ShownFactor])[] = [
  ["password", "PASSWORD"],
  ["email", "EMAIL_OTP"],
  ["sms", "SMS_OTP"],
  ["passkey", "WEB_AUTHN"],
  ["verified-passkey", "WEB_AUTHN"],
];

/** Sends a signed-in user to the visit's destination: the application, or one of our own pages. */
export async function goOn(visit: Visit, browser: SignedInBrowser): Promise<Response> {
  const { ctx, c, place, request, query } = visit;
  if ("responseType" in request) return redirect(c, await authorizedLocation(ctx, request, browser));
  return redirect(c, `${place.base}/passkeys/add?${passkeyQuery(query, "page")}`);
}
