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

/** What is known about an attempt so far. */
interface Known {
  /** Undefined if not yet known, or if nobody has the name. */
  readonly user?: Pick<User, "poolId" | "id"> | undefined;
  /** The id of the event that an earlier request of the same attempt began, and that this one continues. */
  readonly continues?: string | undefined;
  /** What has been proven, in order. */
  readonly passed?: readonly ChallengeName[];
  /** What is currently being proven. */
  readonly proving?: ChallengeName | undefined;
  /** Whether a refusal concludes the continued event; otherwise it is recorded as an event of its own. */
  readonly failsForGood?: boolean;
  /** Whether any refusal counts as the user's failure and is recorded, regardless of its code. */
  readonly isOfUser?: boolean;
}

/** An attempt in progress. */
export interface Attempt {
  readonly type: AuthEventType;
  /** The id of its event, a UUIDv7. */
  readonly eventId: string;
  /** The flow or challenge under which the metric of a sign-in is counted; undefined if the name is unknown. */
  readonly step: string | undefined;
  known: Known;
}

/**
 * What a refusal of each code is for the user's events: a failure of the user; a failure that costs nothing to bring about,
 * so that somebody who continues regardless leaves one event per minute. Others concern the form of a request and leave
 * no event. By the code, as a reason needs more only where one code has several meanings: `locked` costs nothing.
 */
const failures: Partial<Readonly<Record<string, "failure" | "cheap failure">>> = {
  NotAuthorizedException: "failure",
  CodeMismatchException: "failure",
  ExpiredCodeException: "failure",
  UserNotConfirmedException: "failure",
  PasswordResetRequiredException: "failure",
  ResourceNotFoundException: "failure",
  EnableSoftwareTokenMFAException: "failure",
  TooManyRequestsException: "cheap failure",
  TooManyFailedAttemptsException: "cheap failure",
  LimitExceededException: "cheap failure",
} satisfies Partial<Record<ErrorCode, "failure" | "cheap failure">>;

/**
 * Begins an attempt; `concluded` must be called to end it.
 * @param step the flow or challenge, for sign-ins
 */
export function beginAttempt(ctx: Ctx, type: AuthEventType, known: Known = {}, step?: string): Attempt {
  return { type, eventId: uuid7(ctx.now, ctx.random), step, known };
}

/** Records what has been found out about an attempt; later values replace earlier ones. */
export function learn(attempt: Attempt, found: Known): void {
  attempt.known = { ...attempt.known, ...found };
}

/**
 * Awaits the work of an attempt and records its result: as an event if it concerns a known user, and in the metric of
 * sign-ins.
 * @param work already started
 * @param responseOf the event's response for a result: `Pass`, or `InProgress` if another challenge follows
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
      const failure = error instanceof Refusal ? failures[error.code] : undefined;
      if (error instanceof Refusal && (failure !== undefined || attempt.known.isOfUser === true)) {
        const isCheap = failure === "cheap failure" || isLocked(error);
        await leaveEvent(ctx, attempt, { response: "Fail", isCheap });
      }
      count(ctx, attempt, endOf(error));
      throw error;
    },
  );
}

/** Whether a refusal is due to a locked account, which has the same code as a wrong password in Cognito. */
function isLocked(refusal: Refusal): boolean {
  return isRefusedFor(refusal, "locked");
}

/** The result under which a failure is counted. Monitoring must tell a locked account from a wrong password. */
function endOf(error: unknown): string {
  if (!(error instanceof Refusal)) return "InternalErrorException";
  return isLocked(error) ? "locked" : error.code;
}

/** Counts a step of a sign-in by its result: `authenticated`, `challenge`, `locked`, or the error code. */
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
    // The final event sorts after every challenge that was issued with the same proofs.
    steps: 2 * passed.length + (response === "InProgress" ? 0 : 1),
    challenges,
    address: ctx.userAddress,
    deviceName: bounded(ctx.userAgent, 256),
    ...(isCheap && { times: 1 }),
  };
  // Checked only here, so that response times do not reveal who has events.
  if (user !== undefined) await ctx.app.authEvents.add({ poolId: user.poolId, userId: user.id, event });
}
