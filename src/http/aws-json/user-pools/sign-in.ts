/** InitiateAuth, RespondToAuthChallenge and their Admin twins: one flow, two doors. */
import type { Ctx } from "../../../app.ts";
import { checkSecretHash } from "../../../domain/credentials/check-secret-hash.ts";
import { withBackEndAddress, withUserAddress } from "../../../domain/credentials/subjects.ts";
import { respondToChallenge } from "../../../domain/signin/respond.ts";
import type { Outcome } from "../../../domain/signin/sign-in.ts";
import { required } from "../../../domain/signin/sign-in.ts";
import { assertRoomEarly, startSignIn } from "../../../domain/signin/start.ts";
import { issueTokens } from "../../../domain/tokens/issue.ts";
import { refreshTokens, refreshTokenUser } from "../../../domain/tokens/refresh.ts";
import { allowsFlow } from "../../../domain/user-pools/clients.ts";
import { type Client, loadClient, loadPoolClient, type Pool } from "../../../domain/user-pools/load-pool.ts";
import { Refusal } from "../../../lib/refusal.ts";
import type { InitiateAuthResponse } from "../../../wire/generated/user-pools.types.ts";
import { refuse } from "../../../wire/refuse.ts";
import type { Handler } from "../operation.ts";

type Parameters = Readonly<Record<string, string>>;

export const InitiateAuth: Handler<"InitiateAuth"> = async (ctx, input) => {
  // With UserContextData the turn may be another's, which the client says.
  if (input.UserContextData === undefined) assertRoomEarly(ctx, input.AuthFlow, input.ClientId);
  const { pool, client } = await loadClient(ctx, input.ClientId);
  return initiate(withUserAddress(ctx, client, input.UserContextData?.IpAddress), {
    pool,
    client,
    flow: input.AuthFlow,
    parameters: input.AuthParameters ?? {},
    session: input.Session,
    door: "public",
  });
};

export const AdminInitiateAuth: Handler<"AdminInitiateAuth"> = async (ctx, input) => {
  const { pool, client } = await loadPoolClient(ctx, input.UserPoolId, input.ClientId);
  return initiate(withBackEndAddress(ctx, input.ContextData?.IpAddress), {
    pool,
    client,
    flow: input.AuthFlow,
    parameters: input.AuthParameters ?? {},
    session: input.Session,
    door: "admin",
  });
};

export const RespondToAuthChallenge: Handler<"RespondToAuthChallenge"> = async (ctx, input) => {
  const { pool, client } = await loadClient(ctx, input.ClientId);
  const from = withUserAddress(ctx, client, input.UserContextData?.IpAddress);
  const { ChallengeName: challenge, Session: session, ChallengeResponses: responses = {} } = input;
  return present(
    from,
    await respondToChallenge(from, { pool, client, challenge, session, responses, door: "api" }),
  );
};

export const AdminRespondToAuthChallenge: Handler<"AdminRespondToAuthChallenge"> = async (ctx, input) => {
  const { pool, client } = await loadPoolClient(ctx, input.UserPoolId, input.ClientId);
  const from = withBackEndAddress(ctx, input.ContextData?.IpAddress);
  const { ChallengeName: challenge, Session: session, ChallengeResponses: responses = {} } = input;
  return present(
    from,
    await respondToChallenge(from, { pool, client, challenge, session, responses, door: "api" }),
  );
};

interface Initiation {
  readonly pool: Pool;
  readonly client: Client;
  readonly flow: string;
  readonly parameters: Parameters;
  readonly session: string | undefined;
  readonly door: "public" | "admin";
}

async function initiate(ctx: Ctx, request: Initiation): Promise<InitiateAuthResponse> {
  if (request.flow === "REFRESH_TOKEN_AUTH" || request.flow === "REFRESH_TOKEN") return refresh(ctx, request);
  return present(ctx, await startSignIn(ctx, request));
}

/** REFRESH_TOKEN_AUTH. With rotation on, only GetTokensFromRefreshToken refreshes. */
async function refresh(ctx: Ctx, request: Initiation): Promise<InitiateAuthResponse> {
  const { pool, client, parameters } = request;
  if (!allowsFlow(client, "REFRESH_TOKEN_AUTH")) {
    refuse("InvalidParameterException", "Auth flow not enabled for this client");
  }
  const token = required(parameters, "REFRESH_TOKEN");
  if (client.secrets.length > 0) await checkRefreshSecretHash(ctx, request, token);
  const { result } = await refreshTokens(ctx, { pool, client, token, deviceKey: parameters["DEVICE_KEY"] });
  return { ChallengeParameters: {}, AuthenticationResult: result };
}

/** The hash is over the username; clients that only know the `sub` may use that (facts §2.2). */
async function checkRefreshSecretHash(ctx: Ctx, request: Initiation, token: string): Promise<void> {
  const { pool, client, parameters } = request;
  const hash = parameters["SECRET_HASH"];
  if (hash === undefined) checkSecretHash(client, "", hash, "auth");
  const user = await refreshTokenUser(ctx, { pool, client, token });
  try {
    checkSecretHash(client, user.username, hash, "auth");
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    checkSecretHash(client, user.id, hash, "auth");
  }
}

async function present(ctx: Ctx, outcome: Outcome): Promise<InitiateAuthResponse> {
  if (outcome.kind === "authenticated") {
    return { ChallengeParameters: {}, AuthenticationResult: await issueTokens(ctx, outcome.authenticated) };
  }
  return {
    ChallengeName: outcome.name,
    ChallengeParameters: outcome.parameters,
    Session: outcome.session,
    AvailableChallenges: outcome.available && [...outcome.available],
  };
}
