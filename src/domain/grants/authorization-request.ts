/**
 * grants: the authorization server's rules between sign-in and tokens (RFC 6749, OpenID Connect Core 1.0; "The redirect
 * and authorization endpoint", Amazon Cognito Developer Guide). This file parses and checks an authorization request.
 */
import type { Ctx } from "../../app.ts";
import { exactSource } from "../../lib/csp-source.ts";
import { Refusal } from "../../lib/refusal.ts";
import { pairsOf } from "../../lib/with-query.ts";
import { readIdTokenHint } from "../tokens/id-token-hint.ts";
import { isStrict, renewsSilently, requiresPkce } from "../user-pools/client-tags.ts";
import type { Client, Pool } from "../user-pools/load-pool.ts";
import { existingScopes } from "../user-pools/resource-servers.ts";
import { clientOf, type PoolAndClient } from "./client.ts";
import { type OAuthError, refuseOAuth } from "./oauth-error.ts";
import { redirectUriOf } from "./redirect-uri.ts";
import { checkResource } from "./resource.ts";
import { grantedScopes } from "./scopes.ts";

type ResponseType = "code" | "token";
export type Prompt = "none" | "login" | "select_account" | "consent";

/** Where the answer goes, once the client and its redirect URI are known. */
export interface Redirect {
  readonly redirectUri: string;
  readonly responseType: ResponseType;
  /** The part of the redirect URI that carries the answer. */
  readonly responseMode: "query" | "fragment";
  /** As received, still encoded: it is returned byte by byte. */
  readonly state: string | undefined;
  /** Origins whose pages may show the answer in a frame; usually none. */
  readonly framedBy: readonly string[];
}

export interface AuthorizationRequest extends Redirect {
  readonly pool: Pool;
  readonly client: Client;
  readonly scopes: readonly string[];
  /** `scope` as given. */
  readonly askedScope: string | undefined;
  /** Whether the redirect URI was given, so that the token request must repeat it (RFC 6749 section 4.1.3). */
  readonly namesRedirect: boolean;
  readonly nonce: string | undefined;
  /** S256 (RFC 7636). */
  readonly codeChallenge: string | undefined;
  readonly prompt: ReadonlySet<Prompt>;
  readonly loginHint: string | undefined;
  /** From id_token_hint: the `sub` of the requested user, or that the hint identifies nobody this client could mean. */
  readonly hinted: { readonly userId: string } | "nobody" | undefined;
  /** BCP 47 tags of the preferred languages, best first. */
  readonly languages: readonly string[];
  /** The resource indicator of RFC 8707. */
  readonly resource: string | undefined;
  /** The maximum age of the sign-in that the client accepts, in seconds. */
  readonly maxAge: number | undefined;
  /** `identity_provider`: the name of the identity provider to sign in with, or COGNITO. */
  readonly identityProvider: string | undefined;
  /** `idp_identifier`: one of that provider's IdpIdentifiers, which may be given instead. */
  readonly idpIdentifier: string | undefined;
}

/** A refusal that is reported to the client by a redirect. */
export class RedirectedRefusal extends Refusal {
  readonly redirect: Redirect;

  constructor(error: OAuthError, description: string, redirect: Redirect, detail?: string) {
    super(error, description, detail === undefined ? undefined : { detail });
    this.redirect = redirect;
  }
}

/** The maximum length of parameters. */
const longest = { state: 4_096, nonce: 1_024, login_hint: 256, resource: 1_024 } as const;
const prompts: readonly string[] = ["none", "login", "select_account", "consent"];

/**
 * Reads the query of an authorization request to a pool. Throws a plain Refusal as long as there is nothing to redirect
 * to (the client or its redirect URI is not known: RFC 6749 section 4.1.2.1), and a RedirectedRefusal after that.
 * @param place the pool, maybe with the client, and ManagedLoginVersion of its domain if the request came to one
 * @param query as received, without the question mark
 */
export async function readAuthorizationRequest(
  ctx: Ctx,
  place: PoolAndClient & { readonly loginVersion?: number | undefined },
  query: string,
): Promise<AuthorizationRequest> {
  const { pool, loginVersion } = place;
  const parameters = readParameters(query);
  const client = await clientOf(ctx, place, once(parameters, "client_id"));
  const redirectUri = redirectUriOf(pool, client, once(parameters, "redirect_uri"));
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
    // Scopes of resource servers stay with the client when they are deleted, but are no longer granted.
    const scopes = await existingScopes(ctx, pool, rest.scopes);
    await checkResource(ctx, { pool, client, loginVersion }, rest.resource);
    const hinted = await hintedUser(ctx, pool, client, parameters.get("id_token_hint"));
    return { ...redirect, ...rest, scopes, hinted, pool, client };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new RedirectedRefusal(error.code as OAuthError, error.message, redirect);
  }
}

type Rest = Omit<AuthorizationRequest, keyof Redirect | "pool" | "client" | "hinted">;

/**
 * The user of id_token_hint (OpenID Connect Core 1.0 section 3.1.2.1): "ID Token previously issued by the Authorization
 * Server being passed as a hint about the End-User's current or past authenticated session". A token of another client
 * does not count.
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
    askedScope: parameters.get("scope") ?? undefined,
    namesRedirect: parameters.has("redirect_uri"),
    nonce: parameters.get("nonce") ?? undefined,
    codeChallenge: codeChallengeOf(pool, client, parameters),
    prompt: promptOf(parameters.get("prompt")),
    loginHint: parameters.get("login_hint") ?? undefined,
    languages: languagesOf(parameters, strict),
    resource: parameters.get("resource") ?? undefined,
    maxAge: strict ? maxAgeOf(parameters.get("max_age")) : undefined,
    identityProvider: parameters.get("identity_provider") ?? undefined,
    idpIdentifier: parameters.get("idp_identifier") ?? undefined,
  };
}

/** Parses the parameters; those without a value count as omitted (RFC 6749 section 3.1). */
export function readParameters(query: string): URLSearchParams {
  return new URLSearchParams([...new URLSearchParams(query)].filter(([, value]) => value !== ""));
}

/** Omits the name of the parameter, which an attacker may have chosen. */
const twice = "A parameter is given more than once.";

/** The value of a parameter, which must not occur twice (RFC 6749 section 3.1). Throws invalid_request. */
export function once(parameters: URLSearchParams, name: string): string | undefined {
  const values = parameters.getAll(name);
  if (values.length > 1) invalid(twice);
  return values[0];
}

/**
 * The origins that may frame the answer, for silent renewal: a page of the client checks in a frame whether the browser
 * is still signed in. Only answers to prompt=none may be framed, which show nothing, and only by the origins that the
 * client's answers go to anyway.
 */
function framingOrigins(pool: Pool, client: Client): readonly string[] {
  if (!renewsSilently(pool, client)) return [];
  const sources = (client.document.CallbackURLs ?? []).flatMap((url) => exactSource(url) ?? []);
  // An application's own scheme has no pages.
  return [...new Set(sources)].filter((source) => /^https?:\/\//.test(source));
}

/** The raw value of `state`: decoding and encoding it again could change it. Its name may be encoded. */
export function rawState(query: string): string | undefined {
  const raw = pairsOf(query).find(({ name, value }) => name === "state" && value !== "")?.value;
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

/**
 * The response mode (OAuth 2.0 Multiple Response Type Encoding Practices, section 2.1). Cognito ignores the parameter.
 */
function responseModeOf(parameters: URLSearchParams, strict: boolean): Redirect["responseMode"] {
  if (parameters.get("response_type") === "token") return "fragment";
  return strict && parameters.get("response_mode") === "fragment" ? "fragment" : "query";
}

/** Refuses to put tokens into a query, where servers would log them. */
function assertResponseMode(parameters: URLSearchParams): void {
  const mode = parameters.get("response_mode") ?? "fragment";
  const isQuery = mode === "query" && parameters.get("response_type") === "code";
  if (mode !== "fragment" && !isQuery) invalid("The response_mode is not supported.");
}

/** The code challenge (RFC 7636). The method `plain`, which offers no protection, is refused. */
function codeChallengeOf(pool: Pool, client: Client, parameters: URLSearchParams): string | undefined {
  const challenge = parameters.get("code_challenge") || undefined;
  const method = parameters.get("code_challenge_method") || undefined;
  if (challenge === undefined && method === undefined) {
    const isCode = parameters.get("response_type") === "code";
    return isCode && requiresPkce(pool, client)
      ? invalid("The client must send a code_challenge.")
      : undefined;
  }
  if (method !== "S256") return invalid("code_challenge_method must be S256.");
  if (challenge === undefined || !/^[\w-]{43}$/.test(challenge))
    return invalid("code_challenge must be the base64url of a SHA-256 hash.");
  return challenge;
}

/**
 * The languages: Cognito's `lang`, or the standard's `ui_locales` (OpenID Connect Core 1.0 section 3.1.2.1), which
 * Cognito ignores.
 */
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

function maxAgeOf(given: string | null): number | undefined {
  if (!given) return undefined;
  return /^\d{1,9}$/.test(given) ? Number(given) : invalid("max_age must be a number of seconds.");
}

function invalid(description: string): never {
  return refuseOAuth("invalid_request", description);
}
