/** The only ways to make a Refusal above `lib`: the code must stand in the closed, generated list. */

import { Refusal } from "../lib/refusal.ts";
import type { ErrorCode } from "./generated/error-codes.ts";

/** A refusal to be thrown later; `message` is public, `detail` is only logged. */
export function refusal(code: ErrorCode, message: string, detail?: string): Refusal {
  return new Refusal(code, message, detail === undefined ? undefined : { detail });
}

/** Refuses now. Returns `never`, so the compiler knows that nothing below runs. */
export function refuse(code: ErrorCode, message: string, detail?: string): never {
  throw refusal(code, message, detail);
}
