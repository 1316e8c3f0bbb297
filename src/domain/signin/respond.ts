/** Answers to challenges: RespondToAuthChallenge and AdminRespondToAuthChallenge. */
import type { Ctx } from "../../app.ts";
import { type SignInRow, takeSignIn } from "../../store/sign-ins.ts";
import { readSignInUser } from "../../store/users.ts";
import { refuse } from "../../wire/refuse.ts";
import type { Attempt } from "../audit/attempt.ts";
import { checkSecretHash } from "../credentials/check-secret-hash.ts";
import { refuseTriggers } from "../triggers/unavailable.ts";
import type { Client, Pool } from "../user-pools/load-pool.ts";
import { loginNameKey } from "../user-pools/login-names.ts";
import { answerCode } from "./challenges/code.ts";
import { answerCustomChallenge } from "./challenges/custom.ts";
import { answerDevice, namedDevice } from "./challenges/device.ts";
import { answerMfaSetup } from "./challenges/mfa-setup.ts";
import { answerNewPassword } from "./challenges/new-password.ts";
import { answerPasskey } from "./challenges/passkey.ts";
import { findByTheSecretBlock, provePasswordBySrp } from "./challenges/password-srp.ts";
import { answerChoice } from "./challenges/select-challenge.ts";
import { answerMfaType } from "./challenges/select-mfa.ts";
import { answerSoftwareToken } from "./challenges/software-token.ts";
import { counted, told } from "./count.ts";
import { findRow } from "./find.ts";
import { proceed } from "./proceed.ts";
import {
  invalidSession,
  noSession,
  type Outcome,
  type Page,
  required,
  type SignIn,
  type SignInState,
  usedSession,
  wrongPassword,
} from "./sign-in.ts";
import { assertStands } from "./standing.ts";
import type { Step } from "./steps.ts";

type Responses = Readonly<Record<string, string>>;

interface ChallengeAnswer {
  /** Finds the row that waits for this answer. */
  readonly find: (ctx: Ctx, request: RespondRequest) => Promise<SignInRow<SignInState>>;
  /** Proves the step; throws when it is not proven. */
  readonly answer: (ctx: Ctx, signIn: SignIn, responses: Responses) => Promise<SignIn>;
  /** What a client is told when the row is not theirs or not of this challenge. */
  readonly refuse: () => never;
  /** What it is called in the user's events. */
  readonly proves?: "Password" | "Mfa";
  /** A wrong answer ends the sign-in. */
  readonly once?: boolean;
}

export interface RespondRequest {
  readonly pool: Pool;
  readonly client: Client;
  readonly challenge: string;
  readonly session: string | undefined;
  readonly responses: Responses;
  /** A sign-in at the hosted pages goes on there, and no other does. */
  readonly door: "api" | "pages";
  /** Where the door is that of the pages. */
  readonly page?: Page;
}

const mfa = { proves: "Mfa" } as const;

/** Every challenge that can be answered; anything else is refused. */
const answers: Readonly<Record<Step, ChallengeAnswer>> = {
  PASSWORD_VERIFIER: {
    find: findByTheSecretBlock,
    answer: provePasswordBySrp,
    refuse: wrongPassword,
    proves: "Password",
    once: true,
  },
  CUSTOM_CHALLENGE: bySession(answerCustomChallenge, { ...mfa, once: true }),
  NEW_PASSWORD_REQUIRED: bySession(answerNewPassword),
  SELECT_CHALLENGE: bySession(answerChoice),
  PASSWORD: bySession(bringing("PASSWORD"), { proves: "Password", once: true }),
  PASSWORD_SRP: bySession(bringing("SRP_A")),
  EMAIL_OTP: bySession((ctx, signIn, responses) => answerCode(ctx, signIn, responses, "EMAIL_OTP"), mfa),
  SMS_OTP: bySession((ctx, signIn, responses) => answerCode(ctx, signIn, responses, "SMS_OTP"), mfa),
  WEB_AUTHN: bySession(answerPasskey, { ...mfa, once: true }),
  SMS_MFA: bySession((ctx, signIn, responses) => answerCode(ctx, signIn, responses, "SMS_MFA"), mfa),
  SOFTWARE_TOKEN_MFA: bySession(answerSoftwareToken, mfa),
  SELECT_MFA_TYPE: bySession(answerMfaType),
  MFA_SETUP: bySession(answerMfaSetup),
  DEVICE_SRP_AUTH: bySession(bringing("SRP_A")),
  DEVICE_PASSWORD_VERIFIER: bySession(answerDevice, { ...mfa, once: true }),
};

function bySession(
  answer: ChallengeAnswer["answer"],
  more: Pick<ChallengeAnswer, "proves" | "once"> = {},
): ChallengeAnswer {
  return { find: findBySession, answer, refuse: invalidSession, ...more };
}

/** The dispatcher looks at what was brought, as it does when the first request brings it. */
function bringing(member: "PASSWORD" | "SRP_A"): ChallengeAnswer["answer"] {
  return async (ctx, signIn, responses) => {
    required(responses, member);
    if (signIn.row === undefined || !(await takeSignIn(ctx.db, signIn.row))) return usedSession();
    return { ...signIn, row: undefined };
  };
}

/**
 * Takes the answer to a challenge. Throws InvalidParameterException (unknown challenge, parameter missing),
 * NotAuthorizedException (session unknown, expired, used, foreign; wrong proof) and what the challenge itself refuses.
 */
export function respondToChallenge(ctx: Ctx, request: RespondRequest): Promise<Outcome> {
  const challenge = Object.hasOwn(answers, request.challenge) ? request.challenge : undefined;
  return counted(ctx, challenge, (attempt) => respond(ctx, request, attempt));
}

async function respond(ctx: Ctx, request: RespondRequest, attempt: Attempt): Promise<Outcome> {
  const { pool, client, responses, challenge } = request;
  const room = Object.hasOwn(answers, challenge) ? answers[challenge as Step] : undefined;
  if (room === undefined) {
    return refuse("InvalidParameterException", `${challenge} is not supported by this release of Poolhouse.`);
  }
  const username = required(responses, "USERNAME");
  if (request.door === "api") checkSecretHash(client, username, responses["SECRET_HASH"], "auth");
  refuseTriggers(pool, "PostAuthentication", "PreTokenGeneration");
  const row = await room.find(ctx, request);
  const { state } = row;
  const fits = row.poolId === pool.id && row.clientId === client.id && isAwaited(challenge, state.awaiting);
  const isThere = (state.flow === "HOSTED_AUTH") === (request.door === "pages");
  if (!fits || !isThere) return room.refuse();
  // A simulated sign-in reads as much as a real one.
  const user = await readSignInUser(ctx.db, pool.id, row.userId);
  const { proves: proving, once: failsForGood = false } = room;
  Object.assign(attempt, { user, continues: state.event, passed: told(state.proven), failsForGood });
  if (user !== undefined && user.signOuts !== state.signOuts) return room.refuse();
  const names = [user?.username, user?.id, state.srp?.identity, state.submitted].filter(
    (name) => name !== undefined,
  );
  if (!names.some((name) => loginNameKey(pool, name) === loginNameKey(pool, username))) return room.refuse();
  // Only from here on the answer is looked at: what is refused before is no failed proof.
  attempt.proving = proving;
  const asked = challenge.startsWith("DEVICE_") ? state.deviceKey : undefined;
  const device = await namedDevice(ctx, pool, user?.id, responses["DEVICE_KEY"] || asked);
  const { chosen, enrolling } = state;
  const deviceKey = device?.key ?? state.deviceKey;
  // What one device has proven says nothing about another.
  const before = state.proven.filter((proof) => proof !== "device" || deviceKey === state.deviceKey);
  const now = { chosen, enrolling, deviceKey, proven: before, pool, client, user, attempt, row };
  const signIn: SignIn = { ...state, ...now, page: request.page, remember: false };
  assertStands(signIn, challenge as Step);
  const proven = await room.answer(ctx, signIn, responses);
  ctx.app.waitingSignIns.forget(row.id);
  return proceed(ctx, { ...proven, answered: row }, responses);
}

/** Amplify, where the user has dismissed the browser's question for a passkey, chooses again under the same Session. */
function isAwaited(challenge: string, awaiting: SignInState["awaiting"]): boolean {
  return challenge === awaiting || (challenge === "SELECT_CHALLENGE" && awaiting === "WEB_AUTHN");
}

async function findBySession(ctx: Ctx, request: RespondRequest): Promise<SignInRow<SignInState>> {
  const row = await findRow(ctx, request.session ?? noSession());
  return row.poolId === request.pool.id && row.clientId === request.client.id ? row : invalidSession();
}
