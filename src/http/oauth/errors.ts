/**
 * The only writer of errors of the OAuth endpoints that answer in JSON (RFC 6749 section 5.2, RFC 6750 section 3.1).
 */
import type { Ctx } from "../../app.ts";
import { Refusal } from "../../lib/refusal.ts";
import type { ErrorCode } from "../../wire/generated/error-codes.ts";
import { logRefusal } from "../refused.ts";
import { type Answer, json } from "./call.ts";

export interface OAuthFailure {
  readonly status: 400 | 401 | 403 | 404 | 429 | 500;
  readonly error: string;
  readonly description: string;
}

/** OAuth errors by the code of the domain's refusal, since most refusals have no reason in the table. */
const byCode: Readonly<Partial<Record<ErrorCode, Omit<OAuthFailure, "description">>>> = {
  NotAuthorizedException: { status: 400, error: "invalid_grant" },
  RefreshTokenReuseException: { status: 400, error: "invalid_grant" },
  UserNotFoundException: { status: 400, error: "invalid_grant" },
  ResourceNotFoundException: { status: 404, error: "invalid_request" },
  TooManyRequestsException: { status: 429, error: "temporarily_unavailable" },
  LimitExceededException: { status: 429, error: "temporarily_unavailable" },
  UnexpectedLambdaException: { status: 400, error: "invalid_request" },
};

/**
 * The answer to an error.
 * @param logged logs a refusal; by default only the details that are not public
 */
export function failureOf(ctx: Ctx, error: unknown, logged = logRefusal): OAuthFailure {
  if (!(error instanceof Refusal)) {
    ctx.log.error({ err: error }, "internal error");
    const description = `Internal error. Request id: ${ctx.requestId}`;
    return { status: 500, error: "server_error", description };
  }
  logged(ctx, error);
  const known = Object.hasOwn(byCode, error.code) ? byCode[error.code as ErrorCode] : undefined;
  if (known !== undefined) return { ...known, description: error.message };
  // Other codes of AWS operations are not OAuth error codes.
  const code = /^[a-z_]+$/.test(error.code) ? error.code : "invalid_request";
  return { status: 400, error: code, description: error.message };
}

export function failureAnswer({ status, error, description }: OAuthFailure): Answer {
  return json(status, { error, error_description: description });
}
