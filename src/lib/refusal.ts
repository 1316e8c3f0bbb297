/**
 * The error thrown to refuse a request on purpose. Any other error is a defect and is answered as
 * InternalErrorException, so that a caller never sees the text of an unexpected error.
 *
 * `message` is public: it goes to the caller verbatim. `detail` and `cause` go to the log only, so they may say what
 * the caller must not know, but they hold no secrets either.
 */
export class Refusal extends Error {
  readonly code: string;
  readonly detail: string | undefined;
  /** A name in the table of reasons (wire/reasons.ts); undefined if only the answer depends on it. */
  readonly reason: string | undefined;
  /** Names of the offending parameters or attributes. */
  readonly names: readonly string[];

  constructor(
    code: string,
    message: string,
    options?: { detail?: string; cause?: unknown; reason?: string; names?: readonly string[] },
  ) {
    // No stack trace: a refusal is an answer, and under a flood of requests the trace would cost more than the rest.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    Error.stackTraceLimit = stackTraceLimit;
    this.name = "Refusal";
    this.code = code;
    this.detail = options?.detail;
    this.reason = options?.reason;
    this.names = options?.names ?? [];
  }
}
