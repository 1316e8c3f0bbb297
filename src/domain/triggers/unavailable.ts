/**
 * triggers: Lambda functions that have a say in what happens. This release cannot run them, so what a configured one
 * would decide is refused as one that cannot be invoked (AWS: UnexpectedLambdaException): a check that a pool's owner
 * put there is never skipped.
 */
import { refuseFor } from "../../wire/refuse.ts";
import type { Pool } from "../user-pools/load-pool.ts";

/** Triggers that admit, refuse or shape; CustomMessage and the senders only word and carry messages. */
type DecidingTrigger =
  | "PreSignUp"
  | "PostConfirmation"
  | "PreAuthentication"
  | "PostAuthentication"
  | "PreTokenGeneration"
  | "DefineAuthChallenge"
  | "CreateAuthChallenge"
  | "VerifyAuthChallengeResponse";

/** Throws UnexpectedLambdaException when the pool has one of these triggers. */
export function refuseTriggers(pool: Pick<Pool, "document">, ...names: readonly DecidingTrigger[]): void {
  const configured = names.find((name) => pool.document.LambdaConfig?.[name] !== undefined);
  if (configured === undefined) return;
  refuseFor("triggerUnavailable", { trigger: configured });
}
