/** A request for one of the pages, with the authorization request that it carries and the words it is answered in. */
import type { Context } from "hono";
import type { Ctx } from "../../app.ts";
import {
  type AuthorizationRequest,
  clientOf,
  readAuthorizationRequest,
} from "../../domain/grants/authorization-request.ts";
import { pinnedClientId } from "../../domain/pools/manage-clients.ts";
import type { Client, Pool } from "../../domain/pools/settings.ts";
import { type Bindings, type Place, rawQuery } from "../place.ts";
import { brandOf } from "./brand.ts";
import { emptyForm, type Form, readForm } from "./form.ts";
import { wordsFor } from "./language.ts";
import type { Frame } from "./layout.ts";

export interface Visit extends Frame {
  readonly ctx: Ctx;
  readonly place: Place;
  readonly pool: Pool;
  readonly client: Client;
  /** The authorization request as it came: every form and link carries it on. */
  readonly query: string;
  readonly request: AuthorizationRequest;
  /** Empty where nothing was posted. */
  readonly form: Form;
  readonly app: string;
}

/** A visit by a link of a message, which names a client and asks for no authorization. */
export type BareVisit = Omit<Visit, "request"> & { readonly request: undefined };

/** Throws what readAuthorizationRequest throws. */
export async function readVisit(ctx: Ctx, c: Context<Bindings>, place: Place): Promise<Visit> {
  const request = await readAuthorizationRequest(ctx, place.pool, rawQuery(c));
  return { ...(await newVisit(ctx, c, place, request)), request };
}

/** Throws invalid_client and invalid_request. */
export async function readBareVisit(
  ctx: Ctx,
  c: Context<Bindings>,
  place: Place,
): Promise<Visit | BareVisit> {
  const parameters = new URLSearchParams(rawQuery(c));
  if (parameters.has("response_type")) return readVisit(ctx, c, place);
  const client = await clientOf(ctx, place.pool, parameters.get("client_id") || undefined);
  const lang = parameters.get("lang") ?? undefined;
  return { ...(await newVisit(ctx, c, place, { client, lang, redirectUri: undefined })), request: undefined };
}

interface Asked {
  readonly client: Client;
  readonly lang: string | undefined;
  readonly redirectUri: string | undefined;
}

async function newVisit(
  ctx: Ctx,
  c: Context<Bindings>,
  place: Place,
  { client, lang, redirectUri }: Asked,
): Promise<Omit<Visit, "request">> {
  const { pool } = place;
  const frame = newFrame(ctx, c, place.base, lang);
  const form = c.req.method === "POST" ? await readForm(c) : emptyForm;
  const { CallbackURLs = [], LogoutURLs = [] } = client.document;
  const leadsTo = redirectUri === undefined ? [] : [redirectUri, ...CallbackURLs, ...LogoutURLs];
  const known = { pool, client, app: appName(pool, client), leadsTo, brand: brandOf(ctx, place, client) };
  return { ...frame, ...known, ctx, place, query: rawQuery(c), form };
}

export function newFrame(ctx: Ctx, c: Context, base: string, lang: string | undefined): Frame {
  return {
    c,
    words: wordsFor(lang, c.req.header("accept-language")),
    root: new URL(base).pathname.replace(/\/$/, ""),
    requestId: ctx.requestId,
    app: undefined,
    leadsTo: [],
  };
}

/** What the application is called; a name that only fixes the client's id says nothing to people. */
export function appName(pool: Pool, client: Client): string {
  return pinnedClientId(client.name) === undefined ? client.name : pool.name;
}

/** Where a form or link of a page leads: another page of this pool, with the same authorization request. */
export function linkTo({ root, query }: Pick<Visit, "root" | "query">, path: string): string {
  return `${root}${path}?${query}`;
}

/** The browser goes on elsewhere, and does not send the form there. */
export function redirect(c: Context, location: string): Response {
  const status = c.req.method === "POST" ? 303 : 302;
  return c.body(null, status, { location, "cache-control": "no-store", "referrer-policy": "same-origin" });
}
