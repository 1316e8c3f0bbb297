/** Answers to challenges: RespondToAuthChallenge and AdminRespondToAuthChallenge. */
import type { Ctx } from "../../app.ts";
import type { SignInRow } from "../../store/sign-ins.ts";
import { readSignInUser, type User } from "../../store/users.ts";
import { refuse } from "../../wire/refuse.ts";
import { type Attempt, beginAttempt, concluded, learn } from "../audit/attempt.ts";
import { checkSecretHash } from "../credentials/check-secret-hash.ts";
import { provenInEvents } from "../mfa/proofs.ts";
import type { Metadata } from "../triggers/trigger.ts";
import { flowAtPages } from "../user-pools/client-tags.ts";
import { loginNameKey } from "../user-pools/login-names.ts";
import type { Challenge } from "./challenge.ts";
import { challenges, isChallenge } from "./challenges.ts";
import { namedDevice } from "./named-device.ts";
import { proceed } from "./proceed.ts";
import { required } from "./refusals.ts";
import type { Answering } from "./session.ts";
import { eventResponse, type Outcome, type Page, type SignIn, type SignInState } from "./sign-in.ts";
import { simulatedUsername } from "./simulated-user.ts";
import { isAtPages, type Step } from "./steps.ts";
import { assertStillValid } from "./still-valid.ts";

export interface RespondRequest extends Answering {
  readonly challenge: string;
  /**
   * Where the answer comes from. Sign-ins at the hosted pages can only be answered there, and others only at the API.
   */
  readonly entry: "api" | "pages";
  /** The hosted page where it is answered, if any. */
  readonly page?: Page;
  readonly clientMetadata?: Metadata | undefined;
}

/**
 * Answers a challenge. Throws InvalidParameterException (unknown challenge, missing parameter), NotAuthorizedException
 * (Session unknown, expired, used or of another client; wrong proof) and whatever the challenge throws.
 */
export function respondToChallenge(ctx: Ctx, request: RespondRequest): Promise<Outcome> {
  const step = isChallenge(request.challenge) ? request.challenge : undefined;
  const attempt = beginAttempt(ctx, "SignIn", {}, step);
  return concluded(ctx, attempt, respond(ctx, request, attempt), eventResponse);
}

/**
 * Sends another code to a sign-in at the hosted pages that waits for one. It comes with a new Session; the former code
 * and Session are void. If the limits on messages silently let none be sent, the former code remains, with the new
 * Session. Throws what respondToChallenge and the challenge's offer throw.
 */
export function resendCode(ctx: Ctx, request: Omit<RespondRequest, "entry">): Promise<Outcome> {
  const step = isChallenge(request.challenge) ? request.challenge : undefined;
  const attempt = beginAttempt(ctx, "SignIn", {}, step);
  return concluded(ctx, attempt, resend(ctx, { ...request, entry: "pages" }, attempt), eventResponse);
}

async function resend(ctx: Ctx, request: RespondRequest, attempt: Attempt): Promise<Outcome> {
  const { pool, client, page } = request;
  const { name, challenge, row, user } = await awaited(ctx, request, attempt);
  if (challenge.sends !== true) return challenge.refuse();
  const known = { pool, client, user, attempt, row, page, remember: "no" as const };
  const { chosen, enrolling, deviceKey } = row.state;
  const signIn: SignIn = { ...row.state, chosen, enrolling, deviceKey, ...known };
  assertStillValid(signIn, name);
  const offered = await challenge.offer(ctx, { ...signIn, row: undefined, replaced: row }, {});
  if (offered.kind === "proven") return challenge.refuse();
  ctx.app.waitingSignIns.forget(row.id);
  return offered;
}

/** A sign-in that waits for the challenge of a request. */
interface Awaited {
  readonly name: Step;
  readonly challenge: Challenge;
  readonly row: SignInRow<SignInState>;
  readonly user: User | undefined;
}

/** The sign-in that a request continues. Throws what respondToChallenge throws before it checks the answer. */
async function awaited(ctx: Ctx, request: RespondRequest, attempt: Attempt): Promise<Awaited> {
  const { pool, client, responses, challenge: name } = request;
  if (!isChallenge(name))
    return refuse("InvalidParameterException", `${name} is not supported by this release of Poolhouse.`);
  const challenge = challenges[name];
  const username = required(responses, "USERNAME");
  if (request.entry === "api") checkSecretHash(client, username, responses["SECRET_HASH"], "auth");
  const row = await challenge.find(ctx, request);
  const { state } = row;
  const fits = row.poolId === pool.id && row.clientId === client.id && isAwaited(name, state.awaiting);
  // A sign-in that began before the client's setting was changed does not end by the former rules.
  const isThere =
    request.entry === "pages" ? state.flow === flowAtPages(pool, client) : !isAtPages(state.flow);
  if (!fits || !isThere) return challenge.refuse();
  // A simulated sign-in reads as much as a real one.
  const user = await readSignInUser(ctx.db, pool.id, row.userId);
  const { failsForGood } = challenge;
  learn(attempt, { user, continues: state.event, passed: provenInEvents(state.proven), failsForGood });
  if (user !== undefined && user.signOuts !== state.signOuts) return challenge.refuse();
  const shown = user?.username ?? simulatedUsername(pool, state.submitted);
  const names = [shown, user?.id, state.srp?.identity, state.submitted];
  const key = loginNameKey(pool, username);
  if (!names.some((one) => one !== undefined && loginNameKey(pool, one) === key)) return challenge.refuse();
  return { name, challenge, row, user };
}

async function respond(ctx: Ctx, request: RespondRequest, attempt: Attempt): Promise<Outcome> {
  const { pool, client, responses, clientMetadata } = request;
  const { name, challenge, row, user } = await awaited(ctx, request, attempt);
  const { state } = row;
  const { proves: proving, kind } = challenge;
  // The answer is checked only from here on: earlier refusals are not failed proofs.
  learn(attempt, { proving });
  const asked = kind === "device" ? state.deviceKey : undefined;
  const device = await namedDevice(ctx, pool, user?.id, responses["DEVICE_KEY"] || asked);
  const deviceKey = device?.key ?? state.deviceKey;
  // The proof of one device does not count for another.
  const proven = state.proven.filter((proof) => proof !== "device" || deviceKey === state.deviceKey);
  const { chosen, enrolling } = state;
  const known = { chosen, enrolling, deviceKey, proven, pool, client, user, attempt, row, clientMetadata };
  const signIn: SignIn = { ...state, ...known, page: request.page, remember: "no" };
  assertStillValid(signIn, name);
  const answered = await challenge.answer(ctx, signIn, responses);
  ctx.app.waitingSignIns.forget(row.id);
  return proceed(ctx, { ...answered, answered: { row, kind } }, challenge.leadsOn ? responses : {});
}

/**
 * Whether a challenge may be answered, given the awaited one. If the user dismisses the browser's passkey dialog,
 * Amplify chooses another factor with the Session of WEB_AUTHN.
 */
function isAwaited(challenge: string, awaiting: SignInState["awaiting"]): boolean {
  return challenge === awaiting || (challenge === "SELECT_CHALLENGE" && awaiting === "WEB_AUTHN");
}
