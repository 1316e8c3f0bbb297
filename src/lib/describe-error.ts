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
}

/** Describes anything that was thrown; used as pino's `err` serializer. */
export function describeError(error: unknown): ErrorDescription {
  if (!(error instanceof Error)) return { type: typeof error, at: [] };
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  const frames = (error.stack ?? "").split("\n").filter((line) => /^ +at /.test(line));
  return {
    type: error.name,
    ...(code !== undefined && { code }),
    ...("errcode" in error && typeof error.errcode === "number" && { errcode: error.errcode }),
    ...(!isDatabaseError(error) && { message: error.message }),
    at: frames.slice(0, 12).map((line) => line.trim()),
    ...(error.cause !== undefined && { cause: describeError(error.cause) }),
  };
}

/** Recognizes errors of pg by their severity, and those of node:sqlite by their errcode. */
function isDatabaseError(error: Error): boolean {
  return "severity" in error || "errcode" in error;
}
