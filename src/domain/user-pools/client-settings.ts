/**
 * Checks and completes the settings of CreateUserPoolClient and UpdateUserPoolClient: what is missing gets its default.
 * What an update omits but keeps was filled in before, by kept-settings.ts
 * (https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_UpdateUserPoolClient.html).
 */
import type {
  ExplicitAuthFlowsType,
  RefreshTokenRotationType,
  TokenValidityUnitsType,
  UpdateUserPoolClientRequest,
} from "../../wire/generated/user-pools.types.ts";
import { refuse } from "../../wire/refuse.ts";
import { oauthSettings } from "./client-oauth.ts";
import { isLegacyFlow, isWritable, tokenLifetimes } from "./clients.ts";
import type { ClientDocument, Pool } from "./load-pool.ts";
import { requiredAttributes, schemaAttribute } from "./schema.ts";

/** The members that creation and update have in common. */
export type ClientSettings = Omit<UpdateUserPoolClientRequest, "UserPoolId" | "ClientId" | "ClientName">;

/**
 * The document of these settings. Throws InvalidParameterException and, for OAuth, its own errors.
 * @param options.scopes the scopes of AllowedOAuthScopes that exist (resource-servers.ts)
 */
export function clientSettings(
  pool: Pick<Pool, "id" | "document">,
  given: ClientSettings,
  options: { doing: "creating" | "updating"; hasSecret: boolean; scopes: readonly string[] },
): ClientDocument {
  if (given.EnablePropagateAdditionalUserContextData === true && !options.hasSecret)
    invalid(
      "EnablePropagateAdditionalUserContextData can only be activated in a client that has a client secret.",
    );
  const RefreshTokenRotation = rotation(given.RefreshTokenRotation);
  return {
    ...validities(given),
    ReadAttributes: readAttributes(pool, given.ReadAttributes, options.doing),
    WriteAttributes: writeAttributes(pool, given.WriteAttributes, options.doing),
    ExplicitAuthFlows: authFlows(given.ExplicitAuthFlows, RefreshTokenRotation?.Feature === "ENABLED"),
    ...oauthSettings(given, options),
    AnalyticsConfiguration: given.AnalyticsConfiguration,
    PreventUserExistenceErrors: given.PreventUserExistenceErrors,
    EnableTokenRevocation: given.EnableTokenRevocation ?? true,
    EnablePropagateAdditionalUserContextData: given.EnablePropagateAdditionalUserContextData ?? false,
    AuthSessionValidity: given.AuthSessionValidity ?? 3,
    RefreshTokenRotation,
    ClientType: "REGULAR",
  };
}

const DEFAULT_REFRESH_DAYS = 30;
const accessRange = { least: 5 * 60, most: 86_400 };
const refreshRange = { least: 60 * 60, most: 315_360_000 };

type Validities = Pick<
  ClientDocument,
  "RefreshTokenValidity" | "AccessTokenValidity" | "IdTokenValidity" | "TokenValidityUnits"
>;

/**
 * Token validities: "You can't set RefreshTokenValidity to 0. If you do, Amazon Cognito overrides the value with […] 30
 * days."
 */
function validities(given: ClientSettings): Validities {
  const units = withUnits(given.TokenValidityUnits);
  const document: Validities = {
    RefreshTokenValidity: given.RefreshTokenValidity || DEFAULT_REFRESH_DAYS,
    AccessTokenValidity: given.AccessTokenValidity || undefined,
    IdTokenValidity: given.IdTokenValidity || undefined,
    TokenValidityUnits:
      units?.RefreshToken === undefined || given.RefreshTokenValidity
        ? units
        : { ...units, RefreshToken: "days" },
  };
  const { access, id, refresh } = tokenLifetimes({ document });
  const fits =
    isWithin(access, accessRange) &&
    isWithin(id, accessRange) &&
    isWithin(refresh, refreshRange) &&
    Math.max(access, id) <= refresh;
  if (!fits) invalid("Invalid range for token validity.");
  return document;
}

function withUnits(given: TokenValidityUnitsType | undefined): TokenValidityUnitsType | undefined {
  return given !== undefined && Object.values(given).some((unit) => unit !== undefined) ? given : undefined;
}

function isWithin(seconds: number, { least, most }: { least: number; most: number }): boolean {
  return seconds >= least && seconds <= most;
}

/**
 * "Amazon Cognito only populates ReadAttributes […] if you have specified your own custom set": an empty set does not
 * count.
 */
function readAttributes(
  pool: Pick<Pool, "document">,
  given: readonly string[] | undefined,
  doing: string,
): string[] | undefined {
  if (given === undefined || given.length === 0) return undefined;
  if (given.some((name) => schemaAttribute(pool, name) === undefined))
    invalid(`Invalid read attributes specified while ${doing} a client`);
  return [...new Set(given)];
}

/** The writable attributes, which must include the required ones; otherwise nobody could sign up through the client. */
function writeAttributes(
  pool: Pick<Pool, "document">,
  given: readonly string[] | undefined,
  doing: string,
): string[] | undefined {
  if (given === undefined || given.length === 0) return undefined;
  const isBad = given.some((name) => !isWritable(pool, name));
  if (isBad || requiredAttributes(pool).some((name) => !given.includes(name)))
    invalid(`Invalid write attributes specified while ${doing} a client`);
  return [...new Set(given)];
}

/** The flows as given; without any, those of `clients.ts` apply. */
function authFlows(
  given: readonly ExplicitAuthFlowsType[] | undefined,
  rotates: boolean,
): ExplicitAuthFlowsType[] | undefined {
  if (given === undefined || given.length === 0) return undefined;
  if (given.some(isLegacyFlow) && !given.every(isLegacyFlow))
    invalid(
      "ExplicitAuthFlows can not mix ADMIN_NO_SRP_AUTH, CUSTOM_AUTH_FLOW_ONLY or USER_PASSWORD_AUTH with values that begin with ALLOW_.",
    );
  if (rotates && given.includes("ALLOW_REFRESH_TOKEN_AUTH"))
    invalid(
      "ALLOW_REFRESH_TOKEN_AUTH can not be in ExplicitAuthFlows when refresh token rotation is enabled.",
    );
  return [...new Set(given)];
}

function rotation(given: RefreshTokenRotationType | undefined): RefreshTokenRotationType | undefined {
  return given && { Feature: given.Feature, RetryGracePeriodSeconds: given.RetryGracePeriodSeconds ?? 0 };
}

function invalid(message: string): never {
  return refuse("InvalidParameterException", message);
}
