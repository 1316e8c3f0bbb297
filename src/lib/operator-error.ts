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
  return explain(error, new Set());
}

/** @param explained the errors that have been reported: causes may form a cycle */
function explain(error: unknown, explained: Set<Error>): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof OperatorError || "syscall" in error) return error.message;
  if (explained.has(error)) return `${error.name}: ${error.message} (see above)`;
  explained.add(error);
  const parts: readonly unknown[] = error instanceof AggregateError ? error.errors : [];
  return [
    error.stack ?? `${error.name}: ${error.message}`,
    ...parts.map((part, index) => `Error ${index + 1} of ${parts.length}: ${explain(part, explained)}`),
    ...(error.cause === undefined ? [] : [`Caused by: ${explain(error.cause, explained)}`]),
  ].join("\n");
}
