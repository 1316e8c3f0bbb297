/**
 * The one error that means "no" on purpose. Everything else that is thrown is a defect and is answered as
 * InternalErrorException, so a caller never sees the text of an unexpected error.
 *
 * `message` is public: it goes to the caller word for word. `detail` (and `cause`) go to the log only, so they
 * may say what the caller must not learn, but even they hold no secret.
 */
export class Refusal extends Error {
  readonly code: string;
  readonly detail: string | undefined;
  /** Why, by the name in the table of reasons; undefined where nothing but the answer depends on it. */
  readonly reason: string | undefined;
  /** Names of the parameters or attributes that are at fault. */
  readonly names: readonly string[];

  constructor(
    code: string,
    message: string,
    options?: { detail?: string; cause?: unknown; reason?: string; names?: readonly string[] },
  ) {
    // No stack: it is an answer, and under a flood the stack would cost more than the rest of it.
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
