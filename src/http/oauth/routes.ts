/** THE table of the authorization server's endpoints other than pages, by path. */
import { type Context, Hono } from "hono";
import type { Ctx } from "../../app.ts";
import type { Serving } from "../context.ts";
import { textQuery } from "../form.ts";
import { wantsPage } from "../kit/plain-page.ts";
import { type Bindings, type Place, placeOf, poolPath, rawQuery } from "../place.ts";
import { logRefusedRequest } from "../refused.ts";
import { answerAuthorize } from "./authorize.ts";
import { answerFailure, failureOf } from "./errors.ts";
import { answerLogout } from "./logout.ts";
import { answerRevoke } from "./revoke.ts";
import { answerToken } from "./token.ts";
import { answerUserInfo } from "./userinfo.ts";

type Answer = (ctx: Ctx, c: Context<Bindings>) => Promise<Response>;

/** Endpoints with client authentication get the pool along with the client; the others by the path. */
const atPool =
  (answer: (ctx: Ctx, c: Context<Bindings>, place: Place) => Promise<Response>): Answer =>
  async (ctx, c) =>
    answer(ctx, c, await placeOf(ctx, c));

interface Endpoint {
  readonly path: string;
  readonly methods: readonly ("GET" | "POST")[];
  readonly answer: Answer;
  /** Whether scripts of any origin may call it, with a token or secret that they hold; never by cookie. */
  readonly anyOrigin: boolean;
}

const endpoints: readonly Endpoint[] = [
  { path: "/oauth2/authorize", methods: ["GET", "POST"], answer: atPool(answerAuthorize), anyOrigin: false },
  { path: "/authorize", methods: ["GET", "POST"], answer: atPool(answerAuthorize), anyOrigin: false },
  { path: "/logout", methods: ["GET", "POST"], answer: atPool(answerLogout), anyOrigin: false },
  { path: "/oauth2/token", methods: ["POST"], answer: answerToken, anyOrigin: true },
  { path: "/oauth2/userInfo", methods: ["GET", "POST"], answer: atPool(answerUserInfo), anyOrigin: true },
  { path: "/oauth2/revoke", methods: ["POST"], answer: answerRevoke, anyOrigin: true },
];

export function oauthRoutes(serving: Serving): Hono<Bindings> {
  const routes = new Hono<Bindings>();
  for (const { path, methods, answer, anyOrigin } of endpoints) {
    const at = `${poolPath}${path}`;
    if (anyOrigin) {
      routes.use(at, async (c, next) => {
        // Set before there is an answer: to change one afterwards, Hono creates it anew.
        c.header("access-control-allow-origin", "*");
        await next();
      });
      routes.options(at, (c) => preflight(c, methods));
    }
    const fail = anyOrigin ? failClient : failBrowser;
    routes.on([...methods], at, (c) => answerOrFail(serving, c, answer, fail));
    routes.all(at, (c) => {
      const failure = { error: "invalid_request", error_description: "The method is not allowed." };
      return c.json(failure, 405, { allow: methods.join(", ") });
    });
  }
  return routes;
}

/** Answers CORS preflights; Amplify sends a header of its own, so its requests have them. */
function preflight(c: Context, methods: readonly string[]): Response {
  const asked = c.req.header("access-control-request-headers") ?? "authorization, content-type";
  const isList = /^[\w-]+(?:, ?[\w-]+)*$/.test(asked);
  return c.body(null, 204, {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": methods.join(", "),
    "access-control-allow-headers": isList ? asked : "authorization, content-type",
    "access-control-max-age": "600",
  });
}

type Fail = (ctx: Ctx, c: Context<Bindings>, error: unknown) => Response | Promise<Response>;

async function answerOrFail(
  serving: Serving,
  c: Context<Bindings>,
  answer: Answer,
  fail: Fail,
): Promise<Response> {
  const ctx = serving.context(c.env.incoming);
  try {
    textQuery(c);
    return await answer(ctx, c);
  } catch (error) {
    return fail(ctx, c, error);
  }
}

const failClient: Fail = (ctx, c, error) => answerFailure(c, failureOf(ctx, error));

/** Logs what brought a browser here; where there is no such pool, people get the page that says so. */
const failBrowser: Fail = (ctx, c, error) => {
  const failure = failureOf(ctx, error, (_ctx, refusal) => logRefusedRequest(ctx, refusal, rawQuery(c)));
  if (failure.status === 404 && wantsPage(c.req.header("accept"))) return c.notFound();
  return answerFailure(c, failure);
};
