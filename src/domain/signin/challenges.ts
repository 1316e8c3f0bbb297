/** THE table of challenges: everything that a sign-in can wait for. */
import type { Challenge } from "./challenge.ts";
import { codeChallenge } from "./challenges/code.ts";
import { customChallenge } from "./challenges/custom.ts";
import { deviceChallenge, deviceVerifier } from "./challenges/device.ts";
import { mfaSetup } from "./challenges/mfa-setup.ts";
import { newPassword } from "./challenges/new-password.ts";
import { passkeyChallenge } from "./challenges/passkey.ts";
import { passwordChallenge } from "./challenges/password.ts";
import { passwordSrp, passwordVerifier } from "./challenges/password-srp.ts";
import { selectChallenge } from "./challenges/select-challenge.ts";
import { selectMfa } from "./challenges/select-mfa.ts";
import { softwareToken } from "./challenges/software-token.ts";
import type { Step } from "./steps.ts";

/** The challenges by ChallengeName. */
export const challenges: Readonly<Record<Step, Challenge>> = {
  SELECT_CHALLENGE: selectChallenge,
  PASSWORD: passwordChallenge,
  PASSWORD_SRP: passwordSrp,
  PASSWORD_VERIFIER: passwordVerifier,
  EMAIL_OTP: codeChallenge("EMAIL_OTP"),
  SMS_OTP: codeChallenge("SMS_OTP"),
  WEB_AUTHN: passkeyChallenge,
  CUSTOM_CHALLENGE: customChallenge,
  NEW_PASSWORD_REQUIRED: newPassword,
  SELECT_MFA_TYPE: selectMfa,
  MFA_SETUP: mfaSetup,
  SMS_MFA: codeChallenge("SMS_MFA"),
  SOFTWARE_TOKEN_MFA: softwareToken,
  DEVICE_SRP_AUTH: deviceChallenge,
  DEVICE_PASSWORD_VERIFIER: deviceVerifier,
};

/** Whether a string is the name of a challenge. */
export function isChallenge(name: string): name is Step {
  return Object.hasOwn(challenges, name);
}
