/**
 * Makes refusals: by a reason of the table in reasons.ts, or at least by a code of the generated list. Above `lib`
 * nothing else makes them.
 */

import { Refusal } from "../lib/refusal.ts";
import type { ErrorCode } from "./generated/error-codes.ts";
import { type Blanks, type Reason, reasons, sentenceOf } from "./reasons.ts";

interface About {
  /** For the log alone. */
  readonly detail?: string | undefined;
  /** Names of the offending parameters or attributes. */
  readonly names?: readonly string[] | undefined;
}

/** A Refusal to throw later; `message` is public, `detail` is only logged. */
export function refusal(code: ErrorCode, message: string, detail?: string): Refusal {
  return new Refusal(code, message, detail === undefined ? undefined : { detail });
}

/** Throws a Refusal. `message` is public, `detail` is only logged. */
export function refuse(code: ErrorCode, message: string, detail?: string): never {
  throw refusal(code, message, detail);
}

type Arguments<R extends Reason> = keyof Blanks<R> extends never
  ? [about?: About]
  : [about: About & Blanks<R>];

/** Throws the Refusal for a reason, with the placeholders of its message filled in. */
export function refuseFor<R extends Reason>(reason: R, ...about: Arguments<R>): never {
  throw refusalFor(reason, ...about);
}

/** The Refusal for a reason, to throw later. */
export function refusalFor<R extends Reason>(reason: R, ...[about]: Arguments<R>): Refusal {
  const { detail, names, ...blanks } = (about ?? {}) as About & Readonly<Record<string, string>>;
  return new Refusal(reasons[reason].code, sentenceOf(reason, blanks), {
    reason,
    ...(detail !== undefined && { detail }),
    ...(names !== undefined && { names }),
  });
}

/** Whether something thrown is a Refusal for one of the given reasons. */
export function isRefusedFor(error: unknown, ...given: readonly Reason[]): error is Refusal {
  return error instanceof Refusal && given.some((reason) => reason === error.reason);
}
