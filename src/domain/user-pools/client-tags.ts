/**
 * Tags of a pool that enable something for its clients: for all by `*`, otherwise for those whose ids they list. Pure.
 */
import type { Client, Pool } from "./load-pool.ts";

/** Gives clients claims and parameters in the form of OpenID Connect. */
const strictTag = "poolhouse:oidc";
/** Lets clients show answers to prompt=none in a frame of their own pages. */
const silentRenewalTag = "poolhouse:silent-renewal";
/** Requires PKCE of clients; besides ids and `*`, it may list `public` for all clients without a secret. */
const pkceTag = "poolhouse:require-pkce";
/** Has users of clients sign in at the pages by the functions of CUSTOM_AUTH. */
const customTag = "poolhouse:custom-auth";
/** Has them enter the password before; prevails over the other tag. */
const customAfterPasswordTag = "poolhouse:custom-auth-after-password";

function namedBy(pool: Pick<Pool, "document">, tag: string): readonly string[] {
  const value = pool.document.UserPoolTags?.[tag] ?? "";
  return value.split(/[\s,]+/).filter((name) => name !== "");
}

function isNamedBy(pool: Pick<Pool, "document">, tag: string, client: Pick<Client, "id">): boolean {
  const named = namedBy(pool, tag);
  return named.includes("*") || named.includes(client.id);
}

/** Whether the client wants strict OpenID Connect where Cognito deviates from it. */
export function isStrict(pool: Pick<Pool, "document">, client: Pick<Client, "id">): boolean {
  return isNamedBy(pool, strictTag, client);
}

/** Whether the pool may have such a client. */
export function hasStrictClients(pool: Pick<Pool, "document">): boolean {
  return namedBy(pool, strictTag).length > 0;
}

export function renewsSilently(pool: Pick<Pool, "document">, client: Pick<Client, "id">): boolean {
  return isNamedBy(pool, silentRenewalTag, client);
}

/** Whether the client must prove possession of its authorization requests by PKCE (RFC 7636). */
export function requiresPkce(pool: Pick<Pool, "document">, client: Pick<Client, "id" | "secrets">): boolean {
  const isPublic = client.secrets.length === 0 && namedBy(pool, pkceTag).includes("public");
  return isPublic || isNamedBy(pool, pkceTag, client);
}

/**
 * Whether users of the client sign in at the pages by the functions of CUSTOM_AUTH, and whether they enter their password
 * first; undefined for all other clients.
 */
export function customAtPages(
  pool: Pick<Pool, "document">,
  client: Pick<Client, "id">,
): "alone" | "after-password" | undefined {
  if (isNamedBy(pool, customAfterPasswordTag, client)) return "after-password";
  return isNamedBy(pool, customTag, client) ? "alone" : undefined;
}

/** The flow in which users of the client sign in at the pages; no other may start there. */
export function flowAtPages(
  pool: Pick<Pool, "document">,
  client: Pick<Client, "id">,
): "HOSTED_AUTH" | "HOSTED_CUSTOM_AUTH" {
  return customAtPages(pool, client) === undefined ? "HOSTED_AUTH" : "HOSTED_CUSTOM_AUTH";
}
