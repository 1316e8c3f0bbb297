/** What an issuer publishes about itself: its metadata (OpenID Connect Discovery 1.0 section 4, RFC 8414) and its keys. */
import type { JSONWebKeySet } from "jose";
import { TokenError } from "./token-error.ts";

export type Fetch = (
  url: string,
  init: { headers: Record<string, string>; signal: AbortSignal },
) => Promise<Response>;

/** Milliseconds. */
const patience = 5000;

/** The largest document that is read, in characters. */
const largest = 1_000_000;

/**
 * The URL of an issuer's keys, by its metadata. Throws TokenError `unavailable`, also if the metadata are another
 * issuer's.
 */
export async function findJwksUri(fetch: Fetch, issuer: string): Promise<string> {
  const url = `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
  const { issuer: named, jwks_uri: jwksUri } = await readJson(fetch, url);
  if (named !== issuer)
    throw new TokenError("unavailable", "The metadata of the issuer name another issuer.");
  if (typeof jwksUri !== "string" || !isWeb(jwksUri))
    throw new TokenError("unavailable", "The metadata of the issuer name no keys.");
  return jwksUri;
}

/** The keys at a URL. Throws TokenError `unavailable`. */
export async function readKeys(fetch: Fetch, jwksUri: string): Promise<JSONWebKeySet> {
  const set = await readJson(fetch, jwksUri);
  if (!Array.isArray(set["keys"])) throw new TokenError("unavailable", "The issuer publishes no key set.");
  return set as unknown as JSONWebKeySet;
}

async function readJson(fetch: Fetch, url: string): Promise<Record<string, unknown>> {
  try {
    const response = await fetch(url, {
      headers: { accept: "application/json" },
      signal: AbortSignal.timeout(patience),
    });
    if (!response.ok) throw new Error(`status ${response.status}`);
    const text = await response.text();
    if (text.length > largest) throw new Error("too large");
    const value = JSON.parse(text) as unknown;
    if (typeof value !== "object" || value === null) throw new Error("no JSON object");
    return value as Record<string, unknown>;
  } catch (cause) {
    throw new TokenError("unavailable", `The issuer cannot be asked at ${new URL(url).host}.`, { cause });
  }
}

function isWeb(url: string): boolean {
  return URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
}
