/** What an app client may do, read from its settings; client-settings.ts creates them. */
import type { ExplicitAuthFlowsType, TimeUnitsType } from "../../wire/generated/user-pools.types.ts";
import type { ClientDocument, Pool } from "./load-pool.ts";
import { schemaAttribute } from "./schema.ts";
import { internalAttributes, verifiedAttributes } from "./standard-attributes.ts";

const secondsOf: Readonly<Record<TimeUnitsType, number>> = {
  seconds: 1,
  minutes: 60,
  hours: 3600,
  days: 86_400,
};

const HOUR = 3600;
const REFRESH_DEFAULT = 30 * 86_400;

/** Lifetimes of a client's tokens in seconds. Units default to hours for access and ID tokens, days for refresh. */
export function tokenLifetimes(client: { readonly document: ClientDocument }): {
  access: number;
  id: number;
  refresh: number;
} {
  const { AccessTokenValidity, IdTokenValidity, RefreshTokenValidity, TokenValidityUnits } = client.document;
  return {
    access: (AccessTokenValidity || 0) * secondsOf[TokenValidityUnits?.AccessToken ?? "hours"] || HOUR,
    id: (IdTokenValidity || 0) * secondsOf[TokenValidityUnits?.IdToken ?? "hours"] || HOUR,
    refresh:
      (RefreshTokenValidity || 0) * secondsOf[TokenValidityUnits?.RefreshToken ?? "days"] || REFRESH_DEFAULT,
  };
}

type Flow =
  | "USER_PASSWORD_AUTH"
  | "USER_SRP_AUTH"
  | "ADMIN_USER_PASSWORD_AUTH"
  | "ADMIN_NO_SRP_AUTH"
  | "REFRESH_TOKEN_AUTH"
  | "REFRESH_TOKEN"
  | "CUSTOM_AUTH"
  | "USER_AUTH";

/** The values of ExplicitAuthFlows that allow each AuthFlow; flows not listed here are never allowed. */
const permits: Readonly<Record<Flow, readonly ExplicitAuthFlowsType[]>> = {
  USER_PASSWORD_AUTH: ["ALLOW_USER_PASSWORD_AUTH", "USER_PASSWORD_AUTH"],
  USER_SRP_AUTH: ["ALLOW_USER_SRP_AUTH"],
  ADMIN_USER_PASSWORD_AUTH: ["ALLOW_ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH"],
  ADMIN_NO_SRP_AUTH: ["ALLOW_ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH"],
  REFRESH_TOKEN_AUTH: ["ALLOW_REFRESH_TOKEN_AUTH"],
  REFRESH_TOKEN: ["ALLOW_REFRESH_TOKEN_AUTH"],
  CUSTOM_AUTH: ["ALLOW_CUSTOM_AUTH", "CUSTOM_AUTH_FLOW_ONLY"],
  USER_AUTH: ["ALLOW_USER_AUTH"],
};

/** "If you don't specify a value for ExplicitAuthFlows, your app client supports" these. */
const defaultFlows: readonly ExplicitAuthFlowsType[] = [
  "ALLOW_REFRESH_TOKEN_AUTH",
  "ALLOW_USER_SRP_AUTH",
  "ALLOW_CUSTOM_AUTH",
];

/** Whether a value is older than ALLOW_*: "you can't assign […] at the same time as values that begin with ALLOW_". */
export function isLegacyFlow(value: ExplicitAuthFlowsType): boolean {
  return !value.startsWith("ALLOW_");
}

/**
 * Whether the client may start this AuthFlow. Clients with values from before ALLOW_* always have refresh and SRP,
 * except that CUSTOM_AUTH_FLOW_ONLY is taken literally. A client that rotates refresh tokens can only use
 * GetTokensFromRefreshToken to refresh.
 */
export function allowsFlow(client: { readonly document: ClientDocument }, flow: string): boolean {
  // The hosted pages ask for whatever the pool allows, for clients that may use them.
  const usesPages = client.document.AllowedOAuthFlowsUserPoolClient === true;
  if (flow === "HOSTED_AUTH") return usesPages;
  if (flow === "HOSTED_CUSTOM_AUTH") return usesPages && allowsFlow(client, "CUSTOM_AUTH");
  if (!Object.hasOwn(permits, flow)) return false;
  const values = client.document.ExplicitAuthFlows ?? defaultFlows;
  const refreshes = flow === "REFRESH_TOKEN_AUTH" || flow === "REFRESH_TOKEN";
  if (refreshes && rotatesRefreshTokens(client)) return false;
  if (values.some(isLegacyFlow)) {
    if (refreshes) return true;
    if (flow === "USER_SRP_AUTH") return !values.includes("CUSTOM_AUTH_FLOW_ONLY");
  }
  return permits[flow as Flow].some((value) => values.includes(value));
}

export function rotatesRefreshTokens(client: { readonly document: ClientDocument }): boolean {
  return client.document.RefreshTokenRotation?.Feature === "ENABLED";
}

/** Whether callers must not find out who has an account (PreventUserExistenceErrors; LEGACY if it was never set). */
export function hidesUsers(client: { readonly document: ClientDocument }): boolean {
  return client.document.PreventUserExistenceErrors === "ENABLED";
}

type AttributesOf = { readonly document: Pick<ClientDocument, "ReadAttributes" | "WriteAttributes"> };

/**
 * Whether users may read this attribute of theirs through the client. Without its own list, a client reads every
 * attribute of the pool's schema.
 */
export function canRead(pool: Pick<Pool, "document">, client: AttributesOf, attribute: string): boolean {
  if (attribute === "sub") return true;
  const listed = client.document.ReadAttributes;
  return listed === undefined ? schemaAttribute(pool, attribute) !== undefined : listed.includes(attribute);
}

/**
 * Whether users may write this attribute of theirs through the client. Without its own list, a client writes what any
 * user may write; never whether an address is verified, nor developer-only attributes.
 */
export function canWrite(pool: Pick<Pool, "document">, client: AttributesOf, attribute: string): boolean {
  if (!isWritable(pool, attribute)) return false;
  return client.document.WriteAttributes?.includes(attribute) ?? true;
}

/** Whether any client could be allowed to write the attribute. */
export function isWritable(pool: Pick<Pool, "document">, attribute: string): boolean {
  if (internalAttributes.has(attribute) || verifiedAttributes.has(attribute)) return false;
  const schema = schemaAttribute(pool, attribute);
  return schema !== undefined && schema.DeveloperOnlyAttribute !== true;
}
