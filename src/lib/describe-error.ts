/**
 * What may be logged about an error: its class, its code, where it was thrown, and its message. Messages and details of
 * database errors are left out, since they quote the values of the statement.
 */
export interface ErrorDescription {
  readonly type: string;
  readonly code?: string;
  /** SQLite's result code. */
  readonly errcode?: number;
  readonly message?: string;
  readonly at: readonly string[];
  readonly cause?: ErrorDescription;
  /** The errors that an AggregateError combines. */
  readonly errors?: readonly ErrorDescription[];
}

/** Describes anything that was thrown; used as pino's `err` serializer. */
export function describeError(error: unknown): ErrorDescription {
  return describe(error, new Set());
}

/** @param described the errors that have been described: causes may form a cycle, which ends at the second time */
function describe(error: unknown, described: Set<Error>): ErrorDescription {
  if (!(error instanceof Error)) return { type: typeof error, at: [] };
  if (described.has(error)) return { type: error.name, at: [] };
  described.add(error);
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  const frames = (error.stack ?? "").split("\n").filter((line) => /^ +at /.test(line));
  return {
    type: error.name,
    ...(code !== undefined && { code }),
    ...("errcode" in error && typeof error.errcode === "number" && { errcode: error.errcode }),
    ...(!isDatabaseError(error) && { message: error.message }),
    at: frames.slice(0, 12).map((line) => line.trim()),
    ...(error.cause !== undefined && { cause: describe(error.cause, described) }),
    ...(error instanceof AggregateError && {
      errors: error.errors.map((part) => describe(part, described)),
    }),
  };
}

/** Recognizes errors of pg by their severity, and those of node:sqlite by their errcode. */
function isDatabaseError(error: Error): boolean {
  return "severity" in error || "errcode" in error;
}
