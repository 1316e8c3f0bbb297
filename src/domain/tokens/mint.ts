/**
 * Creates the tokens of a family in two steps: first the claims, while the request can still be refused, then the
 * signatures, once what grants the tokens is stored or used up.
 */
import { randomUUID } from "node:crypto";
import { CompactSign, decodeJwt } from "jose";
import type { Ctx } from "../../app.ts";
import { utf8 } from "../../lib/bytes.ts";
import { groupsOfUser } from "../../store/groups.ts";
import type { TokenFamily } from "../../store/token-families.ts";
import type { User } from "../../store/users.ts";
import type { AuthenticationResultType } from "../../wire/generated/user-pools.types.ts";
import { preTokenGeneration, type TokenChanges, type TokenOccasion } from "../triggers/token-generation.ts";
import { isStrict } from "../user-pools/client-tags.ts";
import { canRead, tokenLifetimes } from "../user-pools/clients.ts";
import { type Client, issuer, type Pool } from "../user-pools/load-pool.ts";
import { accessTokenClaims, accessTokenHash, type Claims, groupClaims, idTokenClaims } from "./claims.ts";
import { scopeIncludes } from "./scope-claims.ts";
import { signingKey, type TokenUse } from "./signing-keys.ts";
import { changeAccessClaims, changeIdClaims } from "./token-changes.ts";

/** What tokens are created from. */
export interface Minting {
  readonly pool: Pool;
  readonly client: Client;
  readonly user: User;
  readonly family: TokenFamily;
  /** The scopes of the family that the client may still have. */
  readonly scopes: readonly string[];
  readonly nonce?: string | undefined;
  /** Why, for PreTokenGeneration. */
  readonly occasion: TokenOccasion;
}

/** The claims of access and ID tokens before signing, complete except for `at_hash`. */
export interface ShapedTokens {
  readonly access: Claims;
  /** Undefined if there is no ID token: the authorization server issues none without the scope `openid`. */
  readonly id: Claims | undefined;
  /** Lifetime of the access token in seconds. */
  readonly lifetime: number;
  /** Whether the ID token contains the hash of the access token (`at_hash`). */
  readonly isHashed: boolean;
}

/**
 * The claims of access and ID tokens as of now, changed by the pool's PreTokenGeneration function. Writes nothing, so a
 * refusal at this point, the function's too, leaves everything unchanged.
 */
export async function shapeTokens(ctx: Ctx, minting: Minting): Promise<ShapedTokens> {
  const { pool, client, user, family, scopes, nonce, occasion } = minting;
  const lifetimes = tokenLifetimes(client);
  const strict = isStrict(pool, client);
  const isApi = family.origin === "api";
  const groups = await groupsOfUser(ctx.db, pool.id, user.id);
  const facts = {
    issuer: issuer(ctx.config, pool),
    clientId: client.id,
    user,
    groups,
    familyId: family.id,
    originJti: client.document.EnableTokenRevocation === false ? undefined : family.originJti,
    deviceKey: family.deviceKey,
    scope: scopes.join(" "),
    origin: family.origin,
    resource: family.resource,
    authTime: family.authTime,
    now: ctx.now,
    nonce,
    canRead: (attribute: string) =>
      canRead(pool, client, attribute) && (isApi || scopeIncludes(scopes, attribute, { strict })),
  };
  const access = accessTokenClaims({ ...facts, jti: randomUUID(), lifetime: lifetimes.access });
  const hasId = isApi || scopes.includes("openid");
  const id = hasId ? idTokenClaims({ ...facts, jti: randomUUID(), lifetime: lifetimes.id }) : undefined;
  const shaped = { access, id, lifetime: lifetimes.access, isHashed: !isApi };
  const about = { pool, client, user, groups: () => groupClaims(groups), scopes, occasion };
  const changes = await preTokenGeneration(ctx, about);
  return changes === undefined ? shaped : { ...shaped, ...changed(shaped, changes) };
}

function changed({ access, id }: Pick<ShapedTokens, "access" | "id">, changes: TokenChanges) {
  return { access: changeAccessClaims(access, changes), id: id && changeIdClaims(id, changes) };
}

/** Signs the claims made by `shapeTokens`. */
export async function signTokens(
  ctx: Ctx,
  pool: Pool,
  { access, id, lifetime, isHashed }: ShapedTokens,
): Promise<AuthenticationResultType> {
  const result = { ExpiresIn: lifetime, TokenType: "Bearer" };
  if (!isHashed && id !== undefined) {
    const [AccessToken, IdToken] = await Promise.all([
      sign(ctx, pool, "access", access),
      sign(ctx, pool, "id", id),
    ]);
    return { ...result, AccessToken, IdToken };
  }
  const AccessToken = await sign(ctx, pool, "access", access);
  if (id === undefined) return { ...result, AccessToken };
  const IdToken = await sign(ctx, pool, "id", { ...id, at_hash: accessTokenHash(AccessToken) });
  return { ...result, AccessToken, IdToken };
}

/** Signs claims with the pool's key for this use; returns a JWT. */
export async function sign(ctx: Ctx, pool: Pool, tokenUse: TokenUse, claims: Claims): Promise<string> {
  const key = await signingKey(ctx, pool, tokenUse);
  // The claims are complete, so the deep copy and the setters of SignJWT are not needed.
  const payload = utf8(JSON.stringify(claims));
  return new CompactSign(payload).setProtectedHeader({ kid: key.kid, alg: "RS256" }).sign(key.privateKey);
}

/** The scopes of an access token that was just issued here. */
export function issuedScopes({ AccessToken = "" }: AuthenticationResultType): readonly string[] {
  const { scope = "" } = decodeJwt<{ scope?: string }>(AccessToken);
  return scope.split(" ").filter((one) => one !== "");
}
