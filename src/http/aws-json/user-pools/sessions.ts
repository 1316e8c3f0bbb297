/**
 * Sessions: whether pools and clients track and reuse them, and users' sessions for the users themselves and for
 * administrators.
 */
import type { Ctx } from "../../../app.ts";
import { loadPool, loadPoolClient, type Pool } from "../../../domain/user-pools/load-pool.ts";
import {
  requireTracking,
  sessionConfiguration,
  setClientSessions,
  ssoMinutes,
} from "../../../domain/user-pools/session-settings.ts";
import { setSessions } from "../../../domain/user-pools/update-pool.ts";
import { poolAndUser } from "../../../domain/users/find-user.ts";
import { listSessions, revokeSession } from "../../../domain/users/user-sessions.ts";
import type { BrowserSession } from "../../../store/browser-sessions.ts";
import type { TokenSession } from "../../../store/token-sessions.ts";
import type { User } from "../../../store/users.ts";
import type {
  ListUserSessionsResponse,
  SessionDescriptionType,
} from "../../../wire/generated/user-pools.types.ts";
import { refuse } from "../../../wire/refuse.ts";
import { epochSeconds, type Handler } from "../operation.ts";

export const GetUserPoolSessionConfiguration: Handler<"GetUserPoolSessionConfiguration"> = async (
  ctx,
  input,
) => sessionConfiguration(await loadPool(ctx, input.UserPoolId));

export const SetUserPoolSessionConfiguration: Handler<"SetUserPoolSessionConfiguration"> = async (
  ctx,
  input,
) => sessionConfiguration(await setSessions(ctx, input));

export const GetUserPoolClientSessionConfiguration: Handler<"GetUserPoolClientSessionConfiguration"> = async (
  ctx,
  input,
) => {
  const { pool, client } = await loadPoolClient(ctx, input.UserPoolId, input.ClientId);
  return {
    UserPoolId: pool.id,
    ClientId: client.id,
    SSOSession: { MaxValidityMinutes: ssoMinutes(client) },
  };
};

export const SetUserPoolClientSessionConfiguration: Handler<"SetUserPoolClientSessionConfiguration"> = async (
  ctx,
  input,
) => {
  await setClientSessions(ctx, input);
  const { UserPoolId, ClientId, SSOSession } = input;
  return { UserPoolId, ClientId, SSOSession };
};

export const ListUserSessions: Handler<"ListUserSessions"> = (ctx, input, { pool, user, session }) =>
  sessionsOf(ctx, { pool, user }, input.NextToken, session.id);

export const AdminListUserSessions: Handler<"AdminListUserSessions"> = async (ctx, input) =>
  sessionsOf(ctx, await poolAndUser(ctx, input), input.NextToken, undefined);

export const RevokeUserSession: Handler<"RevokeUserSession"> = async (ctx, input, signedIn) => {
  const { pool, user, session } = signedIn;
  const revocation = { id: input.SessionId, associated: input.RevokeAssociatedSessions };
  await revokeSession(ctx, pool, user, { ...revocation, ownFamily: session.id });
  return {};
};

export const AdminRevokeUserSession: Handler<"AdminRevokeUserSession"> = async (ctx, input) => {
  const { pool, user } = await poolAndUser(ctx, input);
  const revocation = { id: input.SessionId, associated: input.RevokeAssociatedSessions };
  await revokeSession(ctx, pool, user, { ...revocation, ownFamily: undefined });
  return {};
};

/** "All of a user's sessions in a single page of up to 125 sessions". */
async function sessionsOf(
  ctx: Ctx,
  { pool, user }: { pool: Pool; user: User },
  nextToken: string | undefined,
  ownFamily: string | undefined,
): Promise<ListUserSessionsResponse> {
  requireTracking(pool);
  if (nextToken !== undefined) refuse("InvalidParameterException", "Invalid pagination token given.");
  const { tokens, browsers } = await listSessions(ctx, pool, user);
  return {
    Sessions: [...tokens.map((one) => ofTokens(one, ownFamily)), ...browsers.flatMap(ofBrowser)],
  };
}

function ofTokens(session: TokenSession, ownFamily: string | undefined): SessionDescriptionType {
  return {
    SessionId: session.id,
    SessionType: "TOKEN",
    OriginSessionId: session.originId,
    IsCurrentSession: session.familyId === ownFamily,
    CreateDate: epochSeconds(session.createdAt),
    ...seen(session),
  };
}

function ofBrowser({ tracked, createdAt }: BrowserSession): SessionDescriptionType[] {
  if (tracked === undefined) return [];
  return [
    {
      SessionId: tracked.id,
      SessionType: "SSO",
      IsCurrentSession: false,
      CreateDate: epochSeconds(createdAt),
      ...seen(tracked),
    },
  ];
}

function seen(
  session: Pick<TokenSession, "clientId" | "activeAt" | "deviceType" | "address">,
): SessionDescriptionType {
  return {
    ClientId: session.clientId,
    LastActiveDate: epochSeconds(session.activeAt),
    DeviceType: session.deviceType,
    LastIPAddress: session.address,
    // "Can be unknown if geo-IP resolution fails"; there is no geo-IP resolution.
    LastLocation: { Country: "unknown" },
  };
}
