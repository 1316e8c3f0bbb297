/** Operations that a refresh token authorizes. They take the client secret itself, not a SECRET_HASH. */
import { clientSecretFits } from "../../../domain/credentials/check-secret-hash.ts";
import { readPresented, refreshTokens, revokeToken } from "../../../domain/tokens/refresh.ts";
import { loadClient } from "../../../domain/user-pools/load-pool.ts";
import { Refusal } from "../../../lib/refusal.ts";
import { refuse } from "../../../wire/refuse.ts";
import type { Handler } from "../operation.ts";

export const GetTokensFromRefreshToken: Handler<"GetTokensFromRefreshToken"> = async (ctx, input) => {
  const { pool, client } = await loadClient(ctx, input.ClientId);
  if (!clientSecretFits(client, input.ClientSecret)) {
    refuse("NotAuthorizedException", `Unable to verify secret for client ${client.id}`);
  }
  const presented = await readPresented(ctx, { pool, client, token: input.RefreshToken });
  return { AuthenticationResult: await refreshTokens(ctx, presented, input.DeviceKey) };
};

/**
 * The model of RevokeToken has neither ResourceNotFoundException nor NotAuthorizedException: both are
 * UnauthorizedException.
 */
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
