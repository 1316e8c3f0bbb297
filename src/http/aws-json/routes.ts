/** The AWS JSON 1.1 endpoint as HTTP: body in, headers out, CORS, one log line a call. */
import type { IncomingMessage } from "node:http";
import type { HttpBindings } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { Hono } from "hono";
import { Refusal } from "../../lib/refusal.ts";
import { headerPairs, type WireRequest } from "../../lib/sigv4.ts";
import { refusal } from "../../wire/refuse.ts";
import { createBodyReader } from "../body.ts";
import type { Serving } from "../context.ts";
import { answerCall, findTarget, type Target } from "./endpoint.ts";
import { errorAnswer } from "./errors.ts";

/** Bytes of bodies held at once by all calls together; beyond it callers are told to come again. */
const bytesInFlight = 64 * 1024 * 1024;

/** Headers a browser may send; AWS allows its SDKs' own families. */
const allowedHeader = /^(?:content-type|cache-control|authorization|x-amz-[a-z0-9-]+|amz-sdk-[a-z0-9-]+)$/;

const corsHeaders = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers": "x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,Date",
};

export function awsJsonRoutes(serving: Serving): Hono<{ Bindings: HttpBindings }> {
  const routes = new Hono<{ Bindings: HttpBindings }>();
  const { app } = serving;
  const bodies = createBodyReader(bytesInFlight);

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
    const admitted = serving.admission.admits(ctx.address);
    const signed = incoming.headers.authorization !== undefined;
    const body = admitted ? await bodies.read(incoming, largestBody(target, signed)) : tooBusy();
    const answer =
      body instanceof Refusal
        ? errorAnswer(ctx, body)
        : await answerCall(ctx, wireRequest(incoming, body), target);
    const error = answer.headers["x-amzn-errortype"]?.slice(0, -1);
    const ms = serving.elapsed(ctx);
    app.metrics.callEnds(target?.name, error, ms);
    app.log.info(
      {
        requestId: ctx.requestId,
        operation: target?.name,
        status: answer.status,
        error,
        ms,
        address: ctx.address,
      },
      "call",
    );
    // Past Hono's Response, which would cost more than the whole call.
    outgoing.writeHead(answer.status, {
      "content-type": "application/x-amz-json-1.1",
      "content-length": Buffer.byteLength(answer.body),
      "x-amzn-requestid": ctx.requestId,
      "cache-control": "no-store",
      // SDKs correct their own clock by it, so it must be the clock that signatures are checked by.
      date: new Date(ctx.now).toUTCString(),
      ...corsHeaders,
      ...answer.headers,
    });
    outgoing.end(answer.body, admitted ? undefined : () => serving.admission.hold(incoming.socket));
    return RESPONSE_ALREADY_SENT;
  });

  return routes;
}

const tooBusy = () => refusal("TooManyRequestsException", "Rate exceeded", "more than the address's share");

/** A header that may stand once; undefined when it is absent or repeated. */
function headerOf(incoming: IncomingMessage, name: string): string | undefined {
  const value = incoming.headers[name];
  return typeof value === "string" ? value : undefined;
}

/** What one call may send: branding assets need megabytes, which nobody but a signed administrator may send. */
function largestBody(target: Target | undefined, signed: boolean): number {
  if (target === undefined) return 0;
  return target.authorization === "iam" && signed ? 3 * 1024 * 1024 : 128 * 1024;
}

/** The request as its signature covers it: raw headers, raw target (RFC 9112 section 3.2 allows the absolute form). */
function wireRequest(incoming: IncomingMessage, body: Uint8Array): WireRequest {
  const target = (incoming.url ?? "/").replace(/^https?:\/\/[^/?]*/i, "");
  const [path, query = ""] = target.split(/\?(.*)/s);
  return { method: "POST", path: path || "/", query, headers: headerPairs(incoming.rawHeaders), body };
}
