/** A request for one of the pages, with the authorization request that it carries and the language of the answer. */
import type { Context } from "hono";
import type { Ctx } from "../../../app.ts";
import {
  type AuthorizationRequest,
  readAuthorizationRequest,
} from "../../../domain/grants/authorization-request.ts";
import { clientOf } from "../../../domain/grants/client.ts";
import { type PageRequest, readPageRequest } from "../../../domain/grants/page-request.ts";
import { findRelyingParty, offersPasskeys } from "../../../domain/mfa/webauthn.ts";
import type { Page as SignInPage } from "../../../domain/signin/sign-in.ts";
import type { Client, Pool } from "../../../domain/user-pools/load-pool.ts";
import { applicationName } from "../../../domain/user-pools/manage-clients.ts";
import { pairsOf } from "../../../lib/with-query.ts";
import { deviceCookie, languageCookie, setLanguageCookie } from "../../cookies.ts";
import { textQuery } from "../../form.ts";
import { type Bindings, type Place, rawQuery } from "../../place.ts";
import { redirect as redirectTo } from "../../redirect.ts";
import { brandOf } from "./brand.ts";
import { emptyForm, type Form, readForm } from "./form.ts";
import type { Frame } from "./frame.ts";
import { wordsFor, wordsIn } from "./language.ts";
import { needsPage, onwardPage } from "./onward.ts";
import { homeCountry, withFullPhones } from "./phones.ts";

export interface Visit extends Frame {
  readonly ctx: Ctx;
  readonly place: Place;
  readonly pool: Pool;
  readonly client: Client;
  /** The raw query; every form and link carries it on. */
  readonly query: string;
  /** What the visit is for: an authorization, or one of our own pages, as named by `passkeyQuery`. */
  readonly request: AuthorizationRequest | PageRequest;
  /** Whether the pool's passkeys can be used on pages of this host. */
  readonly passkeys: boolean;
  readonly page: SignInPage;
  /** Empty unless a form was posted. */
  readonly form: Form;
  readonly app: string;
}

/** A visit through a link in a message, which names a client but asks for no authorization. */
export type BareVisit = Omit<Visit, "request"> & { readonly request: undefined };

/** A visit to the page where passkeys are added. */
export type PasskeyVisit = Visit & { readonly request: PageRequest };

const toPasskeys = "to=passkeys/add";
const leadsToPasskeys = (query: string) => query.split("&").includes(toPasskeys);

/**
 * The query of the page where passkeys are added, or of a sign-in that leads there. Drops anything added in between.
 */
export function passkeyQuery(query: string, to: "sign-in" | "page"): string {
  const kept = query.split("&").filter((one) => !/^(?:to|prompt|response_type)$/.test(pairsOf(one)[0]!.name));
  return [...kept, ...(to === "sign-in" ? [toPasskeys] : [])].join("&");
}

/** Reads a visit of a page. Throws what readAuthorizationRequest and readPageRequest throw. */
export async function readVisit(ctx: Ctx, c: Context<Bindings>, place: Place): Promise<Visit> {
  const query = textQuery(c);
  if (leadsToPasskeys(query)) return readPasskeyVisit(ctx, c, place);
  const request = await readAuthorizationRequest(ctx, place, query);
  return { ...(await newVisit(ctx, c, place, request)), request };
}

/** Reads a visit of the page where passkeys are added. Throws what readPageRequest throws. */
export async function readPasskeyVisit(ctx: Ctx, c: Context<Bindings>, place: Place): Promise<PasskeyVisit> {
  const request = await readPageRequest(ctx, place, textQuery(c));
  return { ...(await newVisit(ctx, c, place, request)), request };
}

/** Reads a visit through a link in a message. Throws invalid_client and invalid_request. */
export async function readBareVisit(
  ctx: Ctx,
  c: Context<Bindings>,
  place: Place,
): Promise<Visit | BareVisit> {
  const query = textQuery(c);
  const parameters = new URLSearchParams(query);
  if (parameters.has("response_type") || leadsToPasskeys(query)) return readVisit(ctx, c, place);
  const client = await clientOf(ctx, place, parameters.get("client_id") || undefined);
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
  const typed = c.req.method === "POST" ? await readForm(c) : emptyForm;
  const country = homeCountry(frame.words.language.code, c.req.header("accept-language"));
  const form = await withFullPhones(typed, phoneFields(pool), country);
  const { CallbackURLs = [], LogoutURLs = [] } = client.document;
  const leadsTo = redirectUri === undefined ? [] : [redirectUri, ...CallbackURLs, ...LogoutURLs];
  const { origin, protocol, hostname } = new URL(place.base);
  const passkeys = offersPasskeys(pool) && (await findRelyingParty(ctx, pool, origin)) !== undefined;
  const page = { origin, devices: deviceCookie(c, place) };
  const known = {
    pool,
    client,
    app: applicationName(pool, client),
    leadsTo,
    brand: brandOf(ctx, place, client),
    page,
    passkeys,
  };
  const language = frame.words.language.code;
  const speaking = { ...ctx, language, ...(protocol === "https:" && { pageHost: hostname }) };
  return { ...frame, ...known, ctx: speaking, place, query: rawQuery(c), form };
}

/** The fields that phone numbers are typed in; the name is one if it can be nothing else that consists of digits. */
function phoneFields({ document }: Pool): readonly string[] {
  const byPhone = document.UsernameAttributes?.includes("phone_number") === true;
  return byPhone ? ["phone_number", "username"] : ["phone_number"];
}

/** The frame of a new page. If a language is asked for and exists, it is remembered for later pages. */
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

/** The languages of a page that belongs to no authorization request. */
function languagesOf(c: Context): readonly string[] {
  const lang = new URLSearchParams(rawQuery(c)).get("lang");
  return lang ? [lang] : [];
}

/** The URL of another page of this pool with the same authorization request, for forms and links. */
export function linkTo({ root, query }: Pick<Visit, "root" | "query">, path: string): string {
  return `${root}${path}?${query}`;
}

/**
 * The query with these parameters in place of its own, for a request that names an identity provider. What is kept stays
 * as it was received, byte by byte.
 */
export function queryWith(query: string, change: Readonly<Record<string, string>>): string {
  const replaced = new Set([...Object.keys(change), "identity_provider", "idp_identifier"]);
  const kept = query.split("&").filter((one) => !replaced.has(pairsOf(one)[0]!.name));
  return [...kept, new URLSearchParams(change).toString()].join("&");
}

/** Redirects the browser (docs/decisions/0010-referrer-of-pages.md). */
export function redirect(c: Context<Bindings>, location: string): Response | Promise<Response> {
  if (c.req.method === "POST" && needsPage(location)) return onwardPage(c, location);
  return redirectTo(c, location, { referrerPolicy: "same-origin" });
}
