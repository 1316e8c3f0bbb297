/**
 * Chooses the role of an identity's credentials ("Using role-based access control", Amazon Cognito Developer Guide). Pure
 * rules: no I/O.
 */

import type { Config } from "../../config/config.ts";
import type { MappingRule, RoleMapping } from "../../wire/generated/identity-pools.types.ts";
import { refuse } from "../../wire/refuse.ts";
import type { IdentityPool } from "../identity-pools/load-identity-pool.ts";
import { mappingKey } from "../identity-pools/provider-names.ts";
import type { VerifiedLogin } from "./login.ts";

const denied = (): never =>
  refuse("NotAuthorizedException", "Access to a role was denied for this identity.");

const unconfigured = (): never =>
  refuse(
    "InvalidIdentityPoolConfigurationException",
    "Invalid identity pool configuration. Check assigned IAM roles for this pool.",
  );

/**
 * The ARN of the role. Throws NotAuthorizedException if a mapping denies the identity one, or the wanted role is not among
 * its own, and InvalidIdentityPoolConfigurationException if the pool has none for it.
 * @param logins the verified logins of the request; none for a guest
 * @param wanted CustomRoleArn
 */
export function chooseRole(
  config: Pick<Config, "publicUrl">,
  { document }: Pick<IdentityPool, "document">,
  logins: readonly VerifiedLogin[],
  wanted: string | undefined,
): string {
  const { Roles = {}, RoleMappings = {} } = document;
  if (logins.length === 0) {
    if (wanted !== undefined) denied();
    return Roles["unauthenticated"] ?? unconfigured();
  }
  const standard = Roles["authenticated"];
  const mapped = logins.flatMap((login) => {
    const mapping = mappingOf(config, RoleMappings, login);
    return mapping === undefined ? [] : [{ login, mapping }];
  });
  // "If there are role mappings for several logins", none says which one counts: the first in the request does.
  const [first] = mapped;
  if (first === undefined) return withoutMapping(logins, standard, wanted);
  const { login, mapping } = first;
  const role = mapping.Type === "Token" ? byToken(login, wanted) : byRules(login, mapping, wanted);
  if (role !== undefined) return role;
  if (wanted !== undefined || mapping.AmbiguousRoleResolution !== "AuthenticatedRole") return denied();
  return standard ?? unconfigured();
}

/**
 * Where no mapping decides: a role that a SAML provider names for the user ("SAML providers as an identity pool IdP",
 * Amazon Cognito Developer Guide), else that of all who are authenticated.
 */
function withoutMapping(
  logins: readonly VerifiedLogin[],
  standard: string | undefined,
  wanted: string | undefined,
): string {
  const roles = logins.find((login) => login.roles !== undefined)?.roles;
  if (roles === undefined)
    return wanted === undefined || wanted === standard ? (standard ?? unconfigured()) : denied();
  if (wanted !== undefined) return roles.includes(wanted) ? wanted : denied();
  const [only, another] = roles;
  if (only === undefined || another !== undefined)
    return refuse(
      "InvalidParameterException",
      "The SAML assertion names several roles: CustomRoleArn must say which one.",
    );
  return only;
}

/** The mapping of a login's provider. Keys name a user pool in either form. */
function mappingOf(
  config: Pick<Config, "publicUrl">,
  mappings: Readonly<Record<string, RoleMapping>>,
  login: VerifiedLogin,
): RoleMapping | undefined {
  const entry = Object.entries(mappings).find(([key]) => mappingKey(config, key) === login.mapping);
  return entry?.[1];
}

/** By cognito:roles and cognito:preferred_role; undefined if they leave it open. */
function byToken({ claims }: VerifiedLogin, wanted: string | undefined): string | undefined {
  const roles = textsOf(claims["cognito:roles"]);
  if (wanted !== undefined) return roles.includes(wanted) ? wanted : undefined;
  const preferred = claims["cognito:preferred_role"];
  if (typeof preferred === "string") return preferred;
  return roles.length === 1 ? roles[0] : undefined;
}

/** By the first rule that matches, or by that with the wanted role among all that match. */
function byRules(
  { claims }: VerifiedLogin,
  { RulesConfiguration }: RoleMapping,
  wanted: string | undefined,
): string | undefined {
  const matching = (RulesConfiguration?.Rules ?? []).filter((rule) => matches(rule, claims));
  if (wanted === undefined) return matching[0]?.RoleARN;
  return matching.some(({ RoleARN }) => RoleARN === wanted) ? wanted : undefined;
}

/** Whether a rule matches. Without the claim none does, NotEqual included. */
function matches(
  { Claim, MatchType, Value }: MappingRule,
  claims: Readonly<Record<string, unknown>>,
): boolean {
  // What every object inherits is no claim.
  const claim = Object.hasOwn(claims, Claim) ? claims[Claim] : undefined;
  if (claim === undefined || claim === null) return false;
  const values = Array.isArray(claim) ? textsOf(claim) : [String(claim)];
  switch (MatchType) {
    case "Equals":
      return values.includes(Value);
    case "Contains":
      return values.some((value) => value.includes(Value));
    case "StartsWith":
      return values.some((value) => value.startsWith(Value));
    case "NotEqual":
      return !values.includes(Value);
  }
}

function textsOf(claim: unknown): string[] {
  return Array.isArray(claim) ? claim.map(String) : [];
}
