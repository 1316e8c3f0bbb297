/**
 * What scopes let a client see of a user (AWS: "Scopes, M2M, and resource servers"; OpenID Connect Core 1.0 section 5.4),
 * and in what form. Pure.
 */
import type { Client, Pool } from "../pools/settings.ts";

/** The standard claims of each scope; `profile` tells custom attributes besides. */
export const claimsOfScope: Readonly<Record<string, readonly string[]>> = {
  profile: [
    "name",
    "family_name",
    "given_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "updated_at",
  ],
  email: ["email", "email_verified"],
  phone: ["phone_number", "phone_number_verified"],
  address: ["address"],
};

/**
 * Whether an attribute is a claim under these scopes. With `openid` alone Cognito tells every attribute that the client
 * may read; the standard tells none.
 */
export function scopeTells(
  scopes: readonly string[],
  attribute: string,
  { strict }: { readonly strict: boolean },
): boolean {
  const asked = scopes.filter((scope) => Object.hasOwn(claimsOfScope, scope));
  if (asked.length === 0) return !strict && scopes.includes("openid");
  if (attribute.startsWith("custom:")) return asked.includes("profile");
  return asked.some((scope) => claimsOfScope[scope]?.includes(attribute));
}

/** Tag of a pool whose clients (all by `*`, or these ids, space separated) get claims and parameters as the standard says. */
export const strictTag = "poolhouse:oidc";

/** Whether the client wants OpenID Connect by the letter where Cognito deviates from it. */
export function isStrict(pool: Pick<Pool, "document">, client: Pick<Client, "id">): boolean {
  const named = pool.document.UserPoolTags?.[strictTag]?.split(/[\s,]+/) ?? [];
  return named.includes("*") || named.includes(client.id);
}
