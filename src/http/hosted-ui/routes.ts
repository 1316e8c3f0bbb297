/**
 * The hosted pages where people sign in, sign up and recover their account ("Managed login", Amazon Cognito Developer
 * Guide). Plain HTML that works without script. Each page carries the authorization request it was opened with, which
 * says where it ends.
 */
import { type Context, Hono } from "hono";
import type { Ctx } from "../../app.ts";
import { brandingPath } from "../../domain/branding/appearance.ts";
import { admitsOwnUsers } from "../../domain/user-pools/providers.ts";
import type { Serving } from "../context.ts";
import { type Bindings, type Place, placeOf, poolPath, visitedPlace } from "../place.ts";
import { answerAsset } from "./kit/assets.ts";
import { answerBrandFile } from "./kit/brand.ts";
import { isFromHere } from "./kit/origin.ts";
import {
  type BareVisit,
  type PasskeyVisit,
  readBareVisit,
  readPasskeyVisit,
  readVisit,
  type Visit,
} from "./kit/visit.ts";
import { postChallenge } from "./pages/challenge.ts";
import { postConfirm, postResend, showConfirm } from "./pages/confirm.ts";
import { answerErrorPage, answerFailure, answerForeignForm, answerSignedOut } from "./pages/error-page.ts";
import { postForgot, postReset, showForgot, showReset } from "./pages/forgot.ts";
import { postLogin, refuseOwnUser, showLogin } from "./pages/login.ts";
import { postPasskey, showPasskeys } from "./pages/passkeys.ts";
import { postSignOut, showSignOut } from "./pages/sign-out.ts";
import { postSignUp, showSignUp } from "./pages/sign-up.ts";

interface Page<V = Visit> {
  /** Must not change anything. */
  readonly get: (visit: V) => Promise<Response>;
  readonly post: (visit: V) => Promise<Response>;
}

/** Pages that belong to an authorization request. */
const pages: Readonly<Record<string, Page>> = {
  "/login": { get: showLogin, post: postLogin },
  // These pages only answer forms: opened by URL, they start at the beginning.
  "/challenge": ownUsersOnly({ get: showLogin, post: postChallenge }),
  "/signup": ownUsersOnly({ get: showSignUp, post: postSignUp }),
  "/forgotPassword": ownUsersOnly({ get: showForgot, post: postForgot }),
  "/confirmForgotPassword": ownUsersOnly({ get: showReset, post: postReset }),
};

/** Pages for the pool's own users; at a client that does not admit them, they are its sign-in page. */
function ownUsersOnly({ get, post }: Page): Page {
  return {
    get: (visit) => (admitsOwnUsers(visit.client) ? get(visit) : showLogin(visit)),
    post: (visit) => (admitsOwnUsers(visit.client) ? post(visit) : refuseOwnUser(visit)),
  };
}

/** Pages that a link in a message may also open, without an authorization request. */
const linked: Readonly<Record<string, Page<Visit | BareVisit>>> = {
  "/confirmUser": { get: showConfirm, post: postConfirm },
  "/resendcode": { get: showConfirm, post: postResend },
};

/** Pages for signed-in users. */
const own: Readonly<Record<string, Page<PasskeyVisit>>> = {
  "/passkeys/add": { get: showPasskeys, post: postPasskey },
};

type Answer = (ctx: Ctx, c: Context<Bindings>, place: Place) => Promise<Response>;

/** Pages without an authorization request. */
const others: Readonly<Record<string, Answer>> = {
  "/error": answerErrorPage,
  "/signedout": answerSignedOut,
};

export function hostedRoutes(serving: Serving): Hono<Bindings> {
  const routes = new Hono<Bindings>();
  routes.get(`${poolPath}/assets/:name`, (c) => answerAsset(c));
  // The model's pattern of a client id; the database is not asked for any other.
  routes.get(`${poolPath}${brandingPath}/:clientId{[\\w+]{1,128}}/:name`, (c) =>
    answerOrFail(serving, c, answerBrandFile),
  );
  for (const [path, answer] of Object.entries(others))
    routes.get(`${poolPath}${path}`, (c) => answerOrFail(serving, c, answer));
  routes.get(`${poolPath}/signout`, (c) => answerOrFail(serving, c, showSignOut));
  routes.post(`${poolPath}/signout`, (c) => answerOrFail(serving, c, ownFormOnly(postSignOut)));
  const serve = <V>(path: string, { get, post }: Page<V>, read: Read<V>) => {
    const visiting =
      (page: Page<V>["get"]): Answer =>
      async (ctx, c, place) =>
        page(await read(ctx, c, place));
    const [show, answer] = [visiting(get), ownFormOnly(visiting(post))];
    routes.get(`${poolPath}${path}`, (c) => answerOrFail(serving, c, show, visitedPlace));
    routes.post(`${poolPath}${path}`, (c) => answerOrFail(serving, c, answer, visitedPlace));
  };
  for (const [path, page] of Object.entries(pages)) serve(path, page, readVisit);
  for (const [path, page] of Object.entries(linked)) serve(path, page, readBareVisit);
  for (const [path, page] of Object.entries(own)) serve(path, page, readPasskeyVisit);
  return routes;
}

type Read<V> = (ctx: Ctx, c: Context<Bindings>, place: Place) => Promise<V>;

function ownFormOnly(answer: Answer): Answer {
  return (ctx, c, place) =>
    isFromHere(place, c) ? answer(ctx, c, place) : answerForeignForm({ ctx, c, place });
}

async function answerOrFail(
  serving: Serving,
  c: Context<Bindings>,
  answer: Answer,
  find: (ctx: Ctx, c: Context<Bindings>) => Promise<Place> = placeOf,
): Promise<Response> {
  const ctx = serving.context(c.env.incoming);
  let place: Place | undefined;
  try {
    place = await find(ctx, c);
    return await answer(ctx, c, place);
  } catch (error) {
    return answerFailure({ ctx, c, place }, error);
  }
}
