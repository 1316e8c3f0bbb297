/**
 * Delivers the messages in the outbox: the request that queued them does so at once, and a worker delivers what is left
 * after a failure, a crash or a busy moment. A conditional update decides who has a message, so any number of servers
 * may run the worker. Messages are delivered at least once.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { App, Ctx } from "../../app.ts";
import { Undeliverable } from "../../integrations/senders/sender.ts";
import { phoneFacts } from "../../lib/phone-number.ts";
import { Refusal } from "../../lib/refusal.ts";
import {
  type ClaimedMessage,
  claimMessage,
  deleteMessage,
  dueMessages,
  type Message,
  type MessageRef,
  rewordMessage,
  settleMessage,
} from "../../store/outbox.ts";
import { isRefusedFor, refuseFor } from "../../wire/refuse.ts";
import { customWords, places } from "../triggers/custom-message.ts";
import { type Sending, sendByFunction, senderProblem } from "../triggers/custom-sender.ts";
import { composeCustom } from "./compose.ts";
import { outgoing } from "./outgoing.ts";
import { firstAttemptAt, leaseMs, type QueuedMessage, type Wording } from "./queue.ts";
import { assertReachable } from "./reachable.ts";

/** How long a request waits for a failure. Milliseconds. */
const patienceMs = 2_000;
/** How long a request waits if a CustomMessage function is asked first, in its three attempts of five seconds. Milliseconds. */
const functionPatienceMs = 20_000;
const maxAttempts = 8;

/** The delay before the next attempt: 5 s, 20 s, 80 s … at most 15 minutes. */
function backOffMs(attempts: number): number {
  return Math.min(15 * 60_000, 5_000 * 4 ** (attempts - 1));
}

/**
 * Attempts to deliver a request's messages after its commit, and waits a moment for the outcome; what takes longer
 * continues in the background, and so does what a function sends (CustomEmailSender, CustomSMSSender). Throws
 * CodeDeliveryFailureException, after which the messages remain stored and the worker tries again, whatever a
 * CustomMessage function refuses, and UnexpectedLambdaException if a function that sends messages cannot.
 */
export async function deliverQueued(ctx: Ctx, queued: readonly QueuedMessage[]): Promise<void> {
  const attempts = queued
    .filter(({ by }) => by === "now")
    .map((one) => ({
      message: one.message,
      made: attempt(ctx.app, ctx.now, { ...refOf(one), nextAttemptAt: firstAttemptAt(one) }),
    }));
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

function refOf({ message }: QueuedMessage): MessageRef {
  return { poolId: message.poolId, id: message.id };
}

/** What came of an attempt; a Refusal if a CustomMessage function is why it failed. */
type AttemptOutcome = "sent" | "failed" | "not ours" | Refusal;

/** @param handed called if a function is asked, whose own queue limits how many messages wait for it */
function attempt(app: App, now: number, due: Due, handed?: () => void): Promise<AttemptOutcome> {
  const one = tryOnce(app, now, due, handed).finally(() => app.deliveries.delete(one));
  app.deliveries.add(one);
  return one;
}

type Due = MessageRef & { readonly nextAttemptAt: number };

/** Makes one attempt. Never throws: errors are logged and recorded. */
async function tryOnce(app: App, now: number, due: Due, handed?: () => void): Promise<AttemptOutcome> {
  try {
    const message = await claimMessage(app.db, due, { now, until: now + leaseMs });
    if (message === undefined) return "not ours";
    if (message.sending !== undefined || message.wording !== undefined) handed?.();
    return await send(app, now, message);
  } catch (error) {
    app.log.error({ err: error, poolId: due.poolId, messageId: due.id }, "a message could not be handled");
    return "failed";
  }
}

async function send(app: App, now: number, queued: ClaimedMessage): Promise<AttemptOutcome> {
  let message = queued;
  try {
    const by = queued.sending === undefined ? senderOf(app, queued).kind : undefined;
    if (queued.medium === "SMS") await assertReachable(queued.destination, by, app.config.smsCountries);
    if (queued.sending !== undefined) await sendByFunction(app, queued, queued.sending as Sending);
    else {
      message = await worded(app, queued);
      await senderOf(app, message).send(outgoing(message));
    }
  } catch (error) {
    const isFinal =
      error instanceof Undeliverable || (message.sending === undefined && isWordersFault(error));
    const givenUp = isFinal || message.attempts >= mostAttempts(error);
    // A refusal's message may be what a function threw, which is the caller's alone.
    const why = error instanceof Refusal ? { error: error.code, detail: error.detail } : { err: error };
    const fields = { ...why, poolId: message.poolId, messageId: message.id, attempt: message.attempts };
    await countOutcome(app, message, givenUp ? "failed" : "retried");
    app.log.warn(fields, givenUp ? "a message was given up" : "a message could not be delivered");
    await settleMessage(app.db, message, {
      status: givenUp ? "failed" : "waiting",
      nextAttemptAt: now + backOffMs(message.attempts),
    });
    return error instanceof Refusal ? error : "failed";
  }
  await countOutcome(app, message, "sent");
  // The development inbox shows sent messages; elsewhere a code is not kept once it was sent.
  if (message.sending === undefined && senderOf(app, message).kind === "inbox")
    await settleMessage(app.db, message, { status: "sent", nextAttemptAt: now });
  else await deleteMessage(app.db, message);
  return "sent";
}

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
  const { body, subject } = await customWords(app, event, message.medium);
  const words = { body: body ?? places.code, subject: subject ?? "" };
  const custom = composeCustom(message.medium, words, filling);
  const { wording: _wording, ...rest } = message;
  const final = {
    ...rest,
    ...(body !== undefined && { body: custom.body }),
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

export interface OutboxWorker {
  /** Waits for the messages being delivered. */
  stop(): Promise<void>;
}

const turnMs = 500;
const batch = 20;

/** Delivers due messages for as long as the server runs. */
export function startOutboxWorker(app: App): OutboxWorker {
  const stopping = new AbortController();
  const running = (async () => {
    while (!stopping.signal.aborted) {
      const busy = await deliverDue(app, app.clock());
      if (!busy) await delay(turnMs, undefined, { signal: stopping.signal, ref: false }).catch(() => {});
    }
  })();
  return {
    async stop() {
      stopping.abort();
      await running;
      await Promise.all(app.deliveries);
    },
  };
}

/**
 * One run of the worker: checks the outbox once. Returns true if there may be more to do at once. Does not wait for
 * functions: one that hangs would hold up the messages of all pools.
 */
export async function deliverDue(app: App, now: number): Promise<boolean> {
  try {
    const due = await dueMessages(app.db, now, batch);
    await Promise.all(
      due.map((one) => {
        const { promise, resolve } = Promise.withResolvers<void>();
        void attempt(app, now, one, resolve).then(() => resolve());
        return promise;
      }),
    );
    return due.length === batch;
  } catch (error) {
    app.log.error({ err: error }, "the outbox could not be read");
    return false;
  }
}
