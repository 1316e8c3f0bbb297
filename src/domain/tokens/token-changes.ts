/** Applies what a PreTokenGeneration function wants changed. Pure. */
import type { ClaimChanges, TokenChanges } from "../triggers/token-generation.ts";
import type { Claims } from "./claims.ts";

/** Claims that nothing changes ("Pre token generation Lambda trigger", Excluded claims and scopes). */
const protectedClaims: ReadonlySet<string> = new Set([
  ...["acr", "amr", "at_hash", "aud", "auth_time", "azp", "exp", "iat", "identities", "iss", "jti"],
  ...["nbf", "nonce", "origin_jti", "sub", "token_use"],
]);

/** Further ones of access tokens. */
const protectedInAccess: ReadonlySet<string> = new Set([
  ...["client_id", "device_key", "event_id", "scope", "username", "version"],
]);

/** Attributes whose claims are not text, and cannot be replaced by anything else than text. */
const textOnly: ReadonlySet<string> = new Set([
  ...["address", "email_verified", "phone_number_verified", "updated_at"],
]);

/** Groups and the user's name change by `groupOverrideDetails` or not at all. */
const isProtected = (name: string) => protectedClaims.has(name) || name.startsWith("cognito:");

/** The claims of an ID token, changed. Protected ones silently stay. */
export function changeIdClaims(claims: Claims, { id, groups }: TokenChanges): Claims {
  const changed = change(withGroups(claims, groups), id, (name) => !isProtected(name));
  if (groups === undefined) return changed;
  const { "cognito:roles": _roles, "cognito:preferred_role": _preferred, ...rest } = changed;
  return {
    ...rest,
    ...(groups.roles.length > 0 && { "cognito:roles": groups.roles }),
    ...(groups.preferredRole !== undefined && { "cognito:preferred_role": groups.preferredRole }),
  };
}

/**
 * The claims of an access token, changed. Protected ones silently stay; `aud` can be added if it is the client's id, and
 * scopes of Cognito's own cannot be added.
 */
export function changeAccessClaims(claims: Claims, changes: TokenChanges): Claims {
  const { access, addScopes, suppressScopes, groups } = changes;
  const mayChange = (name: string) => !isProtected(name) && !protectedInAccess.has(name);
  const changed = change(withGroups(claims, groups), access, mayChange);
  const added = addScopes.filter((scope) => /^[\x21\x23-\x5B\x5D-\x7E]+$/.test(scope) && !isReserved(scope));
  const before = String(claims["scope"]).split(" ");
  const scopes = [...new Set([...before, ...added])].filter((scope) => !suppressScopes.includes(scope));
  const isOwnAudience = access.add["aud"] === claims["client_id"] && claims["aud"] === undefined;
  return { ...changed, scope: scopes.join(" "), ...(isOwnAudience && { aud: claims["client_id"] }) };
}

const isReserved = (scope: string) => scope.startsWith("aws.cognito.");

function withGroups(claims: Claims, groups: TokenChanges["groups"]): Claims {
  if (groups === undefined) return claims;
  const { "cognito:groups": _groups, ...rest } = claims;
  return groups.groups.length === 0 ? rest : { ...rest, "cognito:groups": groups.groups };
}

/** What is suppressed is not there, even if it is added. */
function change(claims: Claims, changes: ClaimChanges, mayChange: (name: string) => boolean): Claims {
  const isFine = (name: string, value: unknown) =>
    mayChange(name) && (!textOnly.has(name) || typeof value === "string");
  const added = Object.entries(changes.add).filter(([name, value]) => isFine(name, value));
  const suppressed = new Set(changes.suppress.filter(mayChange));
  const kept = Object.entries({ ...claims, ...Object.fromEntries(added) });
  return Object.fromEntries(kept.filter(([name]) => !suppressed.has(name)));
}
