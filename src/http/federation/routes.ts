/** THE table of the endpoints that identity providers, and browsers on their way from them, come to. */
import { type Context, Hono } from "hono";
import type { Ctx } from "../../app.ts";
import { refusedLocation } from "../../domain/grants/answer.ts";
import { RedirectedRefusal } from "../../domain/grants/authorization-request.ts";
import { Refusal } from "../../lib/refusal.ts";
import type { Serving } from "../context.ts";
import { textQuery } from "../form.ts";
import { wantsPage } from "../kit/plain-page.ts";
import { type Bindings, type Place, placeOf, poolPath } from "../place.ts";
import { redirect } from "../redirect.ts";
import { errorPageOf, logRefusedRequest } from "../refused.ts";
import { backchannelLogout } from "./backchannel-logout.ts";
import { samlLogout, samlMetadata } from "./logout.ts";
import { oauthResponse, samlResponse } from "./responses.ts";

type Answer = (ctx: Ctx, c: Context<Bindings>, place: Place) => Promise<Response>;

interface Endpoint {
  readonly path: string;
  readonly methods: readonly ("GET" | "POST")[];
  readonly answer: Answer;
}

const endpoints: readonly Endpoint[] = [
  { path: "/oauth2/idpresponse", methods: ["GET", "POST"], answer: oauthResponse },
  { path: "/oauth2/backchannel-logout", methods: ["POST"], answer: backchannelLogout },
  { path: "/saml2/idpresponse", methods: ["GET", "POST"], answer: samlResponse },
  { path: "/saml2/logout", methods: ["GET", "POST"], answer: samlLogout },
  { path: "/saml2/metadata", methods: ["GET"], answer: samlMetadata },
];

export function federationRoutes(serving: Serving): Hono<Bindings> {
  const routes = new Hono<Bindings>();
  for (const { path, methods, answer } of endpoints) {
    const at = `${poolPath}${path}`;
    routes.on([...methods], at, (c) => answerOrFail(serving, c, answer));
    routes.all(at, (c) => {
      const failure = { error: "invalid_request", error_description: "The method is not allowed." };
      return c.json(failure, 405, { allow: methods.join(", ") });
    });
  }
  return routes;
}

async function answerOrFail(serving: Serving, c: Context<Bindings>, answer: Answer): Promise<Response> {
  const ctx = serving.context(c.env.incoming);
  let place: Place | undefined;
  try {
    place = await placeOf(ctx, c);
    textQuery(c);
    return await answer(ctx, c, place);
  } catch (error) {
    return fail(ctx, c, place, error);
  }
}

/** The only writer of errors of this room. The query of a provider's answer is not logged: it holds a code. */
function fail(
  ctx: Ctx,
  c: Context<Bindings>,
  place: Place | undefined,
  error: unknown,
): Response | Promise<Response> {
  if (!(error instanceof Refusal)) {
    ctx.log.error({ err: error }, "internal error");
    if (place !== undefined) return redirect(c, errorPageOf(ctx, place, "server_error", ""));
    return c.json({ error: "server_error" }, 500);
  }
  logRefusedRequest(ctx, error, "");
  if (place === undefined) {
    if (wantsPage(c.req.header("accept"))) return c.notFound();
    return c.json({ error: "invalid_request", error_description: error.message }, 404);
  }
  if (error instanceof RedirectedRefusal)
    return redirect(c, refusedLocation(ctx, place.pool, error), error.redirect);
  return redirect(c, errorPageOf(ctx, place, error.code, ""));
}
