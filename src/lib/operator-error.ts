/** Errors whose message is written for the operator, who can act on it, and how a command reports all others. */

/** Something that the operator can put right: the message says what is wrong and what to do, and needs no stack. */
export class OperatorError extends Error {
  override name = "OperatorError";
}

/**
 * The text with which a command reports an error: the message of an OperatorError or of a failed system call (a missing
 * file, a port in use). Any other error is a defect, and is reported with its stack and those of its causes.
 */
export function explainError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof OperatorError || "syscall" in error) return error.message;
  const text = error.stack ?? `${error.name}: ${error.message}`;
  return error.cause === undefined ? text : `${text}\nCaused by: ${explainError(error.cause)}`;
}
