/** id_token_hint (OpenID Connect RP-Initiated Logout 1.0 section 2): an ID token of ours, whatever its age. */
import { decodeProtectedHeader, jwtVerify } from "jose";
import type { Ctx } from "../../app.ts";
import { issuer, type Pool } from "../user-pools/load-pool.ts";
import { signingKeys } from "./signing-keys.ts";

/** Undefined: it is none that this pool has signed. */
export async function readIdTokenHint(
  ctx: Ctx,
  pool: Pool,
  token: string,
): Promise<{ clientId: string; userId: string } | undefined> {
  try {
    const { kid } = decodeProtectedHeader(token);
    const key = (await signingKeys(ctx, pool)).find((one) => one.kid === kid && one.tokenUse === "id");
    if (key === undefined) return undefined;
    const { payload } = await jwtVerify(token, key.publicKey, {
      algorithms: ["RS256"],
      issuer: issuer(ctx.config, pool),
      // It says whose sign-in is meant, and opens nothing: an expired one does as well.
      clockTolerance: Number.MAX_SAFE_INTEGER,
      currentDate: new Date(ctx.now),
    });
    const { aud, sub, token_use: use } = payload;
    if (use !== "id" || typeof aud !== "string" || sub === undefined) return undefined;
    return { clientId: aud, userId: sub };
  } catch {
    return undefined;
  }
}
