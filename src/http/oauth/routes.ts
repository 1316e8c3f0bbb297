/** THE table of the authorization server's endpoints other than pages, by path. */
import { type Context, Hono } from "hono";
import type { Ctx } from "../../app.ts";
import type { Serving } from "../context.ts";
import { textQuery, textQueryOf } from "../form.ts";
import { wantsPage } from "../kit/plain-page.ts";
import { addressedBy, type Bindings, type Place, poolPath, rawQuery, visitedPlace } from "../place.ts";
import { logRefusedRequest } from "../refused.ts";
import { answerAuthorize } from "./authorize.ts";
import type { Answer, Call } from "./call.ts";
import { failureAnswer, failureOf } from "./errors.ts";
import { answerLogout } from "./logout.ts";
import { answerRevoke } from "./revoke.ts";
import { answerToken } from "./token.ts";
import { answerUserInfo } from "./userinfo.ts";

interface Endpoint<A> {
  readonly methods: readonly ("GET" | "POST")[];
  readonly answer: A;
}

type BrowserAnswer = (ctx: Ctx, c: Context<Bindings>, place: Place) => Promise<Response>;

/** Endpoints that browsers are sent to. */
const forBrowsers: Readonly<Record<string, Endpoint<BrowserAnswer>>> = {
  "/oauth2/authorize": { methods: ["GET", "POST"], answer: answerAuthorize },
  "/authorize": { methods: ["GET", "POST"], answer: answerAuthorize },
  "/logout": { methods: ["GET", "POST"], answer: answerLogout },
};

export type ProgramEndpoint = Endpoint<(ctx: Ctx, call: Call) => Promise<Answer>>;

/**
 * Endpoints that programs ask, scripts of any origin among them: with a token or secret that they hold, never by cookie.
 */
export const forPrograms: Readonly<Record<string, ProgramEndpoint>> = {
  "/oauth2/token": { methods: ["POST"], answer: answerToken },
  "/oauth2/userInfo": { methods: ["GET", "POST"], answer: answerUserInfo },
  "/oauth2/revoke": { methods: ["POST"], answer: answerRevoke },
};

/** Every answer of these may be read by scripts of any origin. */
export const anyOrigin = { "access-control-allow-origin": "*" } as const;

export function oauthRoutes(serving: Serving): Hono<Bindings> {
  const routes = new Hono<Bindings>();
  for (const [path, { methods, answer }] of Object.entries(forBrowsers)) {
    const at = `${poolPath}${path}`;
    routes.on([...methods], at, (c) => answerBrowser(serving, c, answer));
    routes.all(at, (c) => c.json(wrongMethod, 405, { allow: methods.join(", ") }));
  }
  for (const [path, endpoint] of Object.entries(forPrograms)) {
    const at = `${poolPath}${path}`;
    const { methods } = endpoint;
    routes.options(at, (c) => preflight(c, methods));
    // At the main host, door.ts answers most of these.
    routes.on([...methods], at, async (c) => {
      const ctx = serving.context(c.env.incoming);
      const { incoming } = c.env;
      const readBody = (limit: number) => c.env.readBody(limit);
      const called = { incoming, readBody, ...addressedBy(c) };
      const { status, headers, body } = await answerProgram(ctx, called, endpoint);
      const all = { ...headers, ...anyOrigin };
      // With an empty text, there would be a Content-Type.
      return body === "" ? c.body(null, status, all) : c.body(body, status, all);
    });
    routes.all(at, (c) => c.json(wrongMethod, 405, { allow: methods.join(", "), ...anyOrigin }));
  }
  return routes;
}

const wrongMethod = { error: "invalid_request", error_description: "The method is not allowed." };

/** Answers CORS preflights; Amplify sends a header of its own, so its requests have them. */
function preflight(c: Context, methods: readonly string[]): Response {
  const asked = c.req.header("access-control-request-headers") ?? "authorization, content-type";
  const isList = /^[\w-]+(?:, ?[\w-]+)*$/.test(asked);
  return c.body(null, 204, {
    ...anyOrigin,
    "access-control-allow-methods": methods.join(", "),
    "access-control-allow-headers": isList ? asked : "authorization, content-type",
    "access-control-max-age": "600",
  });
}

/** Answers a call of one of the endpoints for programs; never throws. */
export async function answerProgram(ctx: Ctx, call: Call, { answer }: ProgramEndpoint): Promise<Answer> {
  try {
    textQueryOf(call.incoming);
    return await answer(ctx, call);
  } catch (error) {
    return failureAnswer(failureOf(ctx, error));
  }
}

async function answerBrowser(
  serving: Serving,
  c: Context<Bindings>,
  answer: BrowserAnswer,
): Promise<Response> {
  const ctx = serving.context(c.env.incoming);
  try {
    textQuery(c);
    return await answer(ctx, c, await visitedPlace(ctx, c));
  } catch (error) {
    return failBrowser(ctx, c, error);
  }
}

/** Logs what brought a browser here; where there is no such pool, people get the page that says so. */
function failBrowser(ctx: Ctx, c: Context<Bindings>, error: unknown): Response | Promise<Response> {
  const failure = failureOf(ctx, error, (_ctx, refusal) => logRefusedRequest(ctx, refusal, rawQuery(c)));
  if (failure.status === 404 && wantsPage(c.req.header("accept"))) return c.notFound();
  const { status, headers, body } = failureAnswer(failure);
  return c.body(body, status, headers);
}
