/**
 * The table of reasons for a refusal: reason -> the error code of the AWS documentation and Cognito's message. Anything
 * beyond the answer (the words of the pages, metrics, users' events) goes by the reason, or by the code where all its
 * reasons are alike, never by the message, so that a message can be corrected here alone. `{name}` is a placeholder that
 * `refuseFor` fills in.
 */
import type { ErrorCode } from "./generated/error-codes.ts";

export const reasons = {
  // Signing in.
  wrongPassword: { code: "NotAuthorizedException", message: "Incorrect username or password." },
  locked: { code: "NotAuthorizedException", message: "Password attempts exceeded" },
  disabled: { code: "NotAuthorizedException", message: "User is disabled." },
  notConfirmed: { code: "UserNotConfirmedException", message: "User is not confirmed." },
  resetRequired: { code: "PasswordResetRequiredException", message: "Password reset required for the user" },
  noSuchUser: { code: "UserNotFoundException", message: "User does not exist." },
  temporaryPasswordExpired: {
    code: "NotAuthorizedException",
    message: "Temporary password has expired and must be reset by an administrator.",
  },

  nameOrClientUnknown: {
    code: "UserNotFoundException",
    message: "Username/client id combination not found.",
  },

  // Codes, and limits.
  codeWrong: {
    code: "CodeMismatchException",
    message: "Invalid verification code provided, please try again.",
  },
  challengeCodeWrong: {
    code: "CodeMismatchException",
    message: "Invalid code or auth state for the user.",
  },
  codeExpired: {
    code: "ExpiredCodeException",
    message: "Invalid code provided, please request a code again.",
  },
  tokenCodeWrong: {
    code: "EnableSoftwareTokenMFAException",
    message: "Code mismatch and fail enable Software Token MFA",
  },
  tooMany: { code: "TooManyRequestsException", message: "Rate exceeded" },
  attemptsExceeded: {
    code: "LimitExceededException",
    message: "Attempt limit exceeded, please try after some time.",
  },
  requestsExceeded: {
    code: "TooManyRequestsException",
    message: "Attempt limit exceeded, please try after some time.",
  },
  // What a trigger's function decided, or did wrong.
  triggerRefused: {
    code: "UserLambdaValidationException",
    message: "{trigger} failed with error {cause}.",
  },
  triggerUnrecognizable: { code: "InvalidLambdaResponseException", message: "Unrecognizable lambda output" },
  triggerUnreadable: {
    code: "InvalidLambdaResponseException",
    message: "Invalid lambda function output : Invalid JSON",
  },

  notDelivered: { code: "CodeDeliveryFailureException", message: "Unable to deliver the message." },

  // What the pool's settings rule out.
  triggerUnavailable: {
    code: "UnexpectedLambdaException",
    message: "{trigger} invocation failed due to error {cause}.",
  },
  passkeysOff: {
    code: "WebAuthnNotEnabledException",
    message: "Passkeys are not enabled for the user pool.",
  },
  passkeysWithoutDomain: {
    code: "WebAuthnConfigurationMissingException",
    message: "The user pool has no RelyingPartyId.",
  },
  tooManyPasskeys: { code: "LimitExceededException", message: "A user can have {most} passkeys." },

  // A sign-in under way.
  sessionInvalid: { code: "NotAuthorizedException", message: "Invalid session for the user." },
  sessionExpired: {
    code: "NotAuthorizedException",
    message: "Invalid session for the user, session is expired.",
  },
  sessionUsed: {
    code: "NotAuthorizedException",
    message: "Invalid session for the user, session can only be used once.",
  },
  sessionMissing: { code: "InvalidParameterException", message: "Missing required parameter Session" },
  parameterMissing: { code: "InvalidParameterException", message: "Missing required parameter {name}" },
  factorGone: {
    code: "MFAMethodNotFoundException",
    message: "The user has no such factor any more, or the user pool none.",
  },
  tokenFactorGone: {
    code: "SoftwareTokenMFANotFoundException",
    message: "Software Token MFA does not exist for the user.",
  },
  tokenFactorOff: {
    code: "SoftwareTokenMFANotFoundException",
    message: "Software Token MFA has not been enabled by the userPool",
  },
  tokenUsed: { code: "ExpiredCodeException", message: "Your software token has already been used once." },
  passkeyInvalid: { code: "InvalidParameterException", message: "Credential data is not valid" },

  // New passwords. `{policy}` is "policy" for users and "password policy" for administrators.
  passwordShort: {
    code: "InvalidPasswordException",
    message: "Password did not conform with {policy}: Password not long enough",
  },
  passwordLong: {
    code: "InvalidPasswordException",
    message: "Password did not conform with {policy}: Password is too long",
  },
  passwordWithoutUppercase: {
    code: "InvalidPasswordException",
    message: "Password did not conform with {policy}: Password must have uppercase characters",
  },
  passwordWithoutLowercase: {
    code: "InvalidPasswordException",
    message: "Password did not conform with {policy}: Password must have lowercase characters",
  },
  passwordWithoutNumber: {
    code: "InvalidPasswordException",
    message: "Password did not conform with {policy}: Password must have numeric characters",
  },
  passwordWithoutSymbol: {
    code: "InvalidPasswordException",
    message: "Password did not conform with {policy}: Password must have symbol characters",
  },
  passwordUsedBefore: {
    code: "PasswordHistoryPolicyViolationException",
    message: "Password has previously been used.",
  },
  passwordMissing: {
    code: "InvalidParameterException",
    message:
      "1 validation error detected: Value at 'password' failed to satisfy constraint: Member must not be null",
  },

  // Names and addresses.
  nameTaken: { code: "UsernameExistsException", message: "User already exists" },
  accountTaken: { code: "UsernameExistsException", message: "User account already exists" },
  emailTaken: {
    code: "UsernameExistsException",
    message: "An account with the given email already exists.",
  },
  phoneTaken: {
    code: "UsernameExistsException",
    message: "An account with the given phone_number already exists.",
  },
  preferredNameTaken: {
    code: "UsernameExistsException",
    message: "An account with the given preferred_username already exists.",
  },
  nameAliasTaken: { code: "AliasExistsException", message: "User already exists" },
  emailAliasTaken: {
    code: "AliasExistsException",
    message: "An account with the given email already exists.",
  },
  phoneAliasTaken: {
    code: "AliasExistsException",
    message: "An account with the given phone_number already exists.",
  },
  preferredNameAliasTaken: {
    code: "AliasExistsException",
    message: "An account with the given preferred_username already exists.",
  },
  emailMalformed: { code: "InvalidParameterException", message: "Invalid email address format." },
  phoneMalformed: { code: "InvalidParameterException", message: "Invalid phone number format." },
  nameNoEmail: { code: "InvalidParameterException", message: "Username should be an email." },
  nameNoPhone: { code: "InvalidParameterException", message: "Username should be a phone number." },
  nameNoAddress: {
    code: "InvalidParameterException",
    message: "Username should be either an email or a phone number.",
  },
  nameIsAlias: {
    code: "InvalidParameterException",
    message: "Username cannot be of {format} format, since user pool is configured for {format} alias.",
  },
  preferredNameIsAlias: {
    code: "InvalidParameterException",
    message:
      "preferred_username cannot be of {format} format, since user pool is configured for {format} alias.",
  },
  nameOfProvider: {
    code: "InvalidParameterException",
    message: "Username cannot begin with the name of an identity provider and an underscore.",
  },
  attributesMalformed: {
    code: "InvalidParameterException",
    message: "Attributes did not conform to the schema: {violations}",
  },

  /** An input that violates the model. */
  inputMalformed: { code: "InvalidParameterException", message: "{violations}" },
  /** An input of the identity pool service that violates the model. */
  inputInvalid: { code: "ValidationException", message: "{violations}" },

  // Sign-up and recovery.
  noSignUp: { code: "NotAuthorizedException", message: "SignUp is not permitted for this user pool" },
  confirmedBefore: {
    code: "NotAuthorizedException",
    message: "User cannot be confirmed. Current status is CONFIRMED",
  },
  statusForbidsConfirmation: {
    code: "NotAuthorizedException",
    message: "User cannot be confirmed. Current status is {status}",
  },
  alreadyConfirmed: { code: "InvalidParameterException", message: "User is already confirmed." },
  recoveryByAdministrator: {
    code: "NotAuthorizedException",
    message: "Contact administrator to reset password.",
  },
  stateForbidsRecovery: {
    code: "NotAuthorizedException",
    message: "User password cannot be reset in the current state.",
  },
  nothingToRecoverBy: {
    code: "InvalidParameterException",
    message: "Cannot reset password for the user as there is no registered/verified email or phone_number",
  },
} as const satisfies Readonly<Record<string, { readonly code: ErrorCode; readonly message: string }>>;

export type Reason = keyof typeof reasons;

/** The names of the placeholders in a message. */
type Blank<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Blank<Rest>
  : never;

/** The values for the placeholders of a reason's message. */
export type Blanks<R extends Reason> = Readonly<Record<Blank<(typeof reasons)[R]["message"]>, string>>;

/** A reason's message, with its placeholders filled in. */
export function sentenceOf(reason: Reason, blanks: Readonly<Record<string, string>> = {}): string {
  const { message } = reasons[reason];
  return message.includes("{")
    ? message.replace(/\{(\w+)\}/g, (_, name: string) => blanks[name] ?? "")
    : message;
}
