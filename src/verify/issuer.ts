/** What an issuer publishes about itself: its metadata (OpenID Connect Discovery 1.0 section 4, RFC 8414) and its keys. */
import type { JSONWebKeySet } from "jose";
import { TokenError } from "./token-error.ts";

/** What is used of `fetch`. */
export type Fetch = (
  url: string,
  init: { headers: Record<string, string>; signal: AbortSignal; redirect: "manual" },
) => Promise<Response>;

/** How long an issuer may take to answer. Milliseconds. */
const patience = 5000;

/** The largest document that is read. Bytes. */
const largest = 1_000_000;

/** A request to an issuer. Redirects are not followed: what is asked is where the issuer says it is. */
export function ask(fetch: Fetch, url: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, {
    headers: { accept: "application/json", ...headers },
    signal: AbortSignal.timeout(patience),
    redirect: "manual",
  });
}

/**
 * The URL of an issuer's endpoint, by its metadata. Throws TokenError `unavailable`: the issuer does not answer, the metadata
 * are another issuer's, name no such URL, or one without https although the issuer has it.
 */
export async function findEndpoint(
  fetch: Fetch,
  issuer: string,
  name: "jwks_uri" | "userinfo_endpoint",
): Promise<string> {
  const url = `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
  const { issuer: named, [name]: endpoint } = await readJson(fetch, url);
  if (named !== issuer)
    throw new TokenError("unavailable", "The metadata of the issuer name another issuer.");
  if (typeof endpoint !== "string" || !isWeb(endpoint) || (isTls(issuer) && !isTls(endpoint)))
    throw new TokenError("unavailable", `The metadata of the issuer name no ${name} that can be used.`);
  return endpoint;
}

/** The keys at a URL. Throws TokenError `unavailable`. */
export async function readKeys(fetch: Fetch, jwksUri: string): Promise<JSONWebKeySet> {
  const set = await readJson(fetch, jwksUri);
  if (!isKeySet(set)) throw new TokenError("unavailable", "The issuer publishes no key set.");
  return set;
}

export function isKeySet(value: unknown): value is JSONWebKeySet {
  const keys = isObject(value) ? value["keys"] : undefined;
  return Array.isArray(keys) && keys.every(isObject);
}

async function readJson(fetch: Fetch, url: string): Promise<Record<string, unknown>> {
  try {
    const response = await ask(fetch, url);
    if (response.status !== 200) {
      await response.body?.cancel();
      throw new Error(`status ${response.status}`);
    }
    const value = JSON.parse(await readText(response)) as unknown;
    if (!isObject(value)) throw new Error("no JSON object");
    return value;
  } catch (cause) {
    throw new TokenError("unavailable", `The issuer cannot be asked at ${new URL(url).host}.`, { cause });
  }
}

/** The body, which is no longer read than it may be long. */
export async function readText(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let text = "";
  let length = 0;
  for (let read = await reader?.read(); read?.value !== undefined; read = await reader?.read()) {
    length += read.value.length;
    if (length > largest) {
      await reader?.cancel();
      throw new Error("too large");
    }
    text += decoder.decode(read.value, { stream: true });
  }
  return text + decoder.decode();
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Whether a text is a URL of the web. */
export const isWeb = (url: string): boolean => URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);

const isTls = (url: string): boolean => new URL(url).protocol === "https:";
