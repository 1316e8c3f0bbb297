/**
 * Time-based one-time passwords (RFC 6238): SHA-1, six digits, steps of 30 seconds, as every authenticator app has them.
 * A code of the step before or after is accepted, since clocks differ (section 5.2).
 */
import { Secret, TOTP } from "otpauth";

const stepMs = 30_000;

/** 256 bits, as Cognito's seeds have (RFC 4226 section 4 asks for 160). */
export const seedBytes = 32;

/** SecretCode: what authenticator apps are given, base32 (RFC 4648 section 6). */
export function secretCode(seed: Uint8Array): string {
  return secretOf(seed).base32;
}

/** The time step whose code it is; undefined: of none that is near. @param now epoch milliseconds */
export function stepOf(seed: Uint8Array, code: string, now: number): number | undefined {
  if (!/^\d{6}$/.test(code)) return undefined;
  const delta = TOTP.validate({ token: code, secret: secretOf(seed), timestamp: now, window: 1 });
  return delta === null ? undefined : Math.floor(now / stepMs) + delta;
}

function secretOf(seed: Uint8Array): Secret {
  return new Secret({ buffer: Uint8Array.from(seed).buffer });
}
