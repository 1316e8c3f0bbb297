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
  | "CustomMessage";

/** What was going on, the member triggerSource of an event. */
export type TriggerSource =
  | "PreSignUp_SignUp"
  | "PreSignUp_AdminCreateUser"
  | "PostConfirmation_ConfirmSignUp"
  | "PostConfirmation_ConfirmForgotPassword"
  | "PreAuthentication_Authentication"
  | "PostAuthentication_Authentication"
  | "DefineAuthChallenge_Authentication"
  | "CreateAuthChallenge_Authentication"
  | "VerifyAuthChallengeResponse_Authentication"
  | "UserMigration_Authentication"
  | "UserMigration_ForgotPassword"
  | MessageSource
  | TokenSource;

export type TokenSource =
  | "TokenGeneration_HostedAuth"
  | "TokenGeneration_Authentication"
  | "TokenGeneration_NewPasswordChallenge"
  | "TokenGeneration_AuthenticateDevice"
  | "TokenGeneration_RefreshTokens"
  | "TokenGeneration_ClientCredentials";

export type MessageSource =
  | "CustomMessage_SignUp"
  | "CustomMessage_ResendCode"
  | "CustomMessage_Authentication"
  | "CustomMessage_AdminCreateUser"
  | "CustomMessage_ForgotPassword"
  | "CustomMessage_UpdateUserAttribute"
  | "CustomMessage_VerifyUserAttribute";

/** ClientMetadata of a request. */
export type Metadata = Readonly<Record<string, string>>;

/** Whether a pool has a function for a trigger. */
export function hasTrigger({ document }: Pick<Pool, "document">, trigger: Trigger): boolean {
  return document.LambdaConfig?.[trigger] !== undefined;
}
