/** Refusals that several challenges share. */
import { refuseFor } from "../../wire/refuse.ts";

/** The Session is not valid for this client or this challenge. Throws NotAuthorizedException. */
export function invalidSession(): never {
  return refuseFor("sessionInvalid");
}

export function noSession(): never {
  return refuseFor("sessionMissing");
}

export function expiredSession(): never {
  return refuseFor("sessionExpired");
}

/** The Session has been used already or has become invalid. Throws NotAuthorizedException. */
export function usedSession(): never {
  return refuseFor("sessionUsed");
}

/** Refuses without revealing whether the name or the password is wrong. Throws NotAuthorizedException. */
export function wrongPassword(detail?: string): never {
  return refuseFor("wrongPassword", { detail });
}

/** Refuses a passkey with the sentence for a wrong password. Throws NotAuthorizedException. */
export function wrongPasskey(detail = "the passkey does not verify"): never {
  return refuseFor("wrongPassword", { detail });
}

export function wrongCode(): never {
  return refuseFor("challengeCodeWrong");
}

/** The user no longer has a software token, or the pool no longer accepts them. */
export function noSoftwareToken(): never {
  return refuseFor("tokenFactorGone");
}

/** The value of a required parameter. Throws InvalidParameterException if it is missing or empty. */
export function required(parameters: Readonly<Record<string, string>> | undefined, name: string): string {
  const value = parameters?.[name];
  return value === undefined || value === "" ? refuseFor("parameterMissing", { name }) : value;
}
