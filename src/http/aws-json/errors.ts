/**
 * Error answers of the AWS JSON 1.1 API: `__type`, `message`, `x-amzn-errortype`, always HTTP 400 or 500. The only file
 * of this folder that writes them.
 */
import type { Ctx } from "../../app.ts";
import { Refusal } from "../../lib/refusal.ts";
import { logRefusal } from "../refused.ts";

export interface JsonAnswer {
  readonly status: 200 | 400 | 500;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Errors raised before the operation is known, whose member is spelled `Message`. */
const frameworkErrors = new Set(["SerializationException"]);
const serverErrors = new Set(["InternalErrorException", "InternalServerException", "InternalFailure"]);

/**
 * The answer to an error: for a Refusal its public message, while its detail is only logged; for anything else a
 * request id to look up in the log.
 */
export function errorAnswer(ctx: Ctx, error: unknown): JsonAnswer {
  if (!(error instanceof Refusal)) {
    ctx.log.error({ err: error }, "internal error");
    return write(500, "InternalErrorException", `Internal error. Request id: ${ctx.requestId}`);
  }
  logRefusal(ctx, error);
  return write(serverErrors.has(error.code) ? 500 : 400, error.code, error.message);
}

function write(status: 400 | 500, code: string, message: string): JsonAnswer {
  const member = frameworkErrors.has(code) ? "Message" : "message";
  const body = code === "UnknownOperationException" ? { __type: code } : { __type: code, [member]: message };
  return {
    status,
    body: JSON.stringify(body),
    headers: { "x-amzn-errortype": `${code}:`, "x-amzn-errormessage": headerText(message) },
  };
}

/** A message as a header value, which must be visible ASCII. */
function headerText(message: string): string {
  return message.replace(/[^\x20-\x7e]/g, "?").slice(0, 1024);
}
