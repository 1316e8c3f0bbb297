/** Replaces a pool's signing keys, beside running servers and without a failed verification. */
import type { App } from "../../app.ts";
import { toBase64url } from "../../lib/bytes.ts";
import { type Succession, succeedSigningKeys } from "../../store/signing-keys.ts";
import { makeSigningKey } from "./signing-keys.ts";

/**
 * How long a new key is published before it signs. Our own answer may be kept for 5 minutes, jose keeps a key set for
 * 10, API Gateway's authorizers for an hour or two; the rest is for clocks that differ. Waiting costs nobody anything.
 * Milliseconds.
 */
export const publishedBeforeSigning = 3 * 60 * 60 * 1000;

/** For servers whose clock is behind, and requests that were under way. Milliseconds. */
const signingMargin = 10 * 60 * 1000;

export interface Rotation {
  readonly outcome: Succession;
  /** When the new keys begin to sign. Epoch milliseconds. */
  readonly signFrom: number;
}

/**
 * Makes a new key for each use. It is published at once and signs later; the former keys stay published until the last
 * token they may have signed has expired.
 *
 * With `atOnce` (a key has leaked) the new keys sign from now on, and the former ones are gone: every ID and access token
 * of the pool is refused, with "Invalid Access Token". Refresh tokens are not signed by these keys and stay good, so
 * clients get new tokens without a sign-in. Verifiers elsewhere go on with the key set they have kept until it runs out.
 */
export async function rotateSigningKeys(
  app: Pick<App, "db" | "random" | "clock">,
  poolId: string,
  { atOnce }: { atOnce: boolean },
): Promise<Rotation> {
  const now = app.clock();
  const signFrom = atOnce ? now : now + publishedBeforeSigning;
  const make = (tokenUse: "id" | "access") =>
    makeSigningKey(toBase64url(app.random(32)), tokenUse, { createdAt: now, activeFrom: signFrom });
  const successors = await Promise.all([make("id"), make("access")]);
  const signsAfter = publishedBeforeSigning + signingMargin;
  return {
    outcome: await succeedSigningKeys(app.db, poolId, { successors, now, signsAfter, atOnce }),
    signFrom,
  };
}
