/** What the ways to run a function have in common. */
import type { SystemUser } from "../../lib/system-user.ts";
import { FunctionError } from "./functions.ts";

/** One call of a function. Attempts to run it again are the same call. */
export interface Invocation {
  readonly id: string;
  /** The function as the pool names it. */
  readonly arn: string;
  /** The event as JSON. */
  readonly event: string;
  /** When the attempt's time is up, in epoch milliseconds. */
  readonly deadline: number;
}

/** One way to run one function. */
export interface Driver {
  /**
   * Runs the function once and resolves with its answer, a text that should be JSON. Throws a FunctionError if there is
   * none by the deadline.
   */
  run(invocation: Invocation): Promise<string>;
  /** Makes sure that the handler can be loaded, or its URL reached. Throws a FunctionError if it cannot be. */
  check(): Promise<void>;
  /** Ends what runs. */
  close(): Promise<void>;
}

/** A function that could not be run for a reason that may be gone in a moment: another attempt is worthwhile. */
export class TemporaryError extends FunctionError {
  override name = "TemporaryError";
  /** @param message AWS's name of the reason */
  constructor(message: string, cause?: unknown) {
    super("unreachable", message);
    this.cause = cause;
  }
}

/** A call that its runner never saw, because it ended first: another one can run it. */
export class NotBegun extends TemporaryError {
  override name = "NotBegun";
}

/** What the functions write their output to. */
export interface FunctionLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** What a function can know of the server that calls it. */
export interface FunctionHost {
  readonly log: FunctionLog;
  readonly region: string;
  /** The URL of this server's API, for the handlers' own calls. */
  readonly endpoint: string;
  /** Where programs are looked for, as in PATH. */
  readonly path: string;
  /** Whom processes run as that have no user of their own; undefined: the user of this process. */
  readonly childUser: SystemUser | undefined;
  /** `poolhouse/<version>`, for functions that are called by HTTP. */
  readonly userAgent: string;
  /** What this process has of a number that all workers of the server have together; by default all of it. */
  readonly part?: (whole: number) => number;
  /** Whether a changed handler is loaded again: for development. */
  readonly reload: boolean;
  /** Epoch milliseconds. */
  readonly clock: () => number;
}

/** The largest event and the largest answer, in bytes, as with Lambda. */
export const largestPayload = 6 * 1024 * 1024;

/** The message about an answer that is larger, as Lambda words it. */
export const tooLarge = `Response payload size exceeded maximum allowed payload size (${largestPayload} bytes).`;

/** @param type of what was thrown */
export const failed = (message: string, type?: string) => new FunctionError("failed", message, type);

/** A process or thread ended instead of answering. */
export const exited = (message: string) => failed(message, "Runtime.ExitError");

/** The file of a function does not export its handler. */
export class HandlerNotFound extends FunctionError {
  override name = "HandlerNotFound";
  constructor(message: string) {
    super("failed", message);
  }
}

/** The user that a function runs as may not read what it needs. */
export class NotReadable extends FunctionError {
  override name = "NotReadable";
  constructor(path: string, { uid, gid }: SystemUser) {
    const whose = `the user ${uid} (group ${gid}), whom it runs as, may not read ${path}`;
    super("failed", `${whose}: let others read it and enter its folders, or set user or functions-user.`);
  }
}

/** The message about a process that ended instead of answering, as Lambda words it. */
export function exitMessage(id: string, code: number | null, signal?: string | null): string {
  const how =
    code === 0
      ? "without providing a reason"
      : `with error: ${signal ? `signal: ${signal}` : `exit status ${code}`}`;
  return `RequestId: ${id} Error: Runtime exited ${how}`;
}
