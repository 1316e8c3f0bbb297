/** Verifies a pool's ID tokens where they prove who a user is: in the logins of identity pools. */
import { decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from "jose";
import type { Ctx } from "../../app.ts";
import { readAccessState } from "../../store/token-state.ts";
import { issuer, type Pool } from "../user-pools/load-pool.ts";
import { signingKeys } from "./signing-keys.ts";

export type IdTokenFault = "expired" | "issuer" | "invalid";

/** The claims of a valid ID token of this pool, for whichever client; or why it is not valid. */
export async function verifyIdToken(ctx: Ctx, pool: Pool, token: string): Promise<JWTPayload | IdTokenFault> {
  try {
    const { kid } = decodeProtectedHeader(token);
    const key = (await signingKeys(ctx, pool)).find((one) => one.kid === kid && one.tokenUse === "id");
    if (key === undefined) return "invalid";
    const { payload } = await jwtVerify(token, key.publicKey, {
      algorithms: ["RS256"],
      issuer: issuer(ctx.config, pool),
      currentDate: new Date(ctx.now),
      requiredClaims: ["exp", "iat", "sub", "aud", "token_use"],
    });
    return payload["token_use"] === "id" && typeof payload.aud === "string" ? payload : "invalid";
  } catch (error) {
    if (error instanceof errors.JWTExpired) return "expired";
    const ofIssuer = error instanceof errors.JWTClaimValidationFailed && error.claim === "iss";
    return ofIssuer ? "issuer" : "invalid";
  }
}

/** Whether the user of a verified ID token still exists, is enabled, and has not ended the session that it is from. */
export async function isStillValid(
  ctx: Ctx,
  pool: Pool,
  { aud, sub, ...claims }: JWTPayload,
): Promise<boolean> {
  const familyId = claims["event_id"];
  if (typeof aud !== "string" || sub === undefined || typeof familyId !== "string") return false;
  const state = await readAccessState(ctx.db, { poolId: pool.id, clientId: aud, familyId, userId: sub });
  if (state?.user?.enabled !== true || state.session === undefined) return false;
  const { session } = state;
  return session.revokedAt === undefined && session.userId === sub && session.clientId === aud;
}
