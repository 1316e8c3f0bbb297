/**
 * The triggers of CUSTOM_AUTH: one decides what comes next, one makes a challenge, one checks its answer ("Custom
 * authentication challenge Lambda triggers", Amazon Cognito Developer Guide). If the client hides who exists, they are
 * asked for names that nobody has, too, with `userNotFound`.
 */
import type { User } from "../../store/users.ts";
import { hidesUsers } from "../user-pools/clients.ts";
import type { Client, Pool } from "../user-pools/load-pool.ts";
import { type Answered, type Form, unrecognizable } from "./answer.ts";
import { type FiringCtx, fire } from "./fire.ts";
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

/** Fires one of the triggers. Throws as `fire` does, and InvalidLambdaResponseException if it is not configured. */
async function ask<F extends Form>(
  ctx: FiringCtx,
  { pool, client, user, submitted, clientMetadata }: CustomSignIn,
  trigger: "DefineAuthChallenge" | "CreateAuthChallenge" | "VerifyAuthChallengeResponse",
  { form, ...own }: { readonly form: F; readonly request: Readonly<Record<string, unknown>> },
): Promise<Answered<F>> {
  const answer = await fire(ctx, pool, trigger, {
    source: `${trigger}_Authentication`,
    userName: user?.username ?? submitted,
    clientId: client.id,
    request: () => ({
      userAttributes: user === undefined ? {} : userAttributes(pool, user),
      ...own.request,
      ...given("clientMetadata", clientMetadata),
      ...(hidesUsers(client) && { userNotFound: user === undefined }),
    }),
    form,
  });
  return answer ?? unrecognizable(`${trigger} is not configured`);
}

/**
 * Fires DefineAuthChallenge. An answer that fails the sign-in counts before one that issues tokens, and one that says
 * nothing fails it. Throws as `fire` does.
 */
export async function defineAuthChallenge(
  ctx: FiringCtx,
  signIn: CustomSignIn,
  session: readonly ChallengeResult[],
): Promise<Definition> {
  const { challengeName, issueTokens, failAuthentication } = await ask(ctx, signIn, "DefineAuthChallenge", {
    request: { session },
    form: { challengeName: "text", issueTokens: "decision", failAuthentication: "decision" },
  });
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
  ctx: FiringCtx,
  signIn: CustomSignIn,
  session: readonly ChallengeResult[],
): Promise<CreatedChallenge> {
  const answer = await ask(ctx, signIn, "CreateAuthChallenge", {
    request: { challengeName: "CUSTOM_CHALLENGE", session },
    form: { publicChallengeParameters: "map", privateChallengeParameters: "map", challengeMetadata: "text" },
  });
  const { publicChallengeParameters, privateChallengeParameters, challengeMetadata } = answer;
  return {
    shown: publicChallengeParameters ?? {},
    hidden: privateChallengeParameters ?? {},
    metadata: challengeMetadata ?? null,
  };
}

/** Fires VerifyAuthChallengeResponse: whether the answer is right. Throws as `fire` does. */
export async function verifyAuthChallengeResponse(
  ctx: FiringCtx,
  signIn: CustomSignIn,
  challenge: { readonly answer: string; readonly hidden: Readonly<Record<string, string>> },
): Promise<boolean> {
  const { answerCorrect } = await ask(ctx, signIn, "VerifyAuthChallengeResponse", {
    request: { privateChallengeParameters: challenge.hidden, challengeAnswer: challenge.answer },
    form: { answerCorrect: "decision" },
  });
  return answerCorrect === true;
}
