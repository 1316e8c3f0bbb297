/** The AWS JSON 1.1 endpoint over HTTP: reads the body, writes headers and CORS, logs one line per call. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Ctx } from "../../app.ts";
import { Refusal } from "../../lib/refusal.ts";
import type { WireRequest } from "../../lib/sigv4.ts";
import { refusalFor } from "../../wire/refuse.ts";
import { type Exchange, refusalOf } from "../body.ts";
import type { Serving } from "../context.ts";
import { holdings } from "../holdings.ts";
import type { JsonDoor, JsonOperation } from "../json-door.ts";
import { errorAnswer, type JsonAnswer } from "../json-errors.ts";
import type { Listener } from "../listen.ts";
import { millisecondsSince } from "../monotonic.ts";
import { hiddenFacts } from "../refused.ts";
import { largestSignedBody, wireRequest } from "../signed-request.ts";
import { discardRest } from "../unread.ts";
import { answerCall, findTarget, type Target } from "./endpoint.ts";
import { writeAnswer } from "./write-answer.ts";

/** Request headers that browsers may send; these families cover what the AWS SDKs send. */
const allowedHeader = /^(?:content-type|cache-control|authorization|x-amz-[a-z0-9-]+|amz-sdk-[a-z0-9-]+)$/;

/** Answers the question of browsers whether they may call. */
export function answerPreflight({ headers }: IncomingMessage, outgoing: ServerResponse): void {
  const requested = (headers["access-control-request-headers"] ?? "").toLowerCase().split(",");
  const allowed = requested.map((name) => name.trim()).filter((name) => allowedHeader.test(name));
  outgoing.writeHead(204, {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "POST, OPTIONS",
    "access-control-allow-headers": [...new Set(["x-amz-target", "content-type", ...allowed])].join(","),
    "access-control-max-age": "86400",
    vary: "access-control-request-headers",
  });
  outgoing.end();
}

/**
 * Answers calls, on Node's own objects.
 * @param others APIs besides those of this room, which are asked for targets that are unknown here
 */
export function awsJsonListener(serving: Serving, others: readonly JsonDoor[]): Listener {
  return (incoming, outgoing) => {
    const named = headerOf(incoming, "x-amz-target");
    const target = findTarget(named) ?? findOperation(others, named);
    answerPost(serving, { incoming, outgoing }, target).catch((error: unknown) => {
      serving.app.log.error({ err: error }, "internal error");
      outgoing.destroy();
    });
  };
}

/** A call that is being answered. */
interface Call {
  readonly ctx: Ctx;
  readonly exchange: Exchange;
  readonly target: Called;
  /** Whether its body was read to the end. */
  isRead: boolean;
}

async function answerPost(serving: Serving, exchange: Exchange, target: Called): Promise<void> {
  const { incoming, outgoing } = exchange;
  const { app } = serving;
  const began = performance.now();
  const ctx = serving.context(incoming);
  app.metrics.callBegins();
  const admitted = serving.admission.admits(ctx.network ?? ctx.address);
  const call: Call = { ctx, exchange, target, isRead: false };
  const answer = admitted
    ? await answerAdmitted(serving, call)
    : errorAnswer(ctx, refusalFor("tooMany", { detail: "more than the address's share" }));
  const error = answer.headers["x-amzn-errortype"]?.slice(0, -1);
  const ms = millisecondsSince(began);
  app.metrics.callEnds(target?.name, error, ms);
  if (isSingular(target, answer) || serving.lines.admits(ctx.network ?? ctx.address)) {
    const { requestId, address } = ctx;
    const { status, refusal } = answer;
    const facts = refusal && hiddenFacts(refusal);
    app.log.info({ requestId, operation: target?.name, status, error, ...facts, ms, address }, "call");
  }
  if (!call.isRead && !incoming.complete) discardRest(incoming, outgoing);
  const { requestId, now } = ctx;
  const facts = { requestId, date: serving.httpDate(now) };
  writeAnswer(outgoing, facts, answer, admitted ? undefined : () => serving.admission.hold(incoming.socket));
}

/** Reads a call's body and answers it; never throws. */
async function answerAdmitted(serving: Serving, call: Call): Promise<JsonAnswer> {
  const { ctx, target, exchange } = call;
  try {
    const body = await readBody(serving, call);
    if (body instanceof Refusal) return errorAnswer(ctx, body);
    return await answered(ctx, wireRequest(exchange.incoming, body), target);
  } catch (error) {
    // The database failed as the key was looked up.
    return errorAnswer(ctx, error);
  }
}

/** What a call may be for: an operation of this room, or of another API. */
type Called = Target | JsonOperation | undefined;

function findOperation(others: readonly JsonDoor[], target: string | undefined): JsonOperation | undefined {
  if (target === undefined) return undefined;
  return others.map((door) => door(target)).find((operation) => operation !== undefined);
}

function answered(ctx: Ctx, request: WireRequest, target: Called): Promise<JsonAnswer> {
  return target !== undefined && "answer" in target
    ? target.answer(ctx, request)
    : answerCall(ctx, request, target);
}

/** Whether a call is always logged: what authenticated callers have done. Anybody could repeat the rest at will. */
function isSingular(target: Called, { status, body }: JsonAnswer): boolean {
  if (status !== 200 || target === undefined) return false;
  return "answer" in target || target.authorization !== "none" || issues.test(body);
}

/** Matches an answer that contains tokens or credentials. (No value can look like this: its quotes are escaped.) */
const issues = /"(?:AuthenticationResult|Credentials|Token)":/;

/** A header that may occur once; undefined if it is absent or repeated. */
function headerOf(incoming: IncomingMessage, name: string): string | undefined {
  const value = incoming.headers[name];
  return typeof value === "string" ? value : undefined;
}

async function readBody(serving: Serving, call: Call): Promise<Uint8Array | Refusal> {
  const { ctx, exchange, target } = call;
  const { incoming } = exchange;
  const limit = await largestBody(ctx, incoming, target);
  if (limit instanceof Refusal) return limit;
  // A body that came along with the headers is here by now, since something was awaited.
  const body =
    serving.bodies.readAtOnce(incoming, limit) ??
    (await serving.bodies.read(exchange, ctx.network ?? ctx.address, limit));
  if (typeof body === "string") return refusalOf(body, limit);
  call.isRead = body.length > 0;
  return body;
}

/** The size limit of a call's body. Branding assets need megabytes, which only administrators may send. */
async function largestBody(ctx: Ctx, incoming: IncomingMessage, target: Called): Promise<number | Refusal> {
  if (target === undefined) return 0;
  if ("answer" in target || target.authorization !== "iam") return holdings.publicBody.limit.bytes;
  return largestSignedBody(ctx, incoming, holdings.body.limit.bytes);
}
