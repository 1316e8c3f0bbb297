/** id_token_hint (OpenID Connect RP-Initiated Logout 1.0 section 2): an ID token of ours, however old. */
import { decodeProtectedHeader, jwtVerify } from "jose";
import type { Ctx } from "../../app.ts";
import { issuer, type Pool } from "../user-pools/load-pool.ts";
import { signingKeys } from "./signing-keys.ts";

/** The claims of the hint; undefined if it is not an ID token signed by this pool. */
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
      // It only says whose sign-in is meant and grants nothing, so an expired one is fine.
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
