/**
 * triggers: Lambda functions that influence operations. This release cannot run them, so where a configured one would
 * decide, the operation is refused as if it could not be invoked (UnexpectedLambdaException): a check that a pool's
 * owner has configured is never skipped.
 */
import { refuseFor } from "../../wire/refuse.ts";
import type { Pool } from "../user-pools/load-pool.ts";

/**
 * Triggers that allow, refuse or change something; CustomMessage and the custom senders only word and deliver messages.
 */
type DecidingTrigger =
  | "PreSignUp"
  | "PostConfirmation"
  | "PreAuthentication"
  | "PostAuthentication"
  | "PreTokenGeneration"
  | "DefineAuthChallenge"
  | "CreateAuthChallenge"
  | "VerifyAuthChallengeResponse";

/** Throws UnexpectedLambdaException if the pool has one of these triggers. */
export function refuseTriggers(pool: Pick<Pool, "document">, ...names: readonly DecidingTrigger[]): void {
  const configured = names.find((name) => pool.document.LambdaConfig?.[name] !== undefined);
  if (configured === undefined) return;
  refuseFor("triggerUnavailable", { trigger: configured });
}
