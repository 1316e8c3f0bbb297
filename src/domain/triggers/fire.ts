/**
 * Fires triggers ("Customizing user pool workflows with Lambda triggers", Amazon Cognito Developer Guide): makes the
 * event, runs the function and reads its answer. No transaction may be open meanwhile.
 */
import type { Ctx } from "../../app.ts";
import { FunctionError, type Functions } from "../../integrations/functions/functions.ts";
import type { Refusal } from "../../lib/refusal.ts";
import { isRefusedFor, refuseFor } from "../../wire/refuse.ts";
import type { Pool } from "../user-pools/load-pool.ts";
import { type Answered, answerOf, type Form, unrecognizable } from "./answer.ts";
import { functionOf, type Trigger, type TriggerSource } from "./trigger.ts";

/** What runs functions. */
interface Running {
  readonly functions: Pick<Functions, "invoke">;
}

/** What triggers need of a request. */
export type FiringCtx = Pick<Ctx, "userAgent"> & {
  readonly app: Running;
  readonly log: { info(fields: object, message: string): void };
};

export interface Firing<F extends Form> {
  readonly source: TriggerSource;
  readonly userName: string;
  /** Undefined if an administrator acts without a client. */
  readonly clientId: string | undefined;
  /** Makes the member `request`; called only if the pool has a function. */
  readonly request: () => Readonly<Record<string, unknown>>;
  /** What the function may answer. */
  readonly form: F;
  readonly version?: "1" | "2" | "3";
}

/**
 * Runs the pool's function for a trigger and returns the members of its answer that the form names; undefined if the
 * pool has none. Throws UserLambdaValidationException if the function throws, UnexpectedLambdaException if it cannot be
 * run and InvalidLambdaResponseException if its answer is not of the form.
 */
export async function fire<F extends Form>(
  ctx: Pick<FiringCtx, "userAgent" | "app">,
  pool: Pick<Pool, "id" | "document">,
  trigger: Trigger,
  firing: Firing<F>,
): Promise<Answered<F> | undefined> {
  const event = eventOf(pool, trigger, firing, ctx.userAgent);
  return event && fireEvent(ctx.app, event, firing.form);
}

/** An event that is ready to be sent, as plain data that can be kept. */
export interface TriggerEvent {
  readonly trigger: Trigger;
  readonly arn: string;
  readonly event: Readonly<Record<string, unknown>>;
}

/** The event for the pool's function for a trigger; undefined if it has none. */
export function eventOf<F extends Form>(
  pool: Pick<Pool, "id" | "document">,
  trigger: Trigger,
  { source, userName, clientId, request, form, version = "1" }: Firing<F>,
  userAgent?: string,
): TriggerEvent | undefined {
  const arn = functionOf(pool, trigger);
  if (arn === undefined) return undefined;
  return {
    trigger,
    arn,
    event: {
      version,
      triggerSource: source,
      region: regionOf(pool.id),
      userPoolId: pool.id,
      userName,
      callerContext: {
        awsSdkVersion: sdkOf(userAgent),
        clientId: clientId ?? "CLIENT_ID_NOT_APPLICABLE",
      },
      request: request(),
      response: emptyAnswer(form),
    },
  };
}

/** The region in a pool's id. */
const regionOf = (poolId: string) => poolId.slice(0, poolId.indexOf("_"));

/** Runs the function of an event and returns the members of its answer that the form names. Throws as `fire` does. */
export async function fireEvent<F extends Form>(
  app: Running,
  { trigger, arn, event }: TriggerEvent,
  form: F,
): Promise<Answered<F>> {
  const answer = await invoke(app, trigger, arn, event);
  return answerOf(form, answer, () => unrecognizable(`${trigger}: ${arn}`));
}

/** Runs the function of an event whose answer nobody reads. Throws as `fire` does, but not for any answer. */
export async function fireUnanswered(app: Running, { trigger, arn, event }: TriggerEvent): Promise<void> {
  try {
    await invoke(app, trigger, arn, event);
  } catch (error) {
    if (!isRefusedFor(error, "triggerUnreadable")) throw error;
  }
}

/** Whether something thrown says that a function has refused, cannot be run, or has answered nonsense. */
export function isOfTrigger(error: unknown): error is Refusal {
  return isRefusedFor(
    error,
    "triggerRefused",
    "triggerUnrecognizable",
    "triggerUnreadable",
    "triggerUnavailable",
  );
}

async function invoke(app: Running, trigger: Trigger, arn: string, event: object): Promise<unknown> {
  try {
    return await app.functions.invoke(arn, event);
  } catch (error) {
    if (!(error instanceof FunctionError)) throw error;
    const { fault, message } = error;
    // What a function threw is meant for the caller, and may be about a person: it is not logged here.
    const detail = `${trigger}, ${arn}: ${fault === "failed" ? "it threw" : message}`;
    if (fault === "failed") return refuseFor("triggerRefused", { trigger, cause: message, detail });
    if (fault === "unreadable") return refuseFor("triggerUnreadable", { detail });
    const cause = fault === "late" ? "Socket timeout while invoking Lambda function" : message;
    return refuseFor("triggerUnavailable", { trigger, cause, detail });
  }
}

/** The response of an event before the function fills it in. */
function emptyAnswer(form: Form): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(form).map(([name, kind]) => [name, kind === "flag" ? false : null]),
  );
}

/** `awsSdkVersion`: the SDK and its version, if the User-Agent header names one. */
function sdkOf(userAgent = ""): string {
  const [, name, version] = /\baws-sdk-([\w-]+)\/([\w.+-]+)/.exec(userAgent) ?? [];
  return `aws-sdk-${name ?? "unknown"}-${version ?? "unknown"}`;
}
