/** InitiateAuth and RespondToAuthChallenge, and their Admin variants: the same flows with two entry points. */
import type { Ctx } from "../../../app.ts";
import { checkSecretHash } from "../../../domain/credentials/check-secret-hash.ts";
import { withBackEndAddress, withUserAddress } from "../../../domain/credentials/subjects.ts";
import { required } from "../../../domain/signin/refusals.ts";
import { type RespondRequest, respondToChallenge } from "../../../domain/signin/respond.ts";
import type { Outcome } from "../../../domain/signin/sign-in.ts";
import { startSignIn } from "../../../domain/signin/start.ts";
import { issueTokens } from "../../../domain/tokens/issue.ts";
import { type PresentedToken, readPresented, refreshTokens, userOf } from "../../../domain/tokens/refresh.ts";
import { allowsFlow } from "../../../domain/user-pools/clients.ts";
import { type Client, loadClient, loadPoolClient, type Pool } from "../../../domain/user-pools/load-pool.ts";
import { Refusal } from "../../../lib/refusal.ts";
import type {
  InitiateAuthResponse,
  RespondToAuthChallengeRequest,
} from "../../../wire/generated/user-pools.types.ts";
import { refuse } from "../../../wire/refuse.ts";
import type { Handler } from "../operation.ts";

type Parameters = Readonly<Record<string, string>>;

export const InitiateAuth: Handler<"InitiateAuth"> = async (ctx, input) => {
  const { pool, client } = await loadClient(ctx, input.ClientId);
  return initiate(withUserAddress(ctx, client, input.UserContextData?.IpAddress), {
    pool,
    client,
    flow: input.AuthFlow,
    parameters: input.AuthParameters ?? {},
    session: input.Session,
    entry: "public",
    clientMetadata: input.ClientMetadata,
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
    entry: "admin",
    clientMetadata: input.ClientMetadata,
  });
};

export const RespondToAuthChallenge: Handler<"RespondToAuthChallenge"> = async (ctx, input) => {
  const { pool, client } = await loadClient(ctx, input.ClientId);
  const from = withUserAddress(ctx, client, input.UserContextData?.IpAddress);
  return present(from, await respondToChallenge(from, { pool, client, ...answerIn(input) }));
};

export const AdminRespondToAuthChallenge: Handler<"AdminRespondToAuthChallenge"> = async (ctx, input) => {
  const { pool, client } = await loadPoolClient(ctx, input.UserPoolId, input.ClientId);
  const from = withBackEndAddress(ctx, input.ContextData?.IpAddress);
  return present(from, await respondToChallenge(from, { pool, client, ...answerIn(input) }));
};

/** The members that RespondToAuthChallenge and AdminRespondToAuthChallenge share. */
function answerIn(
  input: Pick<
    RespondToAuthChallengeRequest,
    "ChallengeName" | "Session" | "ChallengeResponses" | "ClientMetadata"
  >,
): Omit<RespondRequest, "pool" | "client"> {
  const { ChallengeName: challenge, Session: session, ChallengeResponses: responses = {} } = input;
  return { challenge, session, responses, entry: "api", clientMetadata: input.ClientMetadata };
}

interface Initiation {
  readonly pool: Pool;
  readonly client: Client;
  readonly flow: string;
  readonly parameters: Parameters;
  readonly session: string | undefined;
  readonly entry: "public" | "admin";
  readonly clientMetadata: Readonly<Record<string, string>> | undefined;
}

async function initiate(ctx: Ctx, request: Initiation): Promise<InitiateAuthResponse> {
  if (request.flow === "REFRESH_TOKEN_AUTH" || request.flow === "REFRESH_TOKEN") return refresh(ctx, request);
  return present(ctx, await startSignIn(ctx, request));
}

/** REFRESH_TOKEN_AUTH. With rotation enabled, only GetTokensFromRefreshToken can refresh. */
async function refresh(ctx: Ctx, request: Initiation): Promise<InitiateAuthResponse> {
  const { pool, client, parameters } = request;
  if (!allowsFlow(client, "REFRESH_TOKEN_AUTH")) {
    refuse("InvalidParameterException", "Auth flow not enabled for this client");
  }
  const token = required(parameters, "REFRESH_TOKEN");
  // A missing hash is refused before anything is read.
  if (parameters["SECRET_HASH"] === undefined) checkSecretHash(client, "", undefined, "auth");
  const presented = await readPresented(ctx, { pool, client, token });
  if (client.secrets.length > 0) checkRefreshSecretHash(request, presented);
  const tokens = await refreshTokens(ctx, presented, parameters["DEVICE_KEY"]);
  return { ChallengeParameters: {}, AuthenticationResult: tokens };
}

/**
 * Checks SECRET_HASH of a refresh. It is computed over the username, or over the `sub` by clients that only know that.
 * Throws NotAuthorizedException.
 */
function checkRefreshSecretHash({ client, parameters }: Initiation, presented: PresentedToken): void {
  const hash = parameters["SECRET_HASH"];
  const { id, username } = userOf(presented);
  try {
    checkSecretHash(client, username, hash, "auth");
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    checkSecretHash(client, id, hash, "auth");
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
