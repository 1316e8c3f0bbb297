/**
 * Error answers of AWS JSON 1.1 APIs: `__type`, `message`, `x-amzn-errortype`, always HTTP 400 or 500
 * once a request has arrived. The only file that writes them.
 */
import type { Ctx } from "../app.ts";
import { Refusal } from "../lib/refusal.ts";

export interface JsonAnswer {
  readonly status: 200 | 400 | 500;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  /** What was refused, for the log. */
  readonly refusal?: Refusal;
}

/**
 * The body of the answer to a request that did not arrive in time, whatever it was to be. By this code AWS's SDKs repeat
 * the call, and amazon-cognito-identity-js, which fails with a TypeError where there is no code, passes it on.
 */
export const tooLateBody = JSON.stringify({
  __type: "RequestTimeout",
  message: "The request did not arrive in time.",
});

/** Errors raised before the operation is known, whose member is spelled `Message`. */
const frameworkErrors = new Set(["SerializationException"]);
const serverErrors = new Set(["InternalErrorException", "InternalServerException", "InternalFailure"]);

/**
 * The answer to an error: for a Refusal its public message, while its detail only goes to the line of the call in the
 * log; for anything else a request id to look up there.
 */
export function errorAnswer(ctx: Ctx, error: unknown): JsonAnswer {
  if (!(error instanceof Refusal)) {
    ctx.log.error({ err: error }, "internal error");
    return write(500, "InternalErrorException", `Internal error. Request id: ${ctx.requestId}`);
  }
  const status = serverErrors.has(error.code) ? 500 : 400;
  return { ...write(status, error.code, error.message), refusal: error };
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
