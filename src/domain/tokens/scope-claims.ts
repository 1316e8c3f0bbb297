/**
 * Which claims about a user the scopes allow ("Scopes, M2M, and resource servers", Amazon Cognito Developer Guide;
 * OpenID Connect Core 1.0 section 5.4), and their form. Pure.
 */

/** The only scope of tokens issued by the API. */
export const apiScope = "aws.cognito.signin.user.admin";

/** The standard claims of each scope; `profile` also includes custom attributes. */
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
 * Whether an attribute is a claim under these scopes. With `openid` alone, Cognito includes every attribute that the
 * client may read; the standard includes none.
 */
export function scopeIncludes(
  scopes: readonly string[],
  attribute: string,
  { strict }: { readonly strict: boolean },
): boolean {
  const asked = scopes.filter((scope) => Object.hasOwn(claimsOfScope, scope));
  if (asked.length === 0) return !strict && scopes.includes("openid");
  if (attribute.startsWith("custom:")) return asked.includes("profile");
  return asked.some((scope) => claimsOfScope[scope]?.includes(attribute));
}
