/** The only ways to make a Refusal above `lib`: the reason, or at least the code, must stand in a closed list. */

import { Refusal } from "../lib/refusal.ts";
import type { ErrorCode } from "./generated/error-codes.ts";
import { type Blanks, type Reason, reasons, sentenceOf } from "./reasons.ts";

interface About {
  /** For the log alone. */
  readonly detail?: string | undefined;
  /** Names of the parameters or attributes that are at fault. */
  readonly names?: readonly string[] | undefined;
}

/** A refusal to be thrown later; `message` is public, `detail` is only logged. */
export function refusal(code: ErrorCode, message: string, detail?: string): Refusal {
  return new Refusal(code, message, detail === undefined ? undefined : { detail });
}

/** Refuses now. Returns `never`, so the compiler knows that nothing below runs. */
export function refuse(code: ErrorCode, message: string, detail?: string): never {
  throw refusal(code, message, detail);
}

type Arguments<R extends Reason> = keyof Blanks<R> extends never
  ? [about?: About]
  : [about: About & Blanks<R>];

/** Refuses for a reason of the table, whose sentence is filled in from what it is given. */
export function refuseFor<R extends Reason>(reason: R, ...about: Arguments<R>): never {
  throw refusalFor(reason, ...about);
}

/** The refusal for a reason of the table, to be thrown later. */
export function refusalFor<R extends Reason>(reason: R, ...[about]: Arguments<R>): Refusal {
  const { detail, names, ...blanks } = (about ?? {}) as About & Readonly<Record<string, string>>;
  return new Refusal(reasons[reason].code, sentenceOf(reason, blanks), {
    reason,
    ...(detail !== undefined && { detail }),
    ...(names !== undefined && { names }),
  });
}

/** Whether something was refused for a reason, or for one of several. */
export function isRefusedFor(error: unknown, ...given: readonly Reason[]): error is Refusal {
  return error instanceof Refusal && given.some((reason) => reason === error.reason);
}
