/** Replaces a pool's signing keys next to running servers, without failed verifications. */
import type { App } from "../../app.ts";
import { toBase64url } from "../../lib/bytes.ts";
import { type Succession, succeedSigningKeys } from "../../store/signing-keys.ts";
import { makeSigningKey } from "./signing-keys.ts";

/**
 * How long a new key is published before it signs. Our own answer may be cached for 5 minutes, jose caches a key set
 * for 10, API Gateway's authorizers for an hour or two; the rest is for clock skew. Waiting costs nothing.
 * Milliseconds.
 */
export const publishedBeforeSigning = 3 * 60 * 60 * 1000;

/** A margin for clock skew between servers and for running requests. Milliseconds. */
export const signingMargin = 10 * 60 * 1000;

export interface Rotation {
  readonly outcome: Succession;
  /** When the new keys start to sign. Epoch milliseconds. */
  readonly signFrom: number;
}

/**
 * Creates a new key for each use. It is published at once and signs later; the former keys stay published until the
 * last token that they may have signed has expired.
 *
 * With `atOnce` (after a leak) the new keys sign immediately, and the former ones are removed: every ID and access
 * token of the pool is refused with "Invalid Access Token". Refresh tokens are not signed by these keys and stay valid,
 * so clients get new tokens without a sign-in. Other verifiers continue with their cached key set until it expires.
 */
export async function rotateSigningKeys(
  app: Pick<App, "db" | "random" | "clock" | "newSigningPair">,
  poolId: string,
  { atOnce }: { atOnce: boolean },
): Promise<Rotation> {
  const now = app.clock();
  const signFrom = atOnce ? now : now + publishedBeforeSigning;
  const make = (tokenUse: "id" | "access") =>
    makeSigningKey(app, toBase64url(app.random(32)), tokenUse, { createdAt: now, activeFrom: signFrom });
  const successors = await Promise.all([make("id"), make("access")]);
  const signsAfter = publishedBeforeSigning + signingMargin;
  return {
    outcome: await succeedSigningKeys(app.db, poolId, { successors, now, signsAfter, atOnce }),
    signFrom,
  };
}
