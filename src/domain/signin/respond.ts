/** Answers to challenges: RespondToAuthChallenge and AdminRespondToAuthChallenge. */
import type { Ctx } from "../../app.ts";
import { readSignInUser } from "../../store/users.ts";
import { refuse } from "../../wire/refuse.ts";
import { type Attempt, beginAttempt, concluded, learn } from "../audit/attempt.ts";
import { checkSecretHash } from "../credentials/check-secret-hash.ts";
import { refuseTriggers } from "../triggers/unavailable.ts";
import { loginNameKey } from "../user-pools/login-names.ts";
import { challenges, isChallenge } from "./challenges.ts";
import { namedDevice } from "./named-device.ts";
import { proceed } from "./proceed.ts";
import { required } from "./refusals.ts";
import type { Answering } from "./session.ts";
import {
  eventResponse,
  type Outcome,
  type Page,
  provenInEvents,
  type SignIn,
  type SignInState,
} from "./sign-in.ts";
import { assertStillValid } from "./still-valid.ts";

export interface RespondRequest extends Answering {
  readonly challenge: string;
  /** A sign-in at the hosted pages goes on there, and no other does. */
  readonly entry: "api" | "pages";
  /** Where it is answered at one of the pages. */
  readonly page?: Page;
}

/**
 * Takes the answer to a challenge. Throws InvalidParameterException (unknown challenge, parameter missing),
 * NotAuthorizedException (session unknown, expired, used, foreign; wrong proof) and what the challenge itself refuses.
 */
export function respondToChallenge(ctx: Ctx, request: RespondRequest): Promise<Outcome> {
  const step = isChallenge(request.challenge) ? request.challenge : undefined;
  const attempt = beginAttempt(ctx, "SignIn", {}, step);
  return concluded(ctx, attempt, respond(ctx, request, attempt), eventResponse);
}

async function respond(ctx: Ctx, request: RespondRequest, attempt: Attempt): Promise<Outcome> {
  const { pool, client, responses, challenge: name } = request;
  if (!isChallenge(name))
    return refuse("InvalidParameterException", `${name} is not supported by this release of Poolhouse.`);
  const challenge = challenges[name];
  const username = required(responses, "USERNAME");
  if (request.entry === "api") checkSecretHash(client, username, responses["SECRET_HASH"], "auth");
  refuseTriggers(pool, "PostAuthentication", "PreTokenGeneration");
  const row = await challenge.find(ctx, request);
  const { state } = row;
  const fits = row.poolId === pool.id && row.clientId === client.id && isAwaited(name, state.awaiting);
  const isThere = (state.flow === "HOSTED_AUTH") === (request.entry === "pages");
  if (!fits || !isThere) return challenge.refuse();
  // A simulated sign-in reads as much as a real one.
  const user = await readSignInUser(ctx.db, pool.id, row.userId);
  const { proves: proving, once: failsForGood = false, kind } = challenge;
  learn(attempt, { user, continues: state.event, passed: provenInEvents(state.proven), failsForGood });
  if (user !== undefined && user.signOuts !== state.signOuts) return challenge.refuse();
  const names = [user?.username, user?.id, state.srp?.identity, state.submitted];
  const key = loginNameKey(pool, username);
  if (!names.some((one) => one !== undefined && loginNameKey(pool, one) === key)) return challenge.refuse();
  // Only from here on the answer is looked at: what is refused before is no failed proof.
  learn(attempt, { proving });
  const asked = kind === "device" ? state.deviceKey : undefined;
  const device = await namedDevice(ctx, pool, user?.id, responses["DEVICE_KEY"] || asked);
  const deviceKey = device?.key ?? state.deviceKey;
  // What one device has proven says nothing about another.
  const proven = state.proven.filter((proof) => proof !== "device" || deviceKey === state.deviceKey);
  const { chosen, enrolling } = state;
  const known = { chosen, enrolling, deviceKey, proven, pool, client, user, attempt, row };
  const signIn: SignIn = { ...state, ...known, page: request.page, remember: false };
  assertStillValid(signIn, name);
  const answered = await challenge.answer(ctx, signIn, responses);
  ctx.app.waitingSignIns.forget(row.id);
  return proceed(ctx, { ...answered, answered: { row, kind } }, responses);
}

/** Amplify, where the user has dismissed the browser's question for a passkey, chooses again under the same Session. */
function isAwaited(challenge: string, awaiting: SignInState["awaiting"]): boolean {
  return challenge === awaiting || (challenge === "SELECT_CHALLENGE" && awaiting === "WEB_AUTHN");
}
