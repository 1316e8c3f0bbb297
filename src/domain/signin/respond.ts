/** Answers to challenges: RespondToAuthChallenge and AdminRespondToAuthChallenge. */
import type { Ctx } from "../../app.ts";
import { readSignIn, type SignInRow } from "../../store/sign-ins.ts";
import { readUser } from "../../store/users.ts";
import { refuse } from "../../wire/refuse.ts";
import { checkSecretHash } from "../credentials/secret-hash.ts";
import { loginNameKey } from "../pools/names.ts";
import type { Client, Pool } from "../pools/settings.ts";
import { refuseTriggers } from "../triggers/unavailable.ts";
import { answerNewPassword } from "./challenges/new-password.ts";
import { findByTheSecretBlock, provePasswordBySrp } from "./challenges/password-srp.ts";
import { counted } from "./count.ts";
import { assertUsable, proceed } from "./proceed.ts";
import {
  expiredSession,
  invalidSession,
  type Outcome,
  readSession,
  required,
  type SignIn,
  type SignInState,
  usedSession,
  wrongPassword,
} from "./sign-in.ts";
import type { Step } from "./steps.ts";

type Responses = Readonly<Record<string, string>>;

interface ChallengeAnswer {
  /** Finds the row that waits for this answer. */
  readonly find: (ctx: Ctx, request: RespondRequest) => Promise<SignInRow<SignInState>>;
  /** Proves the step; throws when it is not proven. */
  readonly answer: (ctx: Ctx, signIn: SignIn, responses: Responses) => Promise<SignIn>;
  /** What a client is told when the row is not theirs or not of this challenge. */
  readonly refuse: () => never;
}

export interface RespondRequest {
  readonly pool: Pool;
  readonly client: Client;
  readonly challenge: string;
  readonly session: string | undefined;
  readonly responses: Responses;
}

/** Every challenge that can be answered; anything else is refused. */
const answers: Readonly<Partial<Record<Step, ChallengeAnswer>>> = {
  PASSWORD_VERIFIER: {
    find: (ctx, request) => findByTheSecretBlock(ctx, request.pool.id, request.responses),
    answer: provePasswordBySrp,
    refuse: wrongPassword,
  },
  NEW_PASSWORD_REQUIRED: { find: findBySession, answer: answerNewPassword, refuse: invalidSession },
};

/**
 * Takes the answer to a challenge. Throws InvalidParameterException (unknown challenge, parameter missing),
 * NotAuthorizedException (session unknown, expired, used, foreign; wrong proof) and what the challenge itself refuses.
 */
export function respondToChallenge(ctx: Ctx, request: RespondRequest): Promise<Outcome> {
  const challenge = Object.hasOwn(answers, request.challenge) ? request.challenge : undefined;
  return counted(ctx, challenge, () => respond(ctx, request));
}

async function respond(ctx: Ctx, request: RespondRequest): Promise<Outcome> {
  const { pool, client, responses, challenge } = request;
  const room = Object.hasOwn(answers, challenge) ? answers[challenge as Step] : undefined;
  if (room === undefined) {
    return refuse("InvalidParameterException", `${challenge} is not supported by this release of Poolhouse.`);
  }
  const username = required(responses, "USERNAME");
  checkSecretHash(client, username, responses["SECRET_HASH"], "auth");
  assertUsable(pool);
  refuseTriggers(pool, "PostAuthentication", "PreTokenGeneration");
  const row = await room.find(ctx, request);
  const { state } = row;
  const fits = row.poolId === pool.id && row.clientId === client.id && state.awaiting === challenge;
  if (!fits) return room.refuse();
  // A simulated sign-in reads as much as a real one.
  const user = await readUser(ctx.db, pool.id, row.userId ?? "nobody");
  if (user !== undefined && user.signOuts !== state.signOuts) return room.refuse();
  const names = [user?.username, user?.id, state.srp?.identity, state.submitted].filter(
    (name) => name !== undefined,
  );
  if (!names.some((name) => loginNameKey(pool, name) === loginNameKey(pool, username))) return room.refuse();
  const signIn: SignIn = { ...state, pool, client, user, row, remember: false };
  return proceed(ctx, await room.answer(ctx, signIn, responses));
}

async function findBySession(ctx: Ctx, request: RespondRequest): Promise<SignInRow<SignInState>> {
  if (request.session === undefined) {
    return refuse("InvalidParameterException", "Missing required parameter Session");
  }
  const session = readSession(ctx, request.session);
  if (session.poolId !== request.pool.id) return invalidSession();
  if (session.expiresAt <= ctx.now) return expiredSession();
  const row = await readSignIn<SignInState>(ctx.db, session.poolId, session.id);
  if (row === undefined || row.version !== session.version) return usedSession();
  if (row.clientId !== request.client.id) return invalidSession();
  return row;
}
