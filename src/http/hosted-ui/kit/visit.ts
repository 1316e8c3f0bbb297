/** A request for one of the pages, with the authorization request that it carries and the words it is answered in. */
import type { Context } from "hono";
import type { Ctx } from "../../../app.ts";
import {
  type AuthorizationRequest,
  clientOf,
  readAuthorizationRequest,
} from "../../../domain/grants/authorization-request.ts";
import { type PageRequest, readPageRequest } from "../../../domain/grants/page-request.ts";
import { findRelyingParty, offersPasskeys } from "../../../domain/mfa/webauthn.ts";
import type { Page as SignInPage } from "../../../domain/signin/sign-in.ts";
import type { Client, Pool } from "../../../domain/user-pools/load-pool.ts";
import { pinnedClientId } from "../../../domain/user-pools/manage-clients.ts";
import { deviceCookie, languageCookie, setLanguageCookie } from "../../cookies.ts";
import { type Bindings, type Place, rawQuery } from "../../place.ts";
import { redirect as redirectTo } from "../../redirect.ts";
import { brandOf } from "./brand.ts";
import { emptyForm, type Form, readForm } from "./form.ts";
import type { Frame } from "./frame.ts";
import { wordsFor, wordsIn } from "./language.ts";

export interface Visit extends Frame {
  readonly ctx: Ctx;
  readonly place: Place;
  readonly pool: Pool;
  readonly client: Client;
  /** The request as it came: every form and link carries it on. */
  readonly query: string;
  /** What the visit is for: an authorization, or the page of ours that `passkeyQuery` names. */
  readonly request: AuthorizationRequest | PageRequest;
  /** Whether the pool's passkeys can be used at pages of this host. */
  readonly passkeys: boolean;
  readonly page: SignInPage;
  /** Empty where nothing was posted. */
  readonly form: Form;
  readonly app: string;
}

/** A visit by a link of a message, which names a client and asks for no authorization. */
export type BareVisit = Omit<Visit, "request"> & { readonly request: undefined };

/** A visit to the page at which passkeys are added. */
export type PasskeyVisit = Visit & { readonly request: PageRequest };

const toPasskeys = "to=passkeys/add";
const leadsToPasskeys = (query: string) => query.split("&").includes(toPasskeys);

/** The query of a sign-in that leads to that page, and of that page itself. What came in between is forgotten. */
export function passkeyQuery(query: string, to: "sign-in" | "page"): string {
  const kept = query.split("&").filter((one) => !/^(?:to|prompt|response_type)=/.test(one));
  return [...kept, ...(to === "sign-in" ? [toPasskeys] : [])].join("&");
}

/** Throws what readAuthorizationRequest and readPageRequest throw. */
export async function readVisit(ctx: Ctx, c: Context<Bindings>, place: Place): Promise<Visit> {
  const query = rawQuery(c);
  if (leadsToPasskeys(query)) return readPasskeyVisit(ctx, c, place);
  const request = await readAuthorizationRequest(ctx, place.pool, query);
  return { ...(await newVisit(ctx, c, place, request)), request };
}

/** Throws what readPageRequest throws. */
export async function readPasskeyVisit(ctx: Ctx, c: Context<Bindings>, place: Place): Promise<PasskeyVisit> {
  const request = await readPageRequest(ctx, place.pool, rawQuery(c));
  return { ...(await newVisit(ctx, c, place, request)), request };
}

/** Throws invalid_client and invalid_request. */
export async function readBareVisit(
  ctx: Ctx,
  c: Context<Bindings>,
  place: Place,
): Promise<Visit | BareVisit> {
  const query = rawQuery(c);
  const parameters = new URLSearchParams(query);
  if (parameters.has("response_type") || leadsToPasskeys(query)) return readVisit(ctx, c, place);
  const client = await clientOf(ctx, place.pool, parameters.get("client_id") || undefined);
  const asked = { client, languages: languagesOf(c), redirectUri: undefined };
  return { ...(await newVisit(ctx, c, place, asked)), request: undefined };
}

interface Asked {
  readonly client: Client;
  readonly languages: readonly string[];
  readonly redirectUri: string | undefined;
}

async function newVisit(
  ctx: Ctx,
  c: Context<Bindings>,
  place: Place,
  { client, languages, redirectUri }: Asked,
): Promise<Omit<Visit, "request">> {
  const { pool } = place;
  const frame = newFrame(ctx, c, place.base, languages);
  const form = c.req.method === "POST" ? await readForm(c) : emptyForm;
  const { CallbackURLs = [], LogoutURLs = [] } = client.document;
  const leadsTo = redirectUri === undefined ? [] : [redirectUri, ...CallbackURLs, ...LogoutURLs];
  const { origin } = new URL(place.base);
  const passkeys = offersPasskeys(pool) && (await findRelyingParty(ctx, pool, origin)) !== undefined;
  const page = { origin, devices: deviceCookie(c, place) };
  const known = {
    pool,
    client,
    app: appName(pool, client),
    leadsTo,
    brand: brandOf(ctx, place, client),
    page,
    passkeys,
  };
  return { ...frame, ...known, ctx, place, query: rawQuery(c), form };
}

/** Begins a page. A language that is asked for, and there is, is kept for the pages after it. */
export function newFrame(ctx: Ctx, c: Context, base: string, languages = languagesOf(c)): Frame {
  const asked = wordsIn(languages);
  if (asked !== undefined) setLanguageCookie(c, { base }, asked.language.code);
  return {
    c,
    words: asked ?? wordsFor(languageCookie(c), c.req.header("accept-language")),
    root: new URL(base).pathname.replace(/\/$/, ""),
    requestId: ctx.requestId,
    app: undefined,
    leadsTo: [],
  };
}

/** Of a page that belongs to no authorization request. */
function languagesOf(c: Context): readonly string[] {
  const lang = new URLSearchParams(rawQuery(c)).get("lang");
  return lang ? [lang] : [];
}

/** What the application is called; a name that only fixes the client's id says nothing to people. */
function appName(pool: Pool, client: Client): string {
  return pinnedClientId(client.name) === undefined ? client.name : pool.name;
}

/** Where a form or link of a page leads: another page of this pool, with the same authorization request. */
export function linkTo({ root, query }: Pick<Visit, "root" | "query">, path: string): string {
  return `${root}${path}?${query}`;
}

/** The browser goes on elsewhere (docs/decisions/0010-referrer-of-pages.md). */
export function redirect(c: Context<Bindings>, location: string): Response {
  return redirectTo(c, location, { referrerPolicy: "same-origin" });
}
