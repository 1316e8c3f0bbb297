/** Replaces the key that signs the OpenID tokens of identity pools, next to running servers. */
import type { App } from "../../app.ts";
import { toBase64url } from "../../lib/bytes.ts";
import { identityPoolsOwner, succeedSigningKeys } from "../../store/signing-keys.ts";
import { publishedBeforeSigning, type Rotation, signingMargin } from "../tokens/rotate-keys.ts";
import { newIdentityKey } from "./openid-tokens.ts";

/**
 * Creates a new key, as rotateSigningKeys does for a user pool: it is published at once and signs later, or with `atOnce`
 * replaces the former ones. Servers notice within a minute, which is how long they cache these keys.
 */
export async function rotateIdentityKeys(
  app: Pick<App, "db" | "random" | "clock" | "newSigningPair" | "config">,
  { atOnce }: { atOnce: boolean },
): Promise<Rotation> {
  const { config, random, db } = app;
  const now = app.clock();
  const signFrom = atOnce ? now : now + publishedBeforeSigning;
  const kid = toBase64url(random(32));
  const successor = await newIdentityKey({ app, now, random, config }, kid, signFrom);
  const signsAfter = publishedBeforeSigning + signingMargin;
  return {
    outcome: await succeedSigningKeys(db, identityPoolsOwner, {
      successors: [successor],
      now,
      signsAfter,
      atOnce,
    }),
    signFrom,
  };
}
