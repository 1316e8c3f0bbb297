/**
 * Key pairs for SAML: the one that signs a pool's requests ("Signing SAML requests", Amazon Cognito Developer Guide),
 * and those that providers encrypt assertions to, one for each provider.
 */
import { createPrivateKey } from "node:crypto";
import type { Ctx } from "../../app.ts";
import { selfSignedCertificate } from "../../integrations/certificates.ts";
import { pemText } from "../../lib/pem.ts";
import { addSigningKey, readSamlKey, type SamlKey } from "../../store/saml-keys.ts";
import type { DecryptionKey } from "../saml/decrypt.ts";
import { noSuchPool } from "../user-pools/load-pool.ts";
import type { Provider } from "./provider.ts";

const halfDay = 43_200_000;

/** The key pair that signs the pool's requests; it is made on first use. Throws ResourceNotFoundException. */
export async function signingKey(ctx: Ctx, poolId: string): Promise<SamlKey> {
  const known = await readSamlKey(ctx.db, poolId, "");
  if (known !== undefined) return known;
  // Of several servers that make one, the first to store it wins.
  if (!(await addSigningKey(ctx.db, await newSamlKey(ctx, poolId, "")))) noSuchPool(poolId);
  return (await readSamlKey(ctx.db, poolId, "")) ?? noSuchPool(poolId);
}

/** A key pair that is not stored yet, with a certificate for ten years less half a day. */
export async function newSamlKey(ctx: Ctx, poolId: string, provider: string): Promise<SamlKey> {
  const keys = await ctx.app.newSigningPair();
  const until = new Date(ctx.now);
  until.setUTCFullYear(until.getUTCFullYear() + 10);
  const certificate = await selfSignedCertificate({
    commonName: poolId,
    keys,
    from: ctx.now,
    until: until.getTime() - halfDay,
    serial: ctx.random(8),
  });
  const privateKey = pemText("PRIVATE KEY", await crypto.subtle.exportKey("pkcs8", keys.privateKey));
  return { poolId, provider, certificate, privateKey, createdAt: ctx.now };
}

/**
 * The key pair that signs a pool's requests, or the one that a provider encrypts to.
 * @param provider empty for the pool's own
 */
export async function samlKey(ctx: Ctx, poolId: string, provider: string): Promise<SamlKey> {
  if (provider === "") return signingKey(ctx, poolId);
  return (await readSamlKey(ctx.db, poolId, provider)) ?? noSuchPool(poolId);
}

/** The key that belongs to the ActiveEncryptionCertificate of a provider. */
export const decryptionKeyOf =
  (ctx: Ctx, { poolId, name }: Pick<Provider, "poolId" | "name">): DecryptionKey =>
  async () =>
    createPrivateKey((await samlKey(ctx, poolId, name)).privateKey);
