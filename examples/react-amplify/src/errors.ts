/** Sentences for users about what went wrong. */

/** By the name of the error. All others use Poolhouse's message, which is a sentence, too. */
const sentences: Readonly<Record<string, string>> = {
  EmptySignInUsername: "Enter your e-mail address first.",
  NetworkError:
    "The sign-in service does not answer. Is it running, and does this browser trust its certificate?",
  CodeMismatchException: "That code is not right. Look for it in the newest message.",
  ExpiredCodeException: "That code is not valid any more. Ask for another one.",
  UsernameExistsException: "There is an account with this e-mail address already.",
  LimitExceededException: "That was too often. Wait a while, then try again.",
  TooManyRequestsException: "That was too often. Wait a while, then try again.",
  PasskeyNotSupported: "This browser has no passkeys.",
  PasskeyAlreadyExists: "This device has a passkey for your account already.",
  PasskeyRegistrationCanceled: "No passkey was made.",
  PasskeyAuthenticationCanceled: "No passkey was used.",
};

export function sentence(error: unknown): string {
  if (!(error instanceof Error)) return "Something went wrong.";
  return sentences[error.name] ?? error.message;
}
