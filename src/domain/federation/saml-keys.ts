/** The key pairs of a pool for SAML. */
import type { Ctx } from "../../app.ts";
import { readSamlKey, type SamlKey } from "../../store/saml-keys.ts";

/**
 * The key pair that signs a pool's requests, or the one that a provider encrypts to.
 * @param provider empty for the pool's own
 */
export async function samlKey(ctx: Ctx, poolId: string, provider: string): Promise<SamlKey> {
  const key = await readSamlKey(ctx.db, poolId, provider);
  if (key === undefined) throw new Error(`no SAML key of ${poolId} for ${provider || "its requests"}`);
  return key;
}
