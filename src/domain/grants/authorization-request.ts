/**
 * grants: the authorization server's rules, between a sign-in and tokens (RFC 6749, OpenID Connect Core 1.0; AWS: "The
 * redirect and authorization endpoint"). This file reads and checks an authorization request.
 */
import type { Ctx } from "../../app.ts";
import { Refusal } from "../../lib/refusal.ts";
import { readIdTokenHint } from "../tokens/id-token-hint.ts";
import { isStrict, renewsSilently } from "../user-pools/client-tags.ts";
import { type Client, loadClient, type Pool } from "../user-pools/load-pool.ts";
import { existingScopes } from "../user-pools/resource-servers.ts";
import { type OAuthError, refuseOAuth } from "./oauth-error.ts";
import { grantedScopes } from "./scopes.ts";

type ResponseType = "code" | "token";
export type Prompt = "none" | "login" | "select_account" | "consent";

/** Where the answer goes, once the client and its redirect URI are known. */
export interface Redirect {
  readonly redirectUri: string;
  readonly responseType: ResponseType;
  /** Which part of the redirect URI the answer goes into. */
  readonly responseMode: "query" | "fragment";
  /** As it came, still encoded: it goes back byte by byte. */
  readonly state: string | undefined;
  /** Origins whose pages may have the answer in a frame; mostly none. */
  readonly framedBy: readonly string[];
}

export interface AuthorizationRequest extends Redirect {
  readonly pool: Pool;
  readonly client: Client;
  readonly scopes: readonly string[];
  readonly nonce: string | undefined;
  /** S256 (RFC 7636). */
  readonly codeChallenge: string | undefined;
  readonly prompt: ReadonlySet<Prompt>;
  readonly loginHint: string | undefined;
  /** id_token_hint: the `sub` of who is asked for, or that the hint names nobody whom this client could mean. */
  readonly hinted: { readonly userId: string } | "nobody" | undefined;
  /** BCP 47 tags that the pages are wanted in, best first. */
  readonly languages: readonly string[];
  /** RFC 8707. */
  readonly resource: string | undefined;
  /** Seconds since the sign-in that the client puts up with. */
  readonly maxAge: number | undefined;
}

/** A refusal that the client is told by a redirect. */
export class RedirectedRefusal extends Refusal {
  readonly redirect: Redirect;

  constructor(error: OAuthError, description: string, redirect: Redirect) {
    super(error, description);
    this.redirect = redirect;
  }
}

/** Longest values. */
const longest = { state: 4_096, nonce: 1_024, login_hint: 256, resource: 1_024 } as const;
const prompts: readonly string[] = ["none", "login", "select_account", "consent"];

/**
 * Reads the query of an authorization request at a pool. Throws a plain Refusal while nothing is known that could be
 * redirected to (the client, its redirect URI: RFC 6749 section 4.1.2.1), a RedirectedRefusal from then on.
 * @param query without the question mark, as it came
 */
export async function readAuthorizationRequest(
  ctx: Ctx,
  pool: Pool,
  query: string,
): Promise<AuthorizationRequest> {
  const parameters = readParameters(query);
  const client = await clientOf(ctx, pool, once(parameters, "client_id"));
  const redirectUri = redirectUriOf(client, once(parameters, "redirect_uri"));
  const given = parameters.get("response_type");
  const redirect: Redirect = {
    redirectUri,
    responseType: given === "token" ? "token" : "code",
    responseMode: responseModeOf(parameters, isStrict(pool, client)),
    state: rawState(query),
    framedBy: parameters.get("prompt") === "none" ? framingOrigins(pool, client) : [],
  };
  try {
    const rest = readRest(pool, client, parameters);
    // Scopes of resource servers stay with the client when they are deleted, and are granted no more.
    const scopes = await existingScopes(ctx, pool, rest.scopes);
    const hinted = await hintedUser(ctx, pool, client, parameters.get("id_token_hint"));
    return { ...redirect, ...rest, scopes, hinted, pool, client };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new RedirectedRefusal(error.code as OAuthError, error.message, redirect);
  }
}

type Rest = Omit<AuthorizationRequest, keyof Redirect | "pool" | "client" | "hinted">;

/**
 * OpenID Connect Core 1.0 section 3.1.2.1: "ID Token previously issued by the Authorization Server being passed as a hint
 * about the End-User's current or past authenticated session". One of another client is none for this one.
 */
async function hintedUser(
  ctx: Ctx,
  pool: Pool,
  client: Client,
  token: string | null,
): Promise<AuthorizationRequest["hinted"]> {
  if (token === null) return undefined;
  const hint = await readIdTokenHint(ctx, pool, token);
  return hint?.clientId === client.id ? { userId: hint.userId } : "nobody";
}

function readRest(pool: Pool, client: Client, parameters: URLSearchParams): Rest {
  if (new Set(parameters.keys()).size < parameters.size) invalid(twice);
  for (const [name, most] of Object.entries(longest)) {
    if ((parameters.get(name)?.length ?? 0) > most) invalid(`${name} is too long.`);
  }
  const strict = isStrict(pool, client);
  if (strict && parameters.has("request"))
    refuseOAuth("request_not_supported", "Request objects are not supported.");
  if (strict && parameters.has("request_uri"))
    refuseOAuth("request_uri_not_supported", "Request objects are not supported.");
  assertResponseType(client, parameters.get("response_type"));
  if (strict) assertResponseMode(parameters);
  return {
    scopes: grantedScopes(client, parameters.get("scope"), { strict }),
    nonce: parameters.get("nonce") ?? undefined,
    codeChallenge: codeChallengeOf(parameters),
    prompt: promptOf(parameters.get("prompt")),
    loginHint: parameters.get("login_hint") ?? undefined,
    languages: languagesOf(parameters, strict),
    resource: resourceOf(parameters.get("resource")),
    maxAge: strict ? maxAgeOf(parameters.get("max_age")) : undefined,
  };
}

/** RFC 6749 section 3.1: parameters without a value are as if left out. */
export function readParameters(query: string): URLSearchParams {
  return new URLSearchParams([...new URLSearchParams(query)].filter(([, value]) => value !== ""));
}

/** The parameter is not named, since anybody may choose its name. */
const twice = "A parameter is given more than once.";

/** No parameter may come twice (RFC 6749 section 3.1). Throws invalid_request. */
export function once(parameters: URLSearchParams, name: string): string | undefined {
  const values = parameters.getAll(name);
  if (values.length > 1) invalid(twice);
  return values[0];
}

/** The client, if it is one of this pool that may use the authorization server. Throws a plain Refusal. */
export async function clientOf(ctx: Ctx, pool: Pool, clientId: string | undefined): Promise<Client> {
  if (clientId === undefined) return invalid("Required parameter client_id is not present.");
  const found = await findClientOf(ctx, pool.id, clientId);
  return found?.client ?? refuseOAuth("invalid_client", "The client does not exist.");
}

/** The client with its pool, by one statement; undefined where it is none of the pool of this id. */
export async function findClientOf(
  ctx: Ctx,
  poolId: string,
  clientId: string,
): Promise<{ pool: Pool; client: Client } | undefined> {
  // What no client id can be is not looked for: PostgreSQL takes no U+0000.
  if (!/^[\w+]{1,128}$/.test(clientId)) return undefined;
  const found = await loadClient(ctx, clientId).catch((error: unknown) => {
    if (error instanceof Refusal) return undefined;
    throw error;
  });
  return found?.pool.id === poolId ? found : undefined;
}

/** Throws unauthorized_client where the client is for the API alone. */
export function requireOAuth(client: Client): void {
  if (client.document.AllowedOAuthFlowsUserPoolClient !== true)
    refuseOAuth("unauthorized_client", "The client may not use OAuth flows.");
}

/** Byte by byte one of the client's. What is wrong is told to the developer, on a page of ours. */
export function redirectUriOf(client: Client, given: string | undefined): string {
  const { CallbackURLs = [], DefaultRedirectURI } = client.document;
  requireOAuth(client);
  if (given === undefined && DefaultRedirectURI !== undefined) return DefaultRedirectURI;
  if (given === undefined) return invalid("Required parameter redirect_uri is not present.");
  if (CallbackURLs.includes(given)) return given;
  return refuseOAuth("redirect_mismatch", "The redirect_uri is not registered for the client.");
}

/**
 * Silent renewal: a page of the client asks in a frame whether the browser is still signed in. Only answers to prompt=none
 * can be there, which show nothing, and only for the origins that the client's answers go to anyway.
 */
function framingOrigins(pool: Pool, client: Client): readonly string[] {
  if (!renewsSilently(pool, client)) return [];
  const origins = (client.document.CallbackURLs ?? []).map((url) => new URL(url).origin);
  // An application's own scheme has no pages; an IPv6 address cannot be written in a policy.
  return [...new Set(origins)].filter((origin) => /^https?:\/\/[\w.-]+(?::\d+)?$/.test(origin));
}

/** The raw value of `state`: decoding and encoding it again could change it. */
export function rawState(query: string): string | undefined {
  const raw = /(?:^|&)state=([^&]+)/.exec(query)?.[1];
  return raw === undefined || !/^[\x21-\x7e]+$/.test(raw) ? undefined : raw;
}

function assertResponseType(client: Client, given: string | null): void {
  if (!given) invalid("Required parameter response_type is not present.");
  if (given !== "code" && given !== "token")
    refuseOAuth("unsupported_response_type", "response_type can be code or token.");
  const flow = given === "code" ? "code" : "implicit";
  if (client.document.AllowedOAuthFlows?.includes(flow) !== true)
    refuseOAuth("unauthorized_client", `The client may not use the ${flow} flow.`);
}

/** OAuth 2.0 Multiple Response Type Encoding Practices, section 2.1. Cognito ignores the parameter. */
function responseModeOf(parameters: URLSearchParams, strict: boolean): Redirect["responseMode"] {
  if (parameters.get("response_type") === "token") return "fragment";
  return strict && parameters.get("response_mode") === "fragment" ? "fragment" : "query";
}

/** Tokens are never in a query, where servers would log them. */
function assertResponseMode(parameters: URLSearchParams): void {
  const mode = parameters.get("response_mode") ?? "fragment";
  const isQuery = mode === "query" && parameters.get("response_type") === "code";
  if (mode !== "fragment" && !isQuery) invalid("The response_mode is not supported.");
}

/** RFC 7636; the method `plain` protects nobody. */
function codeChallengeOf(parameters: URLSearchParams): string | undefined {
  const challenge = parameters.get("code_challenge") || undefined;
  const method = parameters.get("code_challenge_method") || undefined;
  if (challenge === undefined && method === undefined) return undefined;
  if (method !== "S256") return invalid("code_challenge_method must be S256.");
  if (challenge === undefined || !/^[\w-]{43}$/.test(challenge))
    return invalid("code_challenge must be the base64url of a SHA-256 hash.");
  return challenge;
}

/** Cognito's `lang`; `ui_locales` is the standard's (OpenID Connect Core 1.0 section 3.1.2.1), which Cognito ignores. */
function languagesOf(parameters: URLSearchParams, strict: boolean): readonly string[] {
  const [lang, locales] = [parameters.get("lang"), strict ? parameters.get("ui_locales") : undefined];
  return [...(lang ? [lang] : []), ...(locales?.split(" ").slice(0, 20) ?? [])];
}

export function promptOf(given: string | null): ReadonlySet<Prompt> {
  const values = (given ?? "").split(" ").filter((value) => value !== "");
  const unknown = values.find((value) => !prompts.includes(value));
  if (unknown !== undefined) invalid("prompt holds an unknown value.");
  if (values.includes("none") && values.length > 1) invalid("prompt none goes with no other.");
  return new Set(values as Prompt[]);
}

/** "https://", "http://localhost" or a custom scheme, without a fragment. */
function resourceOf(given: string | null): string | undefined {
  if (!given) return undefined;
  const url = URL.canParse(given) ? new URL(given) : undefined;
  const isPlain = url?.protocol === "http:" && url.hostname !== "localhost";
  if (url === undefined || isPlain || given.includes("#"))
    return refuseOAuth("invalid_target", "resource must be an absolute URL without a fragment.");
  return given;
}

function maxAgeOf(given: string | null): number | undefined {
  if (!given) return undefined;
  return /^\d{1,9}$/.test(given) ? Number(given) : invalid("max_age must be a number of seconds.");
}

function invalid(description: string): never {
  return refuseOAuth("invalid_request", description);
}
