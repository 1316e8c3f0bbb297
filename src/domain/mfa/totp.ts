/**
 * Time-based one-time passwords (RFC 6238): SHA-1, six digits and steps of 30 seconds, as in every authenticator app.
 * Codes of the previous and the next step are accepted, since clocks differ (section 5.2).
 */
import { Secret, TOTP } from "otpauth";

const stepMs = 30_000;

/** 256 bits, like Cognito's seeds (RFC 4226 section 4 recommends 160). */
export const seedBytes = 32;

/** SecretCode, the seed for authenticator apps in base32 (RFC 4648 section 6). */
export function secretCode(seed: Uint8Array): string {
  return secretOf(seed).base32;
}

/** The time step that a code belongs to; undefined if it belongs to none nearby. @param now epoch milliseconds */
export function stepOf(seed: Uint8Array, code: string, now: number): number | undefined {
  if (!/^\d{6}$/.test(code)) return undefined;
  const delta = TOTP.validate({ token: code, secret: secretOf(seed), timestamp: now, window: 1 });
  return delta === null ? undefined : Math.floor(now / stepMs) + delta;
}

function secretOf(seed: Uint8Array): Secret {
  return new Secret({ buffer: Uint8Array.from(seed).buffer });
}
