/** The AWS JSON 1.1 endpoint as HTTP: body in, headers out, CORS, one log line a call. */
import type { HttpBindings } from "@hono/node-server";
import { Hono } from "hono";
import { headerPairs } from "../../lib/sigv4.ts";
import type { Serving } from "../context.ts";
import { answerCall, findTarget } from "./endpoint.ts";

/** Bytes. The largest documented request carries branding assets of 2 MB. */
const largestBody = 3 * 1024 * 1024;

/** Headers a browser may send; AWS allows its SDKs' own families. */
const allowedHeader = /^(?:content-type|cache-control|authorization|x-amz-[a-z0-9-]+|amz-sdk-[a-z0-9-]+)$/;

const corsHeaders = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers": "x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,Date",
};

export function awsJsonRoutes(serving: Serving): Hono<{ Bindings: HttpBindings }> {
  const routes = new Hono<{ Bindings: HttpBindings }>();

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
    const { incoming } = c.env;
    const ctx = serving.context(incoming);
    const target = findTarget(c.req.header("x-amz-target"));
    const body = await readBody(c.req.raw, largestBody);
    if (body === undefined) return c.json({ __type: "RequestEntityTooLargeException" }, 413, corsHeaders);
    const [path = "/", query = ""] = (incoming.url ?? "/").split(/\?(.*)/s);
    const request = { method: "POST", path, query, headers: headerPairs(incoming.rawHeaders), body };
    const answer = await answerCall(ctx, request, target);
    const error = answer.headers["x-amzn-errortype"]?.slice(0, -1);
    ctx.log.info(
      {
        operation: target?.name,
        status: answer.status,
        error,
        ms: serving.elapsed(ctx),
        address: ctx.address,
      },
      "call",
    );
    return c.body(answer.body, answer.status, {
      "content-type": "application/x-amz-json-1.1",
      "x-amzn-requestid": ctx.requestId,
      "cache-control": "no-store",
      // SDKs correct their own clock by it, so it must be the clock that signatures are checked by.
      date: new Date(ctx.now).toUTCString(),
      ...corsHeaders,
      ...answer.headers,
    });
  });

  return routes;
}

/** The raw bytes, which the signature covers; undefined when there are too many. */
async function readBody(request: Request, limit: number): Promise<Uint8Array | undefined> {
  if (Number(request.headers.get("content-length") ?? 0) > limit) return undefined;
  if (request.body === null) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.body as unknown as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > limit) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
