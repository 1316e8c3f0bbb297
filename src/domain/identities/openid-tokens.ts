/**
 * The OpenID tokens of identities ("GetOpenIdToken", Amazon Cognito Federated Identities API Reference), and the issuer
 * that signs them: one for all identity pools of an installation, whose discovery document and key set anybody can read.
 */
import { createHash } from "node:crypto";
import { CompactSign, errors, type JWTPayload, jwtVerify } from "jose";
import type { App, Ctx } from "../../app.ts";
import type { Config } from "../../config/config.ts";
import { selfSignedCertificate } from "../../integrations/certificates.ts";
import { toBase64url, utf8 } from "../../lib/bytes.ts";
import { CacheKind } from "../../lib/caches.ts";
import { identityPoolsOwner, insertSigningKey, readSigningKeys } from "../../store/signing-keys.ts";
import { refuse } from "../../wire/refuse.ts";
import { identityPoolArn } from "../identity-pools/load-identity-pool.ts";
import { identityIssuer } from "../identity-pools/provider-names.ts";
import { importKey, keyOfPair, newestSigner, type SigningKey } from "../tokens/signing-keys.ts";

const owner = identityPoolsOwner;

/** How long imported keys are cached. A successor is published for much longer before it signs. Milliseconds. */
const keptFor = 60_000;

const importedKeys = new CacheKind<{ readonly until: number; readonly keys: Promise<readonly SigningKey[]> }>(
  1,
);

function keysOf(ctx: Ctx): Promise<readonly SigningKey[]> {
  const cache = ctx.app.caches.of(importedKeys);
  const cached = cache.get(owner);
  if (cached !== undefined && cached.until > ctx.now) return cached.keys;
  const keys = loadKeys(ctx);
  const entry = { until: ctx.now + keptFor, keys };
  cache.set(owner, entry);
  keys.catch(() => {
    if (cache.get(owner) === entry) cache.delete(owner);
  });
  return keys;
}

async function loadKeys(ctx: Ctx): Promise<readonly SigningKey[]> {
  let rows = await readSigningKeys(ctx.db, owner, ctx.now);
  if (rows.length === 0) {
    await makeFirstKey(ctx);
    rows = await readSigningKeys(ctx.db, owner, ctx.now);
  }
  return Promise.all(rows.map(importKey));
}

/** Creates the first key. Its kid is always the same, so that of several servers only one inserts it. */
async function makeFirstKey(ctx: Ctx): Promise<void> {
  const kid = toBase64url(ctx.db.sealer.mac("first-signing-key", owner));
  await insertSigningKey(ctx.db, owner, await newIdentityKey(ctx, kid, ctx.now));
}

/** A key that is not stored yet, with a certificate of its own: some verifiers accept no key without. */
export async function newIdentityKey(
  {
    app,
    now,
    random,
    config,
  }: Pick<Ctx, "now" | "random"> & {
    readonly app: Pick<App, "newSigningPair">;
    readonly config: Pick<Config, "publicUrl">;
  },
  kid: string,
  activeFrom: number,
) {
  const pair = await app.newSigningPair();
  const key = await keyOfPair(pair, kid, "id", { createdAt: now, activeFrom });
  const until = new Date(now);
  until.setUTCFullYear(until.getUTCFullYear() + 10);
  const certificate = await selfSignedCertificate({
    commonName: new URL(config.publicUrl).hostname,
    keys: pair,
    from: now,
    until: until.getTime(),
    serial: random(8),
  });
  return { ...key, publicJwk: { ...key.publicJwk, x5c: certificate } };
}

/**
 * The published key set (RFC 7517), with a certificate for each key (section 4.7). The key that signs now comes first, since
 * Ceph's gateway looks at no other.
 */
export async function identityKeySet(ctx: Ctx): Promise<object> {
  const keys = await keysOf(ctx);
  const signer = newestSigner(keys, "id", ctx.now)?.kid;
  const signerFirst = keys.toSorted(
    (one, other) => Number(other.kid === signer) - Number(one.kid === signer),
  );
  return {
    keys: signerFirst.map(({ publicJwk: { x5c = "", ...jwk } }) => {
      const der = Buffer.from(x5c, "base64");
      return {
        ...jwk,
        x5c: [x5c],
        x5t: createHash("sha1").update(der).digest("base64url"),
        "x5t#S256": createHash("sha256").update(der).digest("base64url"),
      };
    }),
  };
}

/** Whom an OpenID token is about, and what it says of them. */
export interface IdentityClaims {
  readonly poolId: string;
  readonly identityId: string;
  /** `unauthenticated`, or `authenticated` and the providers. */
  readonly amr: readonly string[];
  /** Principal tags, for the session that is issued for the token. */
  readonly tags: Readonly<Record<string, string>>;
}

const arnClaim = "https://cognito-identity.amazonaws.com/identity-pool-arn";
export const tagsClaim = "https://aws.amazon.com/tags";

/** Signs a token. @param seconds how long it is valid */
export async function signIdentityToken(ctx: Ctx, about: IdentityClaims, seconds: number): Promise<string> {
  const key = newestSigner(await keysOf(ctx), "id", ctx.now);
  if (key === undefined) throw new Error("There is no key for the tokens of identity pools.");
  const iat = Math.floor(ctx.now / 1000);
  const claims = {
    sub: about.identityId,
    aud: about.poolId,
    iss: identityIssuer(ctx.config),
    amr: about.amr,
    [arnClaim]: identityPoolArn(ctx.config, about.poolId),
    ...(Object.keys(about.tags).length > 0 && { [tagsClaim]: tagsFor(about.tags) }),
    exp: iat + seconds,
    iat,
  };
  return new CompactSign(utf8(JSON.stringify(claims)))
    .setProtectedHeader({ kid: key.kid, typ: "JWS", alg: "RS256" })
    .sign(key.privateKey);
}

/** Session tags in the form of "Pass session tags using AssumeRoleWithWebIdentity" (IAM User Guide). */
const tagsFor = (tags: Readonly<Record<string, string>>) => ({
  principal_tags: Object.fromEntries(Object.entries(tags).map(([name, value]) => [name, [value]])),
  transitive_tag_keys: [],
});

/** Why a token is not accepted. */
export type TokenFault = "expired" | "invalid";

/** What a token says that was verified. */
export interface ReadClaims extends IdentityClaims {
  /** Epoch milliseconds, whole seconds. */
  readonly issuedAt: number;
  /** Epoch milliseconds, whole seconds. */
  readonly expiresAt: number;
}

/** Verifies a token of this issuer. */
export async function readIdentityToken(ctx: Ctx, token: string): Promise<ReadClaims | TokenFault> {
  try {
    const { payload } = await jwtVerify(token, async ({ kid }) => (await keyNamed(ctx, kid)).publicKey, {
      algorithms: ["RS256"],
      issuer: identityIssuer(ctx.config),
      currentDate: new Date(ctx.now),
      requiredClaims: ["exp", "iat", "sub", "aud", "amr"],
    });
    return claimsOf(payload) ?? "invalid";
  } catch (error) {
    if (!(error instanceof errors.JOSEError)) throw error;
    return error instanceof errors.JWTExpired ? "expired" : "invalid";
  }
}

/** A key by its id. One that is not cached may be new, and sign already at another server: it is looked for at once. */
async function keyNamed(ctx: Ctx, kid: string | undefined): Promise<SigningKey> {
  const find = async () => (await keysOf(ctx)).find((key) => key.kid === kid);
  const cached = await find();
  if (cached !== undefined) return cached;
  const rows = await readSigningKeys(ctx.db, owner, ctx.now);
  if (!rows.some((row) => row.kid === kid)) noKey();
  ctx.app.caches.of(importedKeys).delete(owner);
  return (await find()) ?? noKey();
}

function noKey(): never {
  throw new errors.JWKSNoMatchingKey();
}

function claimsOf({ sub, aud, amr, iat, exp, [tagsClaim]: tags }: JWTPayload): ReadClaims | undefined {
  if (sub === undefined || typeof aud !== "string" || !Array.isArray(amr)) return undefined;
  if (iat === undefined || exp === undefined) return undefined;
  const principal = (tags as { principal_tags?: Record<string, string[]> } | undefined)?.principal_tags ?? {};
  return {
    poolId: aud,
    identityId: sub,
    amr: amr.map(String),
    issuedAt: iat * 1000,
    expiresAt: exp * 1000,
    tags: Object.fromEntries(Object.entries(principal).map(([name, [value = ""]]) => [name, value])),
  };
}

/** Throws the error of a token that is not accepted in Logins. */
export function refuseToken(fault: TokenFault): never {
  return fault === "expired"
    ? refuse("NotAuthorizedException", "Invalid login token. Token is expired.")
    : refuse("NotAuthorizedException", "Invalid login token.");
}
