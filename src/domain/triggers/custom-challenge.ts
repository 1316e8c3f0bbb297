/**
 * The triggers of CUSTOM_AUTH: one decides what comes next, one makes a challenge, one checks its answer ("Custom
 * authentication challenge Lambda triggers", Amazon Cognito Developer Guide). If the client hides who exists, they are
 * asked for names that nobody has, too, with `userNotFound`.
 */
import type { Ctx } from "../../app.ts";
import type { User } from "../../store/users.ts";
import { hidesUsers } from "../user-pools/clients.ts";
import type { Client, Pool } from "../user-pools/load-pool.ts";
import { unrecognizable } from "./answer.ts";
import { fire } from "./fire.ts";
import type { Metadata } from "./trigger.ts";
import { given, userAttributes } from "./user-event.ts";

/** A challenge that was answered in this sign-in. */
export interface ChallengeResult {
  readonly challengeName: string;
  readonly challengeResult: boolean;
  readonly challengeMetadata: string | null;
}

/** The sign-in that the functions are asked about. */
export interface CustomSignIn {
  readonly pool: Pool;
  readonly client: Client;
  /** Undefined if nobody has the name. */
  readonly user: User | undefined;
  readonly submitted: string;
  /** ClientMetadata of RespondToAuthChallenge. */
  readonly clientMetadata?: Metadata | undefined;
}

/** What comes next: tokens, a refusal, or a challenge. */
export type Definition = "tokens" | "failure" | "CUSTOM_CHALLENGE" | "PASSWORD_VERIFIER";

function about(signIn: CustomSignIn) {
  const { pool, client, user, submitted } = signIn;
  return {
    userName: user?.username ?? submitted,
    clientId: client.id,
    attributes: user === undefined ? {} : userAttributes(pool, user),
    rest: {
      ...given("clientMetadata", signIn.clientMetadata),
      ...(hidesUsers(client) && { userNotFound: user === undefined }),
    },
  };
}

const notConfigured = (): never => unrecognizable("a trigger of CUSTOM_AUTH is not configured");

/**
 * Fires DefineAuthChallenge. An answer that fails the sign-in counts before one that issues tokens, and one that says
 * nothing fails it. Throws as `fire` does.
 */
export async function defineAuthChallenge(
  ctx: Ctx,
  signIn: CustomSignIn,
  session: readonly ChallengeResult[],
): Promise<Definition> {
  const { userName, clientId, attributes, rest } = about(signIn);
  const answer = await fire(ctx, signIn.pool, "DefineAuthChallenge", {
    source: "DefineAuthChallenge_Authentication",
    userName,
    clientId,
    request: { userAttributes: attributes, session, ...rest },
    form: { challengeName: "text", issueTokens: "decision", failAuthentication: "decision" },
  });
  const { challengeName, issueTokens, failAuthentication } = answer ?? notConfigured();
  if (failAuthentication === true) return "failure";
  if (issueTokens === true) return "tokens";
  if (challengeName === undefined) return "failure";
  const isKnown = challengeName === "CUSTOM_CHALLENGE" || challengeName === "PASSWORD_VERIFIER";
  return isKnown ? challengeName : unrecognizable(`DefineAuthChallenge named ${challengeName}`);
}

export interface CreatedChallenge {
  /** For the client. */
  readonly shown: Readonly<Record<string, string>>;
  /** For VerifyAuthChallengeResponse alone. */
  readonly hidden: Readonly<Record<string, string>>;
  readonly metadata: string | null;
}

/** Fires CreateAuthChallenge for a CUSTOM_CHALLENGE. Throws as `fire` does. */
export async function createAuthChallenge(
  ctx: Ctx,
  signIn: CustomSignIn,
  session: readonly ChallengeResult[],
): Promise<CreatedChallenge> {
  const { userName, clientId, attributes, rest } = about(signIn);
  const answer = await fire(ctx, signIn.pool, "CreateAuthChallenge", {
    source: "CreateAuthChallenge_Authentication",
    userName,
    clientId,
    request: { userAttributes: attributes, challengeName: "CUSTOM_CHALLENGE", session, ...rest },
    form: { publicChallengeParameters: "map", privateChallengeParameters: "map", challengeMetadata: "text" },
  });
  const { publicChallengeParameters, privateChallengeParameters, challengeMetadata } =
    answer ?? notConfigured();
  return {
    shown: publicChallengeParameters ?? {},
    hidden: privateChallengeParameters ?? {},
    metadata: challengeMetadata ?? null,
  };
}

/** Fires VerifyAuthChallengeResponse: whether the answer is right. Throws as `fire` does. */
export async function verifyAuthChallengeResponse(
  ctx: Ctx,
  signIn: CustomSignIn,
  challenge: { readonly answer: string; readonly hidden: Readonly<Record<string, string>> },
): Promise<boolean> {
  const { userName, clientId, attributes, rest } = about(signIn);
  const answer = await fire(ctx, signIn.pool, "VerifyAuthChallengeResponse", {
    source: "VerifyAuthChallengeResponse_Authentication",
    userName,
    clientId,
    request: {
      userAttributes: attributes,
      privateChallengeParameters: challenge.hidden,
      challengeAnswer: challenge.answer,
      ...rest,
    },
    form: { answerCorrect: "decision" },
  });
  return (answer ?? notConfigured()).answerCorrect === true;
}
