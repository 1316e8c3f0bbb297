/** GetCredentialsForIdentity and GetOpenIdToken ("Credentials provider authflow", Amazon Cognito Developer Guide). */
import type { Ctx } from "../../app.ts";
import { type UpstreamSts, UpstreamStsError } from "../../integrations/upstream-sts.ts";
import { refuse } from "../../wire/refuse.ts";
import { type IdentityPool, isRevoked } from "../identity-pools/load-identity-pool.ts";
import { isSamlProviderArn, ownProvider } from "../identity-pools/provider-names.ts";
import { actionsFor, issueForRole, type NewSession, ofRole, trusts } from "../roles/assume-role.ts";
import { findRole, roleNameOf } from "../roles/find-role.ts";
import type { SessionCredentials } from "../roles/session-credentials.ts";
import { contextFor } from "./assume-with-web-identity.ts";
import { chooseRole } from "./choose-role.ts";
import { assertUsable, identityFor } from "./find-identity.ts";
import { methodsOf, type VerifiedLogin } from "./login.ts";
import { verifyLogins } from "./logins.ts";
import {
  type IdentityClaims,
  type ReadClaims,
  readIdentityToken,
  refuseToken,
  signIdentityToken,
} from "./openid-tokens.ts";
import { principalTags } from "./principal-tags.ts";
import { ofIdentity } from "./web-identity.ts";

/** How long credentials of the enhanced flow are valid. Seconds. */
const credentialSeconds = 3_600;
/** The name of the sessions that identity pools begin. */
const sessionName = "CognitoIdentityCredentials";

/** Who a request turned out to come from. */
export interface Identified {
  readonly claims: IdentityClaims;
  /** The verified logins of the request; none for a guest, and for an OpenID token of ours. */
  readonly logins: readonly VerifiedLogin[];
  /** When the OpenID token of ours expires that proved it. Epoch milliseconds. */
  readonly until?: number;
}

/**
 * Identifies the caller of a request that names an identity. Throws NotAuthorizedException unless the logins prove that it
 * is theirs.
 */
export async function identify(
  ctx: Ctx,
  pool: IdentityPool,
  identityId: string,
  given: Readonly<Record<string, string>>,
): Promise<Identified> {
  const own = given[ownProvider];
  if (own !== undefined && Object.keys(given).length === 1) {
    const claims = await byOwnToken(ctx, pool, identityId, own);
    return { claims, logins: [], until: claims.expiresAt };
  }
  const logins = await verifyLogins(ctx, pool, given);
  const id = await identityFor(ctx, pool, identityId, logins);
  return {
    claims: {
      poolId: pool.id,
      identityId: id,
      amr: logins.length === 0 ? ["unauthenticated"] : methodsOf(logins),
      tags: principalTags(pool, logins),
    },
    logins,
  };
}

/** By a token that GetOpenIdTokenForDeveloperIdentity, or GetOpenIdToken, has made for the identity. */
async function byOwnToken(
  ctx: Ctx,
  pool: IdentityPool,
  identityId: string,
  token: string,
): Promise<ReadClaims> {
  const claims = await readIdentityToken(ctx, token);
  if (typeof claims === "string") return refuseToken(claims);
  const isTheirs = claims.identityId === identityId && claims.poolId === pool.id;
  // A guest's token proves nothing that the identity's id does not.
  if (!isTheirs || isRevoked(pool, claims.issuedAt) || claims.amr[0] !== "authenticated")
    return refuseToken("invalid");
  await assertUsable(ctx, pool, identityId);
  return claims;
}

/** How long the OpenID tokens of GetOpenIdToken are valid. Seconds. */
const tokenSeconds = 600;

/** The OpenID token of an identity, for the basic flow (GetOpenIdToken). */
export async function openIdTokenFor(
  ctx: Ctx,
  pool: IdentityPool,
  identityId: string,
  logins: Readonly<Record<string, string>>,
): Promise<{ readonly identityId: string; readonly token: string }> {
  if (pool.document.AllowClassicFlow !== true)
    refuse("InvalidParameterException", "Basic (classic) flow is not enabled, please use enhanced flow.");
  if (Object.keys(logins).some(isSamlProviderArn))
    refuse(
      "InvalidParameterException",
      "Basic (classic) flow is not supported with SAML, please use enhanced flow.",
    );
  const { claims, until = Number.POSITIVE_INFINITY } = await identify(ctx, pool, identityId, logins);
  // A token does not prolong itself.
  const seconds = Math.min(tokenSeconds, until / 1000 - Math.floor(ctx.now / 1000));
  return { identityId: claims.identityId, token: await signIdentityToken(ctx, claims, seconds) };
}

/** The credentials of an identity, and its id: that of the one which its logins belong to. */
export async function credentialsFor(
  ctx: Ctx,
  pool: IdentityPool,
  request: {
    readonly identityId: string;
    readonly logins: Readonly<Record<string, string>>;
    /** CustomRoleArn. */
    readonly wanted: string | undefined;
  },
): Promise<{ readonly identityId: string; readonly credentials: SessionCredentials }> {
  const { claims, logins } = await identify(ctx, pool, request.identityId, request.logins);
  const arn = roleFor(ctx, pool, { claims, logins }, request.wanted);
  return { identityId: claims.identityId, credentials: await issue(ctx, arn, claims, logins) };
}

/** The role of an identity; with an OpenID token of ours that of all who are authenticated. */
function roleFor(
  ctx: Ctx,
  pool: IdentityPool,
  { claims, logins }: Identified,
  wanted: string | undefined,
): string {
  if (logins.length > 0 || claims.amr[0] === "unauthenticated")
    return chooseRole(ctx.config, pool, logins, wanted);
  const role = pool.document.Roles?.["authenticated"];
  if (wanted !== undefined && wanted !== role)
    refuse("NotAuthorizedException", "Access to a role was denied for this identity.");
  return role ?? unassumable("the pool has no role");
}

async function issue(
  ctx: Ctx,
  arn: string,
  claims: IdentityClaims,
  logins: readonly VerifiedLogin[],
): Promise<SessionCredentials> {
  const { poolId, identityId, amr, tags } = claims;
  const session: NewSession = {
    name: sessionName,
    seconds: credentialSeconds,
    tags,
    identity: { poolId, identityId, amr },
    federatedProvider: logins[0]?.provider ?? ownProvider,
    policies: amr[0] === "unauthenticated" ? [guestPolicy] : undefined,
  };
  const role = await findRole(ctx, arn);
  const name = roleNameOf(arn);
  if (role === undefined) {
    const { upstreamSts } = ctx.app;
    if (upstreamSts !== undefined) return issueUpstream(ctx, upstreamSts, arn, claims);
    return issueForRole(
      ctx,
      { roleArn: arn, roleName: name ?? unassumable("not the ARN of a role") },
      session,
    );
  }
  const context = contextFor(ctx, ofIdentity(ctx.config, claims), { RoleSessionName: sessionName });
  const caller = { type: "Federated", values: [ownProvider] } as const;
  for (const action of actionsFor("sts:AssumeRoleWithWebIdentity", { tags }))
    if (trusts(ctx, role, { action, principal: caller, context }) !== "allow")
      unassumable(`the trust policy of ${arn} does not allow ${action}`);
  return issueForRole(ctx, ofRole(ctx, role), session);
}

/** Credentials of a role that is not defined here, from the STS that is configured. */
async function issueUpstream(
  ctx: Ctx,
  upstream: UpstreamSts,
  roleArn: string,
  claims: IdentityClaims,
): Promise<SessionCredentials> {
  const token = await signIdentityToken(ctx, claims, tokenSeconds);
  try {
    return await upstream.assume({ roleArn, sessionName, token, seconds: credentialSeconds });
  } catch (error) {
    if (!(error instanceof UpstreamStsError)) throw error;
    if (error.code !== undefined) return unassumable(error.message);
    return refuse("ExternalServiceException", "The token service cannot be reached.", error.message);
  }
}

/**
 * What guests may not do in the enhanced flow, whatever their role allows: administer user pools, identity pools and
 * functions (AWS limits its guests to a list of services: "Services that unauthenticated identities can access").
 */
const guestPolicy = JSON.stringify({
  Version: "2012-10-17",
  Statement: [
    { Effect: "Allow", Action: "*", Resource: "*" },
    {
      Effect: "Deny",
      Action: [
        "cognito-idp:*",
        "cognito-identity:*",
        "lambda:*",
        "kms:*",
        "iam:*",
        "sts:AssumeRole",
        "poolhouse:*",
      ],
      Resource: "*",
    },
  ],
});

function unassumable(detail: string): never {
  return refuse(
    "InvalidIdentityPoolConfigurationException",
    "Invalid identity pool configuration. Check assigned IAM roles for this pool.",
    detail,
  );
}
