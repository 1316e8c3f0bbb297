/**
 * What a log may say of an error: its class, its code, where it was thrown, and its text, unless it comes from a
 * database, whose texts and details quote the values of a statement.
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

/** For pino's `err` serializer. Anything may be thrown, so anything is taken. */
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

/** pg's errors have a severity, node:sqlite's an errcode. */
function isDatabaseError(error: Error): boolean {
  return "severity" in error || "errcode" in error;
}
