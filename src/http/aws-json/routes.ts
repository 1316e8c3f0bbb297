/** The AWS JSON 1.1 endpoint over HTTP: reads the body, writes headers and CORS, logs one line per call. */
import type { IncomingMessage } from "node:http";
import type { HttpBindings } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { Hono } from "hono";
import type { Ctx } from "../../app.ts";
import { Refusal } from "../../lib/refusal.ts";
import { refusalFor } from "../../wire/refuse.ts";
import { refusalOf } from "../body.ts";
import type { Serving } from "../context.ts";
import { holdings } from "../holdings.ts";
import { hiddenFacts } from "../refused.ts";
import { largestSignedBody, wireRequest } from "../signed-request.ts";
import { answerCall, findTarget, type Target } from "./endpoint.ts";
import { errorAnswer, type JsonAnswer } from "./errors.ts";

/** Request headers that browsers may send; these families cover what the AWS SDKs send. */
const allowedHeader = /^(?:content-type|cache-control|authorization|x-amz-[a-z0-9-]+|amz-sdk-[a-z0-9-]+)$/;

const corsHeaders = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers": "x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,Date",
};

export function awsJsonRoutes(serving: Serving): Hono<{ Bindings: HttpBindings }> {
  const routes = new Hono<{ Bindings: HttpBindings }>();
  const { app } = serving;

  routes.options("/", (c) => {
    const requested = (c.req.header("access-control-request-headers") ?? "").toLowerCase().split(",");
    const allowed = requested.map((name) => name.trim()).filter((name) => allowedHeader.test(name));
    return c.body(null, 204, {
      "access-control-allow-origin": "*",
      "access-control-allow-methods": "POST, OPTIONS",
      "access-control-allow-headers": [...new Set(["x-amz-target", "content-type", ...allowed])].join(","),
      "access-control-max-age": "86400",
      vary: "access-control-request-headers",
    });
  });

  routes.post("/", async (c) => {
    const { incoming, outgoing } = c.env;
    const ctx = serving.context(incoming);
    app.metrics.callBegins();
    const target = findTarget(headerOf(incoming, "x-amz-target"));
    const admitted = serving.admission.admits(ctx.network ?? ctx.address);
    const body = admitted ? await readBody(serving, ctx, c.env, target) : tooBusy();
    const answer =
      body instanceof Refusal
        ? errorAnswer(ctx, body)
        : await answerCall(ctx, wireRequest(incoming, body), target);
    const error = answer.headers["x-amzn-errortype"]?.slice(0, -1);
    const ms = serving.elapsed(ctx);
    app.metrics.callEnds(target?.name, error, ms);
    if (isSingular(target, answer) || serving.lines.admits(ctx.network ?? ctx.address)) {
      const { requestId, address } = ctx;
      const { status, refusal } = answer;
      const facts = refusal && hiddenFacts(refusal);
      app.log.info({ requestId, operation: target?.name, status, error, ...facts, ms, address }, "call");
    }
    // Bypasses Hono's Response, which would cost more than the whole call.
    outgoing.writeHead(answer.status, {
      "content-type": "application/x-amz-json-1.1",
      "content-length": Buffer.byteLength(answer.body),
      "x-amzn-requestid": ctx.requestId,
      "cache-control": "no-store",
      // SDKs correct their clock by this header, so it must come from the clock that signatures are checked against.
      date: new Date(ctx.now).toUTCString(),
      ...corsHeaders,
      ...answer.headers,
    });
    outgoing.end(answer.body, admitted ? undefined : () => serving.admission.hold(incoming.socket));
    return RESPONSE_ALREADY_SENT;
  });

  return routes;
}

/** Whether a call is always logged: what authenticated callers have done. Anybody could repeat the rest at will. */
function isSingular(target: Target | undefined, { status, body }: JsonAnswer): boolean {
  if (status !== 200 || target === undefined) return false;
  return target.authorization !== "none" || issues.test(body);
}

/** Matches an answer that contains tokens or credentials. (No value can look like this: its quotes are escaped.) */
const issues = /"(?:AuthenticationResult|Credentials|Token)":/;

const tooBusy = () => refusalFor("tooMany", { detail: "more than the address's share" });

/** A header that may occur once; undefined if it is absent or repeated. */
function headerOf(incoming: IncomingMessage, name: string): string | undefined {
  const value = incoming.headers[name];
  return typeof value === "string" ? value : undefined;
}

async function readBody(
  serving: Serving,
  ctx: Ctx,
  exchange: HttpBindings,
  target: Target | undefined,
): Promise<Uint8Array | Refusal> {
  const limit = await largestBody(ctx, exchange.incoming, target);
  if (limit instanceof Refusal) return limit;
  const body = await serving.bodies.read(exchange, ctx.network ?? ctx.address, limit);
  return typeof body === "string" ? refusalOf(body, limit) : body;
}

/** The size limit of a call's body. Branding assets need megabytes, which only administrators may send. */
async function largestBody(
  ctx: Ctx,
  incoming: IncomingMessage,
  target: Target | undefined,
): Promise<number | Refusal> {
  if (target === undefined) return 0;
  if (target.authorization !== "iam") return holdings.publicBody.limit.bytes;
  return largestSignedBody(ctx, incoming, holdings.body.limit.bytes);
}
