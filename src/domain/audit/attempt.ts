/**
 * Users' attempts to sign in, sign up, recover or change a password. Each leaves an event for AdminListUserAuthEvents
 * ("Viewing and exporting user event history",
 * https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pool-settings-adaptive-authentication.html).
 * Attempts under names that nobody has leave none. No answer waits for an event to be written.
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

type ChallengeName = AuthEvent["challenges"][number]["name"];

/** What an attempt has turned out to be so far. */
interface Known {
  /** Undefined: not known yet, or nobody. */
  readonly user?: Pick<User, "poolId" | "id"> | undefined;
  /** The event that an earlier request of the same attempt has begun, and which this one goes on with. */
  readonly continues?: string | undefined;
  /** What was proven, in the order of proving. */
  readonly passed?: readonly ChallengeName[];
  /** What is being proven. */
  readonly proving?: ChallengeName | undefined;
  /** A refusal ends what it continues; otherwise it is an event of its own. */
  readonly failsForGood?: boolean;
  /** Whatever it is refused with, it is the user's failure, and leaves an event. */
  readonly isOfUser?: boolean;
}

/** An attempt that runs. */
export interface Attempt {
  readonly type: AuthEventType;
  /** Its event. */
  readonly eventId: string;
  /** Of a sign-in: the flow or challenge that its metric is counted under; undefined: none that there is. */
  readonly step: string | undefined;
  known: Known;
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

/** Begins an attempt. `concluded` ends it. */
export function beginAttempt(ctx: Ctx, type: AuthEventType, known: Known = {}, step?: string): Attempt {
  return { type, eventId: uuid7(ctx.now, ctx.random), step, known };
}

/** Notes what the work of an attempt has found out. */
export function learn(attempt: Attempt, found: Known): void {
  attempt.known = { ...attempt.known, ...found };
}

/**
 * Waits for the work of an attempt, which has been begun, and records how it ended: by an event, if it was a user's, and
 * a sign-in by a metric.
 * @param responseOf of a result: `Pass`, or `InProgress` where more is asked for
 */
export function concluded<Result>(
  ctx: Ctx,
  attempt: Attempt,
  work: Promise<Result>,
  responseOf: (result: Result) => AuthEventResponse = () => "Pass",
): Promise<Result> {
  return work.then(
    async (result) => {
      const response = responseOf(result);
      await leaveEvent(ctx, attempt, { response });
      count(ctx, attempt, response === "Pass" ? "authenticated" : "challenge");
      return result;
    },
    async (error) => {
      if (error instanceof Refusal && (failures.has(error.code) || attempt.known.isOfUser === true)) {
        const isCheap = cheap.has(error.code) || isLocked(error);
        await leaveEvent(ctx, attempt, { response: "Fail", isCheap });
      }
      count(ctx, attempt, endOf(error));
      throw error;
    },
  );
}

/** Cognito gives a locked account and a wrong password the same code. */
function isLocked(refusal: Refusal): boolean {
  return isRefusedFor(refusal, "locked");
}

/** Who watches must tell a locked account from a wrong password. */
function endOf(error: unknown): string {
  if (!(error instanceof Refusal)) return "InternalErrorException";
  return isLocked(error) ? "locked" : error.code;
}

/** Counts the step of a sign-in by its end: `authenticated`, `challenge`, or the code it was refused with. */
function count({ app }: Ctx, { type, step = "unknown" }: Attempt, end: string): void {
  if (type === "SignIn") app.metrics.signIn(step, end);
}

interface End {
  readonly response: AuthEventResponse;
  readonly isCheap?: boolean;
}

async function leaveEvent(ctx: Ctx, attempt: Attempt, { response, isCheap = false }: End): Promise<void> {
  const { type, eventId, known } = attempt;
  const { user, passed = [], proving, continues, failsForGood = false } = known;
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
