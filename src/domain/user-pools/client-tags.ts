/** Tags of a pool that turn something on for its clients: for all by `*`, else for those whose ids they name. Pure. */
import type { Client, Pool } from "./load-pool.ts";

/** Gives clients claims and parameters as OpenID Connect has them. */
const strictTag = "poolhouse:oidc";
/** Lets clients have answers to prompt=none in a frame of their own pages. */
const silentRenewalTag = "poolhouse:silent-renewal";

function namedBy(pool: Pick<Pool, "document">, tag: string): readonly string[] {
  const value = pool.document.UserPoolTags?.[tag] ?? "";
  return value.split(/[\s,]+/).filter((name) => name !== "");
}

function isNamedBy(pool: Pick<Pool, "document">, tag: string, client: Pick<Client, "id">): boolean {
  const named = namedBy(pool, tag);
  return named.includes("*") || named.includes(client.id);
}

/** Whether the client wants OpenID Connect by the letter where Cognito deviates from it. */
export function isStrict(pool: Pick<Pool, "document">, client: Pick<Client, "id">): boolean {
  return isNamedBy(pool, strictTag, client);
}

/** Whether there may be such a client in the pool. */
export function hasStrictClients(pool: Pick<Pool, "document">): boolean {
  return namedBy(pool, strictTag).length > 0;
}

export function renewsSilently(pool: Pick<Pool, "document">, client: Pick<Client, "id">): boolean {
  return isNamedBy(pool, silentRenewalTag, client);
}
