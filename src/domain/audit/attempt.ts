/**
 * Attempts of users: to sign in, to sign up, to recover or change a password. Each leaves an event that
 * AdminListUserAuthEvents tells (AWS: "Viewing and exporting user event history",
 * https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pool-settings-adaptive-authentication.html).
 * Of names that nobody has there are no events. No answer waits for an event to be written.
 */
import type { Ctx } from "../../app.ts";
import { Refusal } from "../../lib/refusal.ts";
import { uuid7 } from "../../lib/uuid.ts";
import type { AuthEvent, AuthEventResponse, AuthEventType } from "../../store/auth-events.ts";
import type { User } from "../../store/users.ts";
import type { ErrorCode } from "../../wire/generated/error-codes.ts";
import { isRefusedFor } from "../../wire/refuse.ts";
import { bounded, idOfSpan } from "./event.ts";

const minute = 60_000;

/** What is known of an attempt while it runs; filled in by whoever learns it. */
export interface Attempt {
  /** Undefined: not known yet, or nobody. */
  user?: Pick<User, "poolId" | "id"> | undefined;
  /** Its event. */
  readonly eventId: string;
  /** The event that an earlier request of the same attempt has begun, and which this one goes on with. */
  continues?: string | undefined;
  /** What was proven, in the order of proving. */
  passed: readonly AuthEvent["challenges"][number]["name"][];
  /** What is being proven. */
  proving?: AuthEvent["challenges"][number]["name"] | undefined;
  /** A refusal ends what it continues; otherwise it is an event of its own. */
  failsForGood?: boolean;
  /** Whatever it is refused with, it is the user's failure, and leaves an event. */
  isOfUser?: boolean;
}

/** Refusals of whoever attempts it. The others are about the form of a request, and leave no event. */
const failures: ReadonlySet<string> = new Set<ErrorCode>([
  "NotAuthorizedException",
  "CodeMismatchException",
  "ExpiredCodeException",
  "UserNotConfirmedException",
  "PasswordResetRequiredException",
  "ResourceNotFoundException",
  "EnableSoftwareTokenMFAException",
  "TooManyRequestsException",
  "TooManyFailedAttemptsException",
  "LimitExceededException",
]);
/** Refusals that cost nothing: somebody who goes on in spite of them leaves one event a minute. */
const cheap: ReadonlySet<string> = new Set<ErrorCode>([
  "TooManyRequestsException",
  "TooManyFailedAttemptsException",
  "LimitExceededException",
]);

/** Cognito gives a locked account and a wrong password the same code. */
export function isLocked(refusal: Refusal): boolean {
  return isRefusedFor(refusal, "locked");
}

/**
 * Does the work and leaves an event of how it ended, if it was a user's.
 * @param work is given what it is to fill in
 * @param responseOf of a result: `Pass`, or `InProgress` where more is asked for
 */
export async function attempted<Result>(
  ctx: Ctx,
  type: AuthEventType,
  work: (attempt: Attempt) => Promise<Result>,
  responseOf: (result: Result) => AuthEventResponse = () => "Pass",
): Promise<Result> {
  const attempt: Attempt = { eventId: uuid7(ctx.now, ctx.random), passed: [] };
  try {
    const result = await work(attempt);
    await leave(ctx, attempt, { type, response: responseOf(result) });
    return result;
  } catch (error) {
    if (error instanceof Refusal && (failures.has(error.code) || attempt.isOfUser === true)) {
      const isCheap = cheap.has(error.code) || isLocked(error);
      await leave(ctx, attempt, { type, response: "Fail", isCheap });
    }
    throw error;
  }
}

/** The same for a user who is known from the start. */
export function attemptedBy<Result>(
  ctx: Ctx,
  user: NonNullable<Attempt["user"]>,
  type: AuthEventType,
  work: () => Promise<Result>,
  response: AuthEventResponse = "Pass",
): Promise<Result> {
  const byUser = (attempt: Attempt) => {
    attempt.user = user;
    return work();
  };
  return attempted(ctx, type, byUser, () => response);
}

interface End {
  readonly type: AuthEventType;
  readonly response: AuthEventResponse;
  readonly isCheap?: boolean;
}

async function leave(ctx: Ctx, attempt: Attempt, { type, response, isCheap = false }: End): Promise<void> {
  const { user, passed, proving, eventId, continues, failsForGood = false } = attempt;
  if (ctx.config.authEventRetentionDays === 0) return;
  const challenges = passed.map((name) => ({ name, passed: true }));
  if (response === "Fail" && proving !== undefined) challenges.push({ name: proving, passed: false });
  const ends = response !== "Fail" || failsForGood;
  const id = isCheap
    ? idOfSpan(ctx.now, minute, [user?.poolId, user?.id, type])
    : ((ends ? continues : undefined) ?? eventId);
  const event = {
    id,
    at: ctx.now,
    type,
    response,
    // An end comes after every question that was asked with as much proven.
    steps: 2 * passed.length + (response === "InProgress" ? 0 : 1),
    challenges,
    address: ctx.userAddress,
    deviceName: bounded(ctx.userAgent, 256),
    ...(isCheap && { times: 1 }),
  };
  // Only here, so that the time of an answer does not tell who has events.
  if (user !== undefined) await ctx.app.authEvents.add({ poolId: user.poolId, userId: user.id, event });
}
