/**
 * CUSTOM_AUTH: the pool's triggers define the challenges, check the answers and decide when the sign-in is complete
 * ("Custom authentication challenge Lambda triggers",
 * https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-lambda-challenge.html). Wrong answers count
 * against the user as wrong codes do, however many the functions would allow.
 */

import type { Ctx } from "../../../app.ts";
import { readCredential } from "../../../store/credentials.ts";
import { refuse } from "../../../wire/refuse.ts";
import { admitGuess, settleGuess } from "../../credentials/guessing.ts";
import { remembering } from "../../credentials/request-limits.ts";
import { subjectOf } from "../../credentials/subjects.ts";
import type { Proof } from "../../mfa/proofs.ts";
import { unrecognizable } from "../../triggers/answer.ts";
import {
  type ChallengeResult,
  createAuthChallenge,
  defineAuthChallenge,
  verifyAuthChallengeResponse,
} from "../../triggers/custom-challenge.ts";
import { hasTrigger } from "../../triggers/trigger.ts";
import { customAtPages } from "../../user-pools/client-tags.ts";
import type { Pool } from "../../user-pools/load-pool.ts";
import type { Challenge, Given, Proven } from "../challenge.ts";
import { offerChallenge } from "../offer.ts";
import { invalidSession, required, usedSession, wrongPassword } from "../refusals.ts";
import { findBySession, useRow } from "../session.ts";
import type { Custom, Outcome, SignIn } from "../sign-in.ts";
import { simulatedUsername } from "../simulated-user.ts";
import { isAtPages } from "../steps.ts";

/**
 * Throws InvalidParameterException if the pool does not define challenges, or the request begins with another one than
 * SRP_A. The pages name none: they send the password itself.
 */
export function assertCustomAuth(pool: Pool, parameters: Given): void {
  const name = parameters["CHALLENGE_NAME"];
  if (name && name !== "SRP_A") refuse("InvalidParameterException", "Unknown CHALLENGE_NAME.");
  if (name) required(parameters, "SRP_A");
  if (!hasTrigger(pool, "DefineAuthChallenge"))
    refuse("InvalidParameterException", "Custom auth lambda trigger is not configured for the user pool.");
}

/**
 * Begins CUSTOM_AUTH: with CHALLENGE_NAME SRP_A, that challenge is answered already. For functions it is, too, where the
 * pages ask for the password first. A changed password ends the sign-in, whether or not it is asked for.
 */
export async function beginCustom(ctx: Ctx, signIn: SignIn, parameters: Given): Promise<SignIn> {
  const credential = await readCredential(ctx.db, signIn.pool.id, signIn.user?.id);
  const { pool, client, flow } = signIn;
  const isFirst = isAtPages(flow)
    ? customAtPages(pool, client) === "after-password"
    : Boolean(parameters["CHALLENGE_NAME"]);
  const session = isFirst ? [result("SRP_A", true)] : [];
  return { ...signIn, custom: { session, counted: 0 }, credentialVersion: credential?.version ?? 0 };
}

export const customChallenge: Challenge = {
  kind: "custom",
  find: findBySession,
  offer,
  answer,
  member: "ANSWER",
  page: "custom",
  refuse: invalidSession,
  proves: "Mfa",
  leadsOn: false,
  failsForGood: false,
};

const result = (
  challengeName: string,
  challengeResult: boolean,
  challengeMetadata: string | null = null,
): ChallengeResult => ({ challengeName, challengeResult, challengeMetadata });

/** The challenges that lead to proofs, by the names under which functions hear of them. */
const namesOfProofs: Readonly<Partial<Record<Proof, string>>> = {
  password: "PASSWORD_VERIFIER",
  sms: "SMS_MFA",
  email: "EMAIL_OTP",
  "software-token": "SOFTWARE_TOKEN_MFA",
  device: "DEVICE_PASSWORD_VERIFIER",
};

/** What is known of the challenges so far, with those that were proven without the functions. */
function withProofs({ custom = { session: [], counted: 0 }, proven }: SignIn): Custom {
  const names = proven.slice(custom.counted).flatMap((proof) => namesOfProofs[proof] ?? []);
  return { session: [...custom.session, ...names.map((name) => result(name, true))], counted: proven.length };
}

/** Asks the functions what comes next: tokens, the password by SRP, or a challenge of theirs. */
async function offer(ctx: Ctx, begun: SignIn, parameters: Given): Promise<Outcome | Proven> {
  const custom = withProofs(begun);
  const signIn = { ...begun, custom };
  const next = await defineAuthChallenge(ctx, signIn, custom.session);
  if (next === "failure") return wrongPassword("DefineAuthChallenge failed the sign-in");
  const isNext = custom.session.at(-1)?.challengeName === "SRP_A" && signIn.proven.length === 0;
  const isAtPage = isAtPages(signIn.flow);
  // There the client's setting has promised that nobody gets in without the password.
  if (isAtPage && isNext && next !== "PASSWORD_VERIFIER")
    return unrecognizable(
      "DefineAuthChallenge did not name PASSWORD_VERIFIER, although the password comes first",
    );
  if (next === "tokens")
    return { kind: "proven", signIn: { ...signIn, proven: [...signIn.proven, "custom"] } };
  if (next === "CUSTOM_CHALLENGE") return offerCustom(ctx, signIn, custom);
  if (!isNext) return unrecognizable("DefineAuthChallenge named PASSWORD_VERIFIER, but SRP_A was not given");
  const chosen = isAtPage ? "PASSWORD" : "PASSWORD_SRP";
  return { kind: "proven", signIn: { ...signIn, chosen }, parameters };
}

async function offerCustom(ctx: Ctx, signIn: SignIn, custom: Custom): Promise<Outcome> {
  const { pool, user, submitted } = signIn;
  const { shown, hidden, metadata } = await createAuthChallenge(ctx, signIn, custom.session);
  const USERNAME = user?.username ?? simulatedUsername(pool, submitted);
  return offerChallenge(
    ctx,
    { ...signIn, custom: { ...custom, hidden, metadata } },
    {
      name: "CUSTOM_CHALLENGE",
      parameters: { ...shown, USERNAME },
      state: { subject: subjectOf(ctx, pool, user, submitted) },
    },
  );
}

/** Has the answer checked. Throws NotAuthorizedException (locked, Session used). */
async function answer(ctx: Ctx, signIn: SignIn, responses: Given): Promise<SignIn> {
  const given = required(responses, "ANSWER");
  const { row, custom } = signIn;
  const { subject } = row?.state ?? {};
  if (subject === undefined || custom === undefined) return usedSession();
  const guess = await admitGuess(ctx, subject, "one-time-code");
  // Used up before the answer is checked, so that only one of several parallel answers is.
  const used = await useRow(ctx, signIn);
  const { session, counted, hidden = {}, metadata = null } = custom;
  const right = await verifyAuthChallengeResponse(ctx, signIn, { answer: given, hidden });
  await settleGuess(ctx, guess, right && signIn.user !== undefined);
  const answered = [...session, result("CUSTOM_CHALLENGE", right, metadata)];
  const remember = right ? remembering(guess.caller) : "no";
  return { ...used, custom: { session: answered, counted }, remember };
}
