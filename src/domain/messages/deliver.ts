/**
 * Delivers the messages in the outbox: the request that queued them does so at once, and a worker (worker.ts) delivers what
 * is left after a failure, a crash or a busy moment. Each sender has a lane (lanes.ts), which bounds what it has at once. A
 * conditional update decides who has a message, so any number of servers may run the worker. Messages are delivered at
 * least once.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { App, Ctx } from "../../app.ts";
import { Throttled, Undeliverable } from "../../integrations/senders/sender.ts";
import { phoneFacts } from "../../lib/phone-number.ts";
import { Refusal } from "../../lib/refusal.ts";
import {
  type ClaimedMessage,
  claimMessage,
  type DueMessage,
  deleteMessage,
  type Message,
  type MessageQueue,
  type MessageRef,
  rewordMessage,
  settleMessage,
} from "../../store/outbox.ts";
import { isRefusedFor, refuseFor } from "../../wire/refuse.ts";
import { customWords, places } from "../triggers/custom-message.ts";
import { type Sending, sendByFunction, senderProblem } from "../triggers/custom-sender.ts";
import { composeCustom } from "./compose.ts";
import {
  backOffMs,
  laneOf,
  longestPauseMs,
  type Place,
  patienceMs,
  pause,
  placeOfRequest,
  resume,
  timed,
} from "./lanes.ts";
import { outgoing } from "./outgoing.ts";
import { firstAttemptAt, leaseMs, type QueuedMessage, type Wording } from "./queue.ts";
import { assertReachable } from "./reachable.ts";

/**
 * How long a request waits for a failure if a CustomMessage function is asked first, in its three attempts of five seconds.
 * Milliseconds.
 */
const functionPatienceMs = 20_000;
const maxAttempts = 8;

/**
 * Attempts to deliver a request's messages after its commit, and waits a moment for the outcome; what takes longer
 * continues in the background, and so does what a function sends (CustomEmailSender, CustomSMSSender). It does not wait if the
 * sender has enough to do or is known to hang. Throws CodeDeliveryFailureException, after which the messages remain stored
 * and the worker tries again, whatever a CustomMessage function refuses, and UnexpectedLambdaException if a function that
 * sends messages cannot.
 */
export async function deliverQueued(ctx: Ctx, queued: readonly QueuedMessage[]): Promise<void> {
  const attempts = queued
    .filter(({ by }) => by === "now")
    .map((one) => ({ message: one.message, made: attempt(ctx, one) }));
  for (const { message } of attempts) {
    const problem = message.sending && senderProblem(ctx.app, message.sending as Sending);
    if (problem) throw problem;
  }
  const awaited = attempts.filter(({ message }) => message.sending === undefined);
  if (awaited.length === 0) return;
  const asksFunction = awaited.some(({ message }) => message.wording !== undefined);
  const patience = new AbortController();
  const outcomes = await Promise.race([
    Promise.all(awaited.map(({ made }) => made)),
    delay(asksFunction ? functionPatienceMs : patienceMs, [] as const, {
      signal: patience.signal,
      ref: false,
    }).catch(() => [] as const),
  ]);
  patience.abort();
  const refused = outcomes.find((outcome) => outcome instanceof Refusal);
  if (refused !== undefined) throw refused;
  if (outcomes.some((outcome) => outcome === "failed")) {
    refuseFor("notDelivered");
  }
}

/** What came of an attempt; a Refusal if a CustomMessage function is why it failed, `left` if the worker does it later. */
type AttemptOutcome = "sent" | "failed" | "left" | "not ours" | Refusal;

/**
 * Begins the attempt of the request that queued the message, which the server waits for when it stops. Resolves when it has
 * been made, or when the sender turns out to hang: the attempt then goes on, and nobody waits.
 */
function attempt(ctx: Ctx, one: QueuedMessage): Promise<AttemptOutcome> {
  const place = placeOfRequest(laneOf(ctx.app, queueOf(one.message)));
  const made = tracked(ctx.app, atOnce(ctx, one, place).finally(place.leave));
  return Promise.race([made, place.hangs.then(() => "left" as const)]);
}

/** The queue that a message waits in, and the lane that it takes. */
const queueOf = ({ poolId, medium, sending }: Message): MessageQueue => ({
  poolId,
  medium,
  byFunction: sending !== undefined,
});

/** Has the server wait for something when it stops. */
export function tracked<Outcome>(app: App, made: Promise<Outcome>): Promise<Outcome> {
  const one = made.finally(() => app.deliveries.delete(one));
  app.deliveries.add(one);
  return one;
}

/** The attempt of the request that queued the message. If its sender has enough to do, the worker takes the message next. */
async function atOnce({ app }: Ctx, queued: QueuedMessage, place: Place): Promise<AttemptOutcome> {
  const { poolId, id, wording, sending } = queued.message;
  const byFunction = sending !== undefined;
  // The request may have begun long ago, and the lease must outlast the attempt.
  const now = app.clock();
  const asksFunction = wording !== undefined || byFunction;
  if (!asksFunction && !place.take(now))
    return leave(app, { poolId, id, attempts: 0 }).catch(logged(app, { poolId, id }));
  return tryOnce(app, { poolId, id, byFunction, nextAttemptAt: firstAttemptAt(queued) }, place, now);
}

/** Lets the worker have a message. */
async function leave(app: App, ref: MessageRef & { readonly attempts: number }): Promise<"left"> {
  await settleMessage(app.db, ref, { status: "waiting", nextAttemptAt: app.clock() });
  return "left";
}

const logged =
  (app: App, { poolId, id }: MessageRef) =>
  (error: unknown) => {
    app.log.error({ err: error, poolId, messageId: id }, "a message could not be handled");
    return "failed" as const;
  };

/**
 * Makes one attempt. Never throws: errors are logged and recorded.
 * @param now epoch milliseconds, from which the lease counts
 */
export async function tryOnce(
  app: App,
  due: MessageRef & Pick<DueMessage, "byFunction" | "nextAttemptAt">,
  place: Place,
  now: number,
): Promise<AttemptOutcome> {
  try {
    const { poolId, id, nextAttemptAt } = due;
    const message = await claimMessage(app.db, { poolId, id, nextAttemptAt }, { now, until: now + leaseMs });
    if (message === undefined) return "not ours";
    // A function has it first, or has it as a whole if a server of an earlier version queued it.
    const isFunctions = message.sending !== undefined || message.wording !== undefined;
    if (isFunctions && !due.byFunction) place.leave();
    return await send(app, message, place);
  } catch (error) {
    return logged(app, due)(error);
  }
}

async function send(app: App, queued: ClaimedMessage, place: Place): Promise<AttemptOutcome> {
  let message = queued;
  try {
    const by = queued.sending === undefined ? senderOf(app, queued).kind : undefined;
    if (queued.medium === "SMS") await assertReachable(queued.destination, by, app.config.smsCountries);
    if (queued.sending !== undefined)
      await held(app, queued, () => sendByFunction(app, queued, queued.sending as Sending));
    else {
      message = await worded(app, queued);
      if (!place.take(app.clock())) return await leave(app, message);
      const sender = senderOf(app, message);
      const lane = laneOf(app, queueOf(message));
      // The inbox renders what it shows when somebody looks.
      if (sender.kind !== "inbox") {
        const rendered = await outgoing({ app, db: app.db }, message);
        await timed(lane, () => sender.send(rendered));
      }
      resume(lane);
    }
  } catch (error) {
    await failed(app, message, error);
    return error instanceof Refusal ? error : "failed";
  }
  await countOutcome(app, message, "sent");
  // The development inbox shows sent messages; elsewhere a code is not kept once it was sent.
  if (message.sending === undefined && senderOf(app, message).kind === "inbox")
    await settleMessage(app.db, message, { status: "sent", nextAttemptAt: app.clock() });
  else await deleteMessage(app.db, message);
  return "sent";
}

/**
 * Renews the lease of a message while a function has it, which may take longer than any lease; a sender that gets the
 * message afterwards has enough of it left.
 */
async function held<T>(app: App, message: ClaimedMessage, work: () => Promise<T>): Promise<T> {
  let renewed: Promise<unknown> = Promise.resolve();
  const renew = () =>
    settleMessage(app.db, message, { status: "waiting", nextAttemptAt: app.clock() + leaseMs });
  const timer = setInterval(() => {
    renewed = renewed.then(renew).catch(logged(app, message));
  }, leaseMs / 3);
  try {
    return await work();
  } finally {
    clearInterval(timer);
    // What is recorded next must not be overtaken.
    await renewed;
  }
}

/** Records a failure, and when the message is tried again, if it is. */
async function failed(app: App, message: ClaimedMessage, error: unknown): Promise<void> {
  const isFinal = error instanceof Undeliverable || (message.sending === undefined && isWordersFault(error));
  const isThrottled = error instanceof Throttled;
  const givenUp = isFinal || (!isThrottled && message.attempts >= mostAttempts(error));
  // A refusal's message may be what a function threw, which is the caller's alone.
  const why = error instanceof Refusal ? { error: error.code, detail: error.detail } : { err: error };
  const fields = { ...why, poolId: message.poolId, messageId: message.id, attempt: message.attempts };
  await countOutcome(app, message, givenUp ? "failed" : "retried");
  app.log.warn(fields, givenUp ? "a message was given up" : "a message could not be delivered");
  const now = app.clock();
  const askedMs = isThrottled ? askedPause(error) : undefined;
  if (isThrottled) pause(laneOf(app, queueOf(message)), now, askedMs);
  const nextAttemptAt = now + (askedMs ?? backOffMs(message.attempts));
  await settleMessage(app.db, message, { status: givenUp ? "failed" : "waiting", nextAttemptAt });
}

/** How long a service asks to be left alone, within reason. Milliseconds. */
const askedPause = ({ retryAfterMs }: Throttled) =>
  retryAfterMs === undefined ? undefined : Math.min(longestPauseMs, Math.max(1_000, retryAfterMs));

async function countOutcome(
  app: App,
  { medium, destination }: Message,
  outcome: "sent" | "retried" | "failed",
): Promise<void> {
  app.metrics.message(medium, outcome);
  if (medium === "SMS") app.metrics.text((await phoneFacts(destination)).callingCode, outcome);
}

const senderOf = (app: App, { poolId, medium }: Message) => app.senders.of(poolId, medium);

/**
 * The message in the words of the pool's CustomMessage function, if it has one; stored, so that another attempt does not
 * ask again. Throws as `customWords` does.
 */
async function worded(app: App, message: ClaimedMessage): Promise<ClaimedMessage> {
  if (message.wording === undefined) return message;
  const { event, filling } = message.wording as Wording;
  const { body, subject } = await held(app, message, () => customWords(app, event, message.medium));
  const words = { body: body ?? places.code, subject: subject ?? "" };
  const custom = composeCustom(message.medium, words, filling);
  const { wording: _wording, ...rest } = message;
  const final = {
    ...rest,
    ...(body !== undefined && { body: custom.body, layout: undefined }),
    ...(subject !== undefined && { subject: custom.subject }),
  };
  await rewordMessage(app.db, final);
  return final;
}

/** Whether a CustomMessage function itself refused, or answered what cannot be a message: asking again would not help. */
const isWordersFault = (error: unknown) =>
  isRefusedFor(error, "triggerRefused", "triggerUnreadable", "triggerUnrecognizable");

/** How often a message is tried: as often as Lambda calls a function that nobody waits for, if the function throws. */
const mostAttempts = (error: unknown) => (isRefusedFor(error, "triggerRefused") ? 3 : maxAttempts);
