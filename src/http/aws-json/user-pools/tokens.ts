/** Operations that a refresh token authorizes. They take the client's secret itself, not a SECRET_HASH. */
import { clientSecretFits } from "../../../domain/credentials/check-secret-hash.ts";
import { refreshTokens, revokeToken } from "../../../domain/tokens/refresh.ts";
import { loadClient } from "../../../domain/user-pools/load-pool.ts";
import { Refusal } from "../../../lib/refusal.ts";
import { refuse } from "../../../wire/refuse.ts";
import type { Handler } from "../operation.ts";

export const GetTokensFromRefreshToken: Handler<"GetTokensFromRefreshToken"> = async (ctx, input) => {
  const { pool, client } = await loadClient(ctx, input.ClientId);
  if (!clientSecretFits(client, input.ClientSecret)) {
    refuse("NotAuthorizedException", `Unable to verify secret for client ${client.id}`);
  }
  const { result } = await refreshTokens(ctx, {
    pool,
    client,
    token: input.RefreshToken,
    deviceKey: input.DeviceKey,
  });
  return { AuthenticationResult: result };
};

/** Its model knows neither ResourceNotFoundException nor NotAuthorizedException: both are UnauthorizedException here. */
export const RevokeToken: Handler<"RevokeToken"> = async (ctx, input) => {
  const { pool, client } = await loadClient(ctx, input.ClientId).catch(asUnauthorized);
  if (!clientSecretFits(client, input.ClientSecret)) {
    refuse("UnauthorizedException", `Unable to verify secret for client ${client.id}`);
  }
  const linked = input.RevokeAssociatedSessions === "LINKED";
  await revokeToken(ctx, { pool, client, token: input.Token, linked });
  return {};
};

function asUnauthorized(error: unknown): never {
  if (error instanceof Refusal && error.code === "ResourceNotFoundException")
    refuse("UnauthorizedException", error.message);
  throw error;
}
