/** /error and every other failure page: one sentence for the user, and one for the developer of the application. */
import type { Context } from "hono";
import { html } from "hono/html";
import type { Ctx } from "../../../app.ts";
import { refusedLocation } from "../../../domain/grants/answer.ts";
import { RedirectedRefusal } from "../../../domain/grants/authorization-request.ts";
import { findClientOf } from "../../../domain/grants/client.ts";
import { oauthErrors } from "../../../domain/grants/oauth-error.ts";
import { Refusal } from "../../../lib/refusal.ts";
import { errorCodes } from "../../../wire/generated/error-codes.ts";
import { type Bindings, type Place, rawQuery } from "../../place.ts";
import { errorPageOf, logRefusedRequest, refusedRequestId } from "../../refused.ts";
import type { Html } from "../kit/frame.ts";
import { answerPage, type Page } from "../kit/layout.ts";
import { newFrame, redirect } from "../kit/visit.ts";
import { overloadPage } from "../overload-page.ts";

const knownErrors: ReadonlySet<string> = new Set([...oauthErrors, ...errorCodes]);

/** GET /error, to which the OAuth endpoints redirect when an error must not go to a redirect URI. */
export async function answerErrorPage(ctx: Ctx, c: Context<Bindings>, place: Place): Promise<Response> {
  const parameters = new URLSearchParams(rawQuery(c));
  const refused = refusedRequestId(ctx, place, parameters);
  // The id on the page leads to a line of the log.
  if (refused === undefined) ctx.log.info("error page opened without a refusal");
  const requestId = refused ?? ctx.requestId;
  // Only known errors and clients are shown: the author of a link to this page must not be able to write on it.
  const named = parameters.get("error") ?? "";
  const error = knownErrors.has(named) ? named : "invalid_request";
  const clientId = parameters.get("client_id") ?? "";
  const client = (await findClientOf(ctx, place.pool.id, clientId))?.client;
  const shown = new URLSearchParams({ error });
  if (client !== undefined) shown.set("client_id", client.id);
  if (refused !== undefined) shown.set("request_id", parameters.get("request_id") ?? "");
  const frame = { ...newFrame(ctx, c, place.base), requestId, parameters: shown };
  const { words } = frame;
  const sentence =
    error === "TooManyRequestsException"
      ? words.errors.tooMany
      : (wordFor(words.oauth, error) ?? words.oauth["invalid_request"]!);
  const remedy = wordFor(words.remedies, error);
  const body = html`<p class="lead">${sentence} ${words.errorPage.back}</p>
<div class="developers"><h2>${words.errorPage.forDevelopers}</h2>
${remedy === undefined ? "" : html`<p>${remedy}</p>`}
<p>${client === undefined ? "" : html`${toCopy(words.errorPage.client(client.id))}<br>`}${toCopy(words.errorPage.code(error))}<br>${toCopy(words.common.requestId(requestId))}</p></div>`;
  return answerPage(frame, { title: words.errorPage.title, body, status: 400 });
}

/** A sentence with an id that people copy: isolated by elements instead of characters, which would be copied along. */
function toCopy(sentence: string): Html {
  const parts = sentence.split(/\u2068(.*?)\u2069/s);
  return html`${parts.map((part, at) => (at % 2 === 1 ? html`<bdi>${part}</bdi>` : part))}`;
}

function wordFor(table: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

interface Failing {
  readonly ctx: Ctx;
  readonly c: Context<Bindings>;
  /** Undefined if there is no such pool. */
  readonly place: Place | undefined;
}

/** The only writer of errors of this room. */
export function answerFailure({ ctx, c, place }: Failing, error: unknown): Response | Promise<Response> {
  if (!(error instanceof Refusal)) {
    ctx.log.error({ err: error }, "internal error");
    return plainPage({ ctx, c, place }, "internal", 500);
  }
  logRefusedRequest(ctx, error, rawQuery(c));
  if (place !== undefined && error instanceof RedirectedRefusal)
    return redirect(c, refusedLocation(ctx, place.pool, error));
  if (place === undefined) return plainPage({ ctx, c, place }, "notFound", 404);
  // Too many requests must not lead to a request for yet another page.
  if (error.code === "TooManyRequestsException")
    return c.html(overloadPage(c.req.header("accept-language")), 429, {
      "cache-control": "no-store",
      "retry-after": "1",
      "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    });
  return redirect(c, errorPageOf(ctx, place, error.code, rawQuery(c)));
}

/** Refuses a form that another site has sent. */
export function answerForeignForm(failing: Failing): Promise<Response> {
  const { ctx, c } = failing;
  const { origin, "sec-fetch-site": site } = c.req.header();
  ctx.log.info({ origin: origin?.slice(0, 256), site: site?.slice(0, 16) }, "form of another site refused");
  return plainPage(failing, "foreignForm", 403);
}

function plainPage(
  { ctx, c, place }: Failing,
  what: "notFound" | "internal" | "foreignForm",
  status: NonNullable<Page["status"]>,
): Promise<Response> {
  const base = place?.base ?? `${ctx.config.publicUrl}/${c.req.param("poolId")}`;
  const frame = newFrame(ctx, c, base);
  const { words } = frame;
  const sentence = what === "foreignForm" ? words.errors.foreignForm : words.errorPage[what];
  const body: Html = html`<p class="lead">${sentence}</p><p class="fine">${toCopy(words.common.requestId(ctx.requestId))}</p>`;
  const title = what === "notFound" ? words.errorPage.notFoundTitle : words.errorPage.title;
  return answerPage(frame, { title, body, status });
}

/** GET /signedout, where a /logout ends that names no address to go on to. */
export function answerSignedOut(ctx: Ctx, c: Context<Bindings>, { base }: Place): Promise<Response> {
  const frame = newFrame(ctx, c, base);
  const { title, text } = frame.words.signedOut;
  return answerPage(frame, { title, body: html`<p class="lead">${text}</p>` });
}
