/** How sign-ins are refused, where more than one challenge refuses so. */
import { refuseFor } from "../../wire/refuse.ts";

/** The Session, or what the sign-in waits for, is none that this client may go on with. */
export function invalidSession(): never {
  return refuseFor("sessionInvalid");
}

export function noSession(): never {
  return refuseFor("sessionMissing");
}

export function expiredSession(): never {
  return refuseFor("sessionExpired");
}

/** Answered before, or void. */
export function usedSession(): never {
  return refuseFor("sessionUsed");
}

/** "Incorrect username or password.", whatever it was. */
export function wrongPassword(detail?: string): never {
  return refuseFor("wrongPassword", { detail });
}

/** A passkey is refused in the words of a password. */
export function wrongPasskey(detail = "the passkey does not verify"): never {
  return refuseFor("wrongPassword", { detail });
}

export function wrongCode(): never {
  return refuseFor("challengeCodeWrong");
}

/** The user has no software token any more, or the pool takes none. */
export function noSoftwareToken(): never {
  return refuseFor("tokenFactorGone");
}

/** A parameter that must be there. Throws InvalidParameterException. */
export function required(parameters: Readonly<Record<string, string>> | undefined, name: string): string {
  const value = parameters?.[name];
  return value === undefined || value === "" ? refuseFor("parameterMissing", { name }) : value;
}
