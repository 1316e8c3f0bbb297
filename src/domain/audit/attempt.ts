/**
 * Users' attempts to sign in, sign up, recover or change a password. Each leaves an event for AdminListUserAuthEvents
 * ("Viewing and exporting user event history",
 * https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pool-settings-adaptive-authentication.html).
 * Attempts under names that nobody has leave none. No answer waits for an event to be written.
 */
import type { Ctx } from "../../app.ts";
import { Refusal } from "../../lib/refusal.ts";
import { uuid7 } from "../../lib/uuid7.ts";
import type { AuthEvent, AuthEventResponse, AuthEventType } from "../../store/auth-events.ts";
import type { User } from "../../store/users.ts";
import type { ErrorCode } from "../../wire/generated/error-codes.ts";
import { isRefusedFor } from "../../wire/refuse.ts";
import { bounded, idOfSpan } from "./event.ts";

const minute = 60_000;

/** The state of a running attempt, filled in step by step. */
export interface Attempt {
  /** Undefined if not known yet, or if there is no such user. */
  user?: Pick<User, "poolId" | "id"> | undefined;
  /** The id of its event. */
  readonly eventId: string;
  /** The event of an earlier request of the same attempt, which this one continues. */
  continues?: string | undefined;
  /** What was proven, in order. */
  passed: readonly AuthEvent["challenges"][number]["name"][];
  /** What is being proven. */
  proving?: AuthEvent["challenges"][number]["name"] | undefined;
  /** Whether a refusal ends the continued event; otherwise the refusal becomes a separate event. */
  failsForGood?: boolean;
  /** Whether every refusal counts as the user's failure and leaves an event. */
  isOfUser?: boolean;
}

/** Refusals that are failures of the user. Others concern the form of a request and leave no event. */
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
/** Refusals that cost nothing: somebody who continues regardless leaves one event per minute. */
const cheap: ReadonlySet<string> = new Set<ErrorCode>([
  "TooManyRequestsException",
  "TooManyFailedAttemptsException",
  "LimitExceededException",
]);

/** Whether a refusal means a locked account; Cognito gives it the same code as a wrong password. */
export function isLocked(refusal: Refusal): boolean {
  return isRefusedFor(refusal, "locked");
}

/**
 * Runs an attempt and leaves an event of its result, if it was a user's.
 * @param work gets the attempt to fill in
 * @param responseOf the response for a result: `Pass`, or `InProgress` if more is asked for
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

/** Runs an attempt of a user who is known from the start. */
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
    // An end sorts after every challenge that was issued with the same proofs.
    steps: 2 * passed.length + (response === "InProgress" ? 0 : 1),
    challenges,
    address: ctx.userAddress,
    deviceName: bounded(ctx.userAgent, 256),
    ...(isCheap && { times: 1 }),
  };
  // Only here, so that response times do not reveal who has events.
  if (user !== undefined) await ctx.app.authEvents.add({ poolId: user.poolId, userId: user.id, event });
}
