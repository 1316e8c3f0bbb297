/**
 * Verifies the tokens by which AssumeRoleWithWebIdentity is told who somebody is: ID tokens of OpenID providers, among them
 * the issuer of identity pools and this server's user pools. `issuers` is THE table of them.
 */
import { decodeJwt } from "jose";
import type { Ctx } from "../../app.ts";
import { Refusal } from "../../lib/refusal.ts";
import { isStorable } from "../../lib/text.ts";
import { readTrustedProvider } from "../../store/trusted-providers.ts";
import { isOfShape } from "../../wire/check.ts";
import { stsModel } from "../../wire/generated/sts.ts";
import { refuse } from "../../wire/refuse.ts";
import { findIdentityPool, isRevoked } from "../identity-pools/load-identity-pool.ts";
import {
  identityIssuer,
  openIdProviderArn,
  ownProvider,
  userPoolNamed,
  withoutScheme,
} from "../identity-pools/provider-names.ts";
import type { SessionIdentity } from "../roles/session-credentials.ts";
import type { SessionTags } from "../roles/session-tags.ts";
import { isStillValid, verifyIdToken } from "../tokens/id-token.ts";
import { findPool } from "../user-pools/load-pool.ts";
import { assertUsable } from "./find-identity.ts";
import { readForeignToken } from "./foreign-token.ts";
import { type IdentityClaims, readIdentityToken, tagsClaim } from "./openid-tokens.ts";

/** Whom a verified token is about. */
export interface WebIdentity {
  /** The `iss` of the token. */
  readonly issuer: string;
  /** What a trust policy can call the provider as Principal.Federated. */
  readonly principals: readonly string[];
  /** What the provider's condition keys begin with: `<prefix>:aud`. */
  readonly prefixes: readonly string[];
  /** What `aws:FederatedProvider` is in the session. */
  readonly federatedProvider: string;
  readonly subject: string;
  readonly audience: string;
  readonly amr: readonly string[];
  readonly tags: SessionTags;
  readonly sourceIdentity: string | undefined;
  /** Set if it is an identity of an identity pool. */
  readonly identity: SessionIdentity | undefined;
}

/** Verifies a token if its issuer is one of this kind; undefined if it is not. Throws the documented errors. */
type WebIssuer = (ctx: Ctx, issuer: string, token: string) => Promise<WebIdentity | undefined>;

const issuers: readonly WebIssuer[] = [identityPools, userPools, trustedProviders];

/** Whom a token is about. Throws InvalidIdentityTokenException or ExpiredTokenException. */
export async function verifyWebIdentity(ctx: Ctx, token: string): Promise<WebIdentity> {
  const issuer = issuerOf(token);
  for (const verify of issuers) {
    const identity = await verify(ctx, issuer, token);
    if (identity !== undefined) return identity;
  }
  return invalid(`No OpenIDConnect provider found in your account for ${issuer.slice(0, 256)}`);
}

function issuerOf(token: string): string {
  try {
    const { iss } = decodeJwt(token);
    if (typeof iss === "string" && isStorable(iss)) return iss;
  } catch {
    // No JWT.
  }
  return invalid("The web identity token provided could not be validated");
}

function invalid(message: string): never {
  return refuse("InvalidIdentityTokenException", message);
}

function refuseFault(fault: "expired" | "issuer" | "invalid"): never {
  return fault === "expired"
    ? refuse("ExpiredTokenException", "The web identity token that was passed is expired or is not valid.")
    : invalid("The web identity token provided could not be validated");
}

async function identityPools(ctx: Ctx, issuer: string, token: string): Promise<WebIdentity | undefined> {
  if (issuer !== identityIssuer(ctx.config)) return undefined;
  const claims = await readIdentityToken(ctx, token);
  if (typeof claims === "string") return refuseFault(claims);
  const { poolId, identityId, issuedAt } = claims;
  const pool = await findIdentityPool(ctx, poolId);
  if (pool === undefined || isRevoked(pool, issuedAt)) return refuseFault("invalid");
  try {
    await assertUsable(ctx, pool, identityId);
  } catch (error) {
    return error instanceof Refusal ? refuseFault("invalid") : Promise.reject(error);
  }
  return ofIdentity(ctx.config, claims);
}

/** An identity of an identity pool, by its OpenID token or as the pool has just identified it. */
export function ofIdentity(
  config: Ctx["config"],
  { poolId, identityId, amr, tags }: IdentityClaims,
): WebIdentity {
  const issuer = identityIssuer(config);
  const provider = withoutScheme(issuer);
  return {
    issuer,
    principals: [ownProvider, openIdProviderArn(config, provider)],
    prefixes: [ownProvider, provider],
    federatedProvider: ownProvider,
    subject: identityId,
    audience: poolId,
    amr,
    tags: { tags, transitive: [] },
    sourceIdentity: undefined,
    identity: { poolId, identityId, amr },
  };
}

/** The ID tokens of this server's user pools, whose users must still be signed in. */
async function userPools(ctx: Ctx, issuer: string, token: string): Promise<WebIdentity | undefined> {
  const provider = withoutScheme(issuer);
  const poolId = userPoolNamed(ctx.config, provider);
  const pool = poolId === undefined ? undefined : await findPool(ctx, poolId);
  if (pool === undefined) return undefined;
  const claims = await verifyIdToken(ctx, pool, token);
  if (typeof claims === "string") return refuseFault(claims);
  if (!(await isStillValid(ctx, pool, claims)))
    return refuse("InvalidIdentityTokenException", "The web identity token provided has been revoked");
  const audience = String(claims.aud);
  const registered = await readTrustedProvider(ctx.db, openIdProviderArn(ctx.config, provider));
  // Whoever has registered the pool has listed the clients that count.
  if (registered?.kind === "oidc" && !registered.document.clientIds.includes(audience))
    return invalid("Incorrect token audience");
  return ofProvider(ctx, issuer, { subject: claims.sub!, audience, claims });
}

/** The ID tokens of OpenID providers that are trusted (`poolhouse trusted-providers`). */
async function trustedProviders(ctx: Ctx, issuer: string, token: string): Promise<WebIdentity | undefined> {
  const arn = openIdProviderArn(ctx.config, withoutScheme(issuer));
  const trusted = await readTrustedProvider(ctx.db, arn);
  if (trusted?.kind !== "oidc") return undefined;
  const { url, clientIds } = trusted.document;
  const read = await readForeignToken(ctx, { issuer: url, clientIds }, token);
  if ("fault" in read) {
    if (read.fault === "unavailable")
      return refuse(
        "IDPCommunicationErrorException",
        "The identity provider cannot be reached.",
        read.detail,
      );
    if (read.fault === "audience") return invalid("Incorrect token audience");
    return refuseFault(read.fault);
  }
  const { subject, clientId, claims } = read;
  return ofProvider(ctx, issuer, { subject, audience: clientId, claims });
}

/** The owner of an OpenID provider's token that was verified. */
function ofProvider(
  ctx: Ctx,
  issuer: string,
  token: Pick<WebIdentity, "subject" | "audience"> & { readonly claims: Readonly<Record<string, unknown>> },
): WebIdentity {
  const { subject, audience, claims } = token;
  const provider = withoutScheme(issuer);
  const arn = openIdProviderArn(ctx.config, provider);
  return {
    issuer,
    principals: [arn],
    prefixes: [provider],
    federatedProvider: arn,
    subject,
    audience,
    amr: textsOf(claims["amr"]) ?? [],
    tags: tagsIn(claims[tagsClaim]),
    sourceIdentity: sourceIdentityIn(claims[sourceIdentityClaim]),
    identity: undefined,
  };
}

const sourceIdentityClaim = "https://aws.amazon.com/source_identity";

function sourceIdentityIn(given: unknown): string | undefined {
  if (given === undefined) return undefined;
  const isOne = typeof given === "string" && isOfShape(stsModel, "sourceIdentityType", given);
  return isOne ? given : invalid("The source identity in the token is not valid");
}

/**
 * The session tags of a token: `{principal_tags: {key: [value]}, transitive_tag_keys: [key]}` ("Pass session tags using
 * AssumeRoleWithWebIdentity", IAM User Guide). Only functions of a pool's triggers can set them.
 */
function tagsIn(given: unknown): SessionTags {
  if (given === undefined) return { tags: {}, transitive: [] };
  const { principal_tags: tags, transitive_tag_keys: keys = [] } = recordOf(given);
  const entries = Object.entries(recordOf(tags ?? {})).map(([key, value]) => {
    const [text, ...more] = textsOf([value].flat()) ?? oddTags();
    const fits =
      text !== undefined &&
      more.length === 0 &&
      !/^aws:/i.test(key) &&
      isOfShape(stsModel, "tagKeyType", key) &&
      isOfShape(stsModel, "tagValueType", text);
    return fits ? ([key, text] as const) : oddTags();
  });
  const folded = new Set(entries.map(([key]) => key.toLowerCase()));
  const transitive = textsOf(keys) ?? oddTags();
  if (entries.length > 50 || folded.size < entries.length) return oddTags();
  if (transitive.some((key) => !folded.has(key.toLowerCase()))) return oddTags();
  return { tags: Object.fromEntries(entries), transitive };
}

const oddTags = (): never => invalid("The tags in the token are not valid");

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  const isRecord = typeof value === "object" && value !== null && !Array.isArray(value);
  return isRecord ? (value as Readonly<Record<string, unknown>>) : oddTags();
}

function textsOf(value: unknown): string[] | undefined {
  return Array.isArray(value) && value.every((one) => typeof one === "string") ? value : undefined;
}
