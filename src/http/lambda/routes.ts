/** Lambda's Invoke API for administrators: the functions of this server's configuration. */
import type { HttpBindings } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { Hono } from "hono";
import type { Ctx } from "../../app.ts";
import { beginCall, type RunningCall, recordedCall } from "../../domain/audit/call.ts";
import type { Principal } from "../../domain/iam/principal.ts";
import { Refusal } from "../../lib/refusal.ts";
import type { WireRequest } from "../../lib/sigv4.ts";
import { undecidable } from "../../policy/policy.ts";
import { authenticate, authorize } from "../authenticate.ts";
import { refusalOf } from "../body.ts";
import type { Serving } from "../context.ts";
import { holdings } from "../holdings.ts";
import { millisecondsSince } from "../monotonic.ts";
import { hiddenFacts } from "../refused.ts";
import { largestSignedBody, soleHeader, wireRequest } from "../signed-request.ts";
import { errorAnswer, eventOf, type InvokeAnswer, noSuchFunction, runFunction, tooLarge } from "./answer.ts";
import { arnPrefix, type Invocation, isInvocation, readInvocation } from "./invocation.ts";

/** The operation, for the log, the metrics and the audit log. */
const operation = "Invoke";

export function lambdaRoutes(serving: Serving): Hono<{ Bindings: HttpBindings }> {
  const routes = new Hono<{ Bindings: HttpBindings }>();
  const { app } = serving;
  routes.post("/2015-03-31/functions/:name/invocations", async (c, next) => {
    const { incoming, outgoing } = c.env;
    if (!isInvocation(incoming)) return next();
    const began = performance.now();
    const ctx = serving.context(incoming);
    app.metrics.callBegins();
    const { status, headers, body, refusal } = await answer(serving, ctx, c.env);
    const error = refusal?.code;
    const ms = millisecondsSince(began);
    app.metrics.callEnds(operation, error, ms);
    if (error === undefined || serving.lines.admits(ctx.network ?? ctx.address)) {
      const { requestId, address } = ctx;
      const facts = refusal && hiddenFacts(refusal);
      app.log.info({ requestId, operation, status, error, ...facts, ms, address }, "call");
    }
    outgoing.writeHead(status, {
      "content-length": Buffer.byteLength(body),
      "x-amzn-requestid": ctx.requestId,
      "cache-control": "no-store",
      date: serving.httpDate(ctx.now),
      ...headers,
    });
    outgoing.end(body);
    return RESPONSE_ALREADY_SENT;
  });
  return routes;
}

/** Answers one call; never throws. */
async function answer(serving: Serving, ctx: Ctx, exchange: HttpBindings): Promise<InvokeAnswer> {
  try {
    const invocation = readInvocation(exchange.incoming, ctx.config);
    const request = wireRequest(exchange.incoming, await readBody(serving, ctx, exchange));
    const principal = await authenticate(ctx, request, { service: "lambda", region: ctx.config.region });
    const running = beginCall(ctx, principal, operation);
    return await recordedCall(ctx, running, runAs(principal, running, { invocation, request }));
  } catch (error) {
    if (!(error instanceof Refusal)) ctx.log.error({ err: error }, "internal error");
    return errorAnswer(error, ctx.requestId);
  }
}

async function readBody(serving: Serving, ctx: Ctx, exchange: HttpBindings): Promise<Uint8Array> {
  const limit = await largestSignedBody(ctx, exchange.incoming, holdings.event.limit.bytes);
  if (limit instanceof Refusal) throw limit;
  const body = await serving.bodies.read(exchange, ctx.network ?? ctx.address, limit);
  if (typeof body !== "string") return body;
  throw body === "too long" && limit === holdings.event.limit.bytes
    ? new Refusal("RequestTooLargeException", tooLarge)
    : refusalOf(body, limit);
}

/** Runs a function on behalf of a principal, if policies allow it. */
async function runAs(
  principal: Principal,
  { ctx, call }: RunningCall,
  { invocation, request }: { readonly invocation: Invocation; readonly request: WireRequest },
): Promise<InvokeAnswer> {
  const { functions } = ctx.app;
  const { arn, type } = invocation;
  const configured = functions.find(arn)?.name;
  call.target = configured ?? invocation.name;
  await authorize(ctx, principal, {
    action: "lambda:InvokeFunction",
    resource: resourceOf(ctx, configured ?? invocation.name),
    input: {},
    header: (name) => soleHeader(request, name),
    // Functions have no tags here, and those that they have in AWS are not known.
    resourceTags: async () => undecidable,
  });
  if (configured === undefined) throw noSuchFunction(arn);
  const event = eventOf(request.body);
  if (type === "DryRun") return { status: 204, body: "", headers: {} };
  const answered = await runFunction(functions, arn, { id: ctx.requestId, event });
  const fault = answered.headers["x-amz-function-error"];
  if (fault !== undefined) call.details = { functionError: fault };
  return answered;
}

/**
 * What a policy's Resource is matched against: the ARN of the function that would run, whichever qualifier, region and
 * account the caller names, since these make no difference.
 */
function resourceOf({ config }: Ctx, name: string): string {
  return name.startsWith("arn:") ? name : `${arnPrefix(config)}${name}`;
}
