/** The names of triggers and of what they are fired for. */
import type { Pool } from "../user-pools/load-pool.ts";

/** The triggers, by the members of LambdaConfig. */
export type Trigger =
  | "PreSignUp"
  | "PostConfirmation"
  | "PreAuthentication"
  | "PostAuthentication"
  | "PreTokenGeneration"
  | "DefineAuthChallenge"
  | "CreateAuthChallenge"
  | "VerifyAuthChallengeResponse"
  | "UserMigration"
  | "CustomMessage"
  | SenderTrigger
  | "InboundFederation";

/** The triggers whose function sends messages in place of this server. */
export const senderTriggers = ["CustomEmailSender", "CustomSMSSender"] as const;
export type SenderTrigger = (typeof senderTriggers)[number];

/** What was going on, the member triggerSource of an event. */
export type TriggerSource =
  | "PreSignUp_SignUp"
  | "PreSignUp_AdminCreateUser"
  | "PreSignUp_ExternalProvider"
  | "PostConfirmation_ConfirmSignUp"
  | "PostConfirmation_ConfirmForgotPassword"
  | "PreAuthentication_Authentication"
  | "PostAuthentication_Authentication"
  | "DefineAuthChallenge_Authentication"
  | "CreateAuthChallenge_Authentication"
  | "VerifyAuthChallengeResponse_Authentication"
  | "UserMigration_Authentication"
  | "UserMigration_ForgotPassword"
  | `CustomMessage_${MessageReason}`
  | `${SenderTrigger}_${MessageReason}`
  | "InboundFederation_ExternalProvider"
  | TokenSource;

export type TokenSource =
  | "TokenGeneration_HostedAuth"
  | "TokenGeneration_Authentication"
  | "TokenGeneration_NewPasswordChallenge"
  | "TokenGeneration_AuthenticateDevice"
  | "TokenGeneration_RefreshTokens"
  | "TokenGeneration_ClientCredentials";

/** Why a message is sent, as trigger sources name it. */
export type MessageReason =
  | "SignUp"
  | "ResendCode"
  | "Authentication"
  | "AdminCreateUser"
  | "ForgotPassword"
  | "UpdateUserAttribute"
  | "VerifyUserAttribute";

/** ClientMetadata of a request. */
export type Metadata = Readonly<Record<string, string>>;

/** The ARN of a pool's function for a trigger; undefined if it has none. */
export function functionOf({ document }: Pick<Pool, "document">, trigger: Trigger): string | undefined {
  const configured = document.LambdaConfig?.[trigger];
  return typeof configured === "object" ? configured.LambdaArn : configured;
}

/** Whether a pool has a function for a trigger. */
export function hasTrigger(pool: Pick<Pool, "document">, trigger: Trigger): boolean {
  return functionOf(pool, trigger) !== undefined;
}
