/**
 * Whether a pool tracks sessions, how many token sessions a user may have, and how long clients accept a sign-in at the
 * pages (SetUserPoolSessionConfiguration and SetUserPoolClientSessionConfiguration, Amazon Cognito API Reference).
 */
import type { Ctx } from "../../app.ts";
import { setSsoMinutes } from "../../store/clients.ts";
import type {
  GetUserPoolSessionConfigurationResponse,
  SetUserPoolClientSessionConfigurationRequest,
  SetUserPoolSessionConfigurationRequest,
} from "../../wire/generated/user-pools.types.ts";
import { refuse } from "../../wire/refuse.ts";
import { type Client, loadPoolClient, type Pool, type PoolDocument } from "./load-pool.ts";

const defaultMaxPerUser = 20;
const defaultSsoMinutes = 60;

export function tracksSessions({ document }: Pool): boolean {
  return document.UserSessionTracking === "ENABLED";
}

/**
 * Throws OperationNotEnabledException unless the pool tracks sessions: "not available … for the current user pool
 * configuration".
 */
export function requireTracking(pool: Pool): void {
  if (!tracksSessions(pool))
    refuse("OperationNotEnabledException", "Session tracking is not enabled for this user pool.");
}

/** The maximum number of token sessions per user. */
export function maxPerUser({ document }: Pool): number {
  return document.TokenSession?.MaxPerUser ?? defaultMaxPerUser;
}

export function sessionConfiguration(pool: Pool): GetUserPoolSessionConfigurationResponse {
  return {
    UserPoolId: pool.id,
    UserSessionTracking: tracksSessions(pool) ? "ENABLED" : "DISABLED",
    TokenSession: { MaxPerUser: maxPerUser(pool) },
  };
}

/** The document after SetUserPoolSessionConfiguration. Throws InvalidParameterException. */
export function withSessionConfiguration(
  document: PoolDocument,
  { UserSessionTracking, TokenSession }: SetUserPoolSessionConfigurationRequest,
): PoolDocument {
  const { MaxPerUser } = TokenSession;
  if (MaxPerUser < 1 || MaxPerUser > 100)
    refuse("InvalidParameterException", "TokenSession.MaxPerUser must be between 1 and 100.");
  return { ...document, UserSessionTracking, TokenSession: { MaxPerUser } };
}

/** SSOSession.MaxValidityMinutes of a client as configured. */
export function ssoMinutes(client: Client): number {
  return client.ssoMinutes ?? defaultSsoMinutes;
}

/**
 * How many minutes after a sign-in at the pages the client accepts it. While the pool does not track sessions, clients'
 * settings have no effect.
 */
export function reuseMinutes(pool: Pool, client: Client): number {
  return tracksSessions(pool) ? ssoMinutes(client) : defaultSsoMinutes;
}

/** How many minutes a browser session is kept: as long as some client of the pool accepts it. */
export function keptMinutes(longest: number | undefined): number {
  return Math.max(defaultSsoMinutes, longest ?? 0);
}

/**
 * SetUserPoolClientSessionConfiguration. Throws ResourceNotFoundException, OperationNotEnabledException and
 * InvalidParameterException.
 */
export async function setClientSessions(
  ctx: Ctx,
  request: SetUserPoolClientSessionConfigurationRequest,
): Promise<void> {
  const { pool, client } = await loadPoolClient(ctx, request.UserPoolId, request.ClientId);
  requireTracking(pool);
  const { MaxValidityMinutes: minutes } = request.SSOSession;
  if (minutes < 0 || minutes > 129_600)
    refuse("InvalidParameterException", "SSOSession.MaxValidityMinutes must be between 0 and 129600.");
  if (!(await setSsoMinutes(ctx.db, { poolId: pool.id, clientId: client.id }, minutes, ctx.now)))
    refuse("ResourceNotFoundException", `User pool client ${client.id} does not exist.`);
}
