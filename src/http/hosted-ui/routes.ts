/**
 * hosted-ui: the pages at which people sign in, sign up and get back in (AWS: "Managed login"). Plain HTML that works
 * without script. Each page carries the authorization request it was opened with, and ends where that says.
 */
import { type Context, Hono } from "hono";
import type { Ctx } from "../../app.ts";
import type { Serving } from "../context.ts";
import { type Bindings, type Place, placeOf, poolPath } from "../place.ts";
import { answerAsset } from "./assets.ts";
import { postChallenge } from "./challenge.ts";
import { postConfirm, postResend, showConfirm } from "./confirm.ts";
import { answerErrorPage, answerFailure, answerForeignForm, answerSignedOut } from "./error-page.ts";
import { postForgot, postReset, showForgot, showReset } from "./forgot.ts";
import { postLogin, showLogin } from "./login.ts";
import { isFromHere } from "./origin.ts";
import { postSignUp, showSignUp } from "./sign-up.ts";
import { readVisit, type Visit } from "./visit.ts";

interface Page {
  /** Changes nothing. */
  readonly get?: (visit: Visit) => Promise<Response>;
  readonly post?: (visit: Visit) => Promise<Response>;
}

/** Every page that belongs to an authorization request. */
const pages: Readonly<Record<string, Page>> = {
  "/login": { get: showLogin, post: postLogin },
  // Its pages are answers to forms alone: opened by its address it begins at the beginning.
  "/challenge": { get: showLogin, post: postChallenge },
  "/signup": { get: showSignUp, post: postSignUp },
  "/confirmUser": { get: showConfirm, post: postConfirm },
  "/resendcode": { get: showConfirm, post: postResend },
  "/forgotPassword": { get: showForgot, post: postForgot },
  "/confirmForgotPassword": { get: showReset, post: postReset },
};

type Answer = (ctx: Ctx, c: Context<Bindings>, place: Place) => Promise<Response>;

/** Those that belong to none. */
const others: Readonly<Record<string, Answer>> = {
  "/error": answerErrorPage,
  "/signedout": answerSignedOut,
};

export function hostedRoutes(serving: Serving): Hono<Bindings> {
  const routes = new Hono<Bindings>();
  routes.get(`${poolPath}/assets/:name`, (c) => answerAsset(c));
  for (const [path, answer] of Object.entries(others))
    routes.get(`${poolPath}${path}`, (c) => answerOrFail(serving, c, answer));
  for (const [path, { get, post }] of Object.entries(pages)) {
    if (get !== undefined) routes.get(`${poolPath}${path}`, (c) => answerOrFail(serving, c, visiting(get)));
    if (post !== undefined)
      routes.post(`${poolPath}${path}`, (c) => answerOrFail(serving, c, ownFormOnly(visiting(post))));
  }
  return routes;
}

function visiting(page: (visit: Visit) => Promise<Response>): Answer {
  return async (ctx, c, place) => page(await readVisit(ctx, c, place));
}

function ownFormOnly(answer: Answer): Answer {
  return (ctx, c, place) =>
    isFromHere(ctx, c) ? answer(ctx, c, place) : answerForeignForm({ ctx, c, place });
}

async function answerOrFail(serving: Serving, c: Context<Bindings>, answer: Answer): Promise<Response> {
  const ctx = serving.context(c.env.incoming);
  let place: Place | undefined;
  try {
    place = await placeOf(ctx, c);
    return await answer(ctx, c, place);
  } catch (error) {
    return answerFailure({ ctx, c, place }, error);
  }
}
