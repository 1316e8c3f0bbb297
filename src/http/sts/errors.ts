/**
 * THE table of the errors of STS: the code and the status on the wire ("Common Errors", AWS Security Token Service API
 * Reference). Those that the operations declare are generated from the model.
 */
import type { Ctx } from "../../app.ts";
import { Refusal } from "../../lib/refusal.ts";
import type { ErrorCode } from "../../wire/generated/error-codes.ts";
import { stsErrors } from "../../wire/generated/sts.ts";

/** Errors of every operation. */
const common = {
  AccessDeniedException: ["AccessDenied", 403],
  IncompleteSignatureException: ["IncompleteSignature", 403],
  InvalidAction: ["InvalidAction", 400],
  InvalidParameterValue: ["InvalidParameterValue", 400],
  InvalidQueryParameter: ["InvalidQueryParameter", 400],
  InvalidSignatureException: ["SignatureDoesNotMatch", 403],
  MalformedQueryString: ["MalformedQueryString", 404],
  MissingAction: ["MissingAction", 400],
  MissingAuthenticationTokenException: ["MissingAuthenticationToken", 403],
  SerializationException: ["MalformedInput", 400],
  TooManyRequestsException: ["Throttling", 400],
  UnrecognizedClientException: ["InvalidClientTokenId", 403],
  ValidationException: ["ValidationError", 400],
} as const satisfies Partial<Record<ErrorCode, readonly [code: string, status: number]>>;

/** The error of expired credentials that a call is signed with, as opposed to a token that it contains. */
const expiredCredentials = ["ExpiredToken", 403] as const;

const table: Readonly<Record<string, readonly [code: string, status: number]>> = { ...common, ...stsErrors };

/** Every code on the wire. */
export const wireCodes: readonly string[] = [
  ...Object.values(table).map(([code]) => code),
  expiredCredentials[0],
  "InternalFailure",
];

export interface WireError {
  readonly code: string;
  readonly status: number;
  readonly message: string;
  /** What was refused, for the log. */
  readonly refusal?: Refusal;
}

/** What is answered for an error; `isSigned` if the operation is one for signed calls. */
export function wireError(ctx: Ctx, error: unknown, isSigned: boolean): WireError {
  const isKnown = error instanceof Refusal && Object.hasOwn(table, error.code);
  if (!isKnown) {
    ctx.log.error({ err: error }, "internal error");
    return {
      code: "InternalFailure",
      status: 500,
      message: `Internal error. Request id: ${ctx.requestId}`,
    };
  }
  const isExpired = isSigned && error.code === "ExpiredTokenException";
  const [code, status] = isExpired ? expiredCredentials : table[error.code]!;
  return { code, status, message: error.message, refusal: error };
}
