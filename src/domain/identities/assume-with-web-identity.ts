/** AssumeRoleWithWebIdentity: credentials of a role for the owner of an OpenID token (AWS Security Token Service API Reference). */
import type { Ctx } from "../../app.ts";
import type { Context } from "../../policy/conditions.ts";
import { undecidable } from "../../policy/policy.ts";
import type { AssumeRoleWithWebIdentityRequest } from "../../wire/generated/sts.types.ts";
import { refuse } from "../../wire/refuse.ts";
import { type AssumedRole, actionsFor, beginSession, trusts } from "../roles/assume-role.ts";
import { findRole, roleNameOf } from "../roles/find-role.ts";
import { refuseUnsupported } from "../roles/session-request.ts";
import { verifyWebIdentity, type WebIdentity } from "./web-identity.ts";

const operation = "sts:AssumeRoleWithWebIdentity";

export async function assumeRoleWithWebIdentity(
  ctx: Ctx,
  request: AssumeRoleWithWebIdentityRequest,
): Promise<AssumedRole & Pick<WebIdentity, "issuer" | "subject" | "audience">> {
  if (roleNameOf(request.RoleArn) === undefined) refuse("ValidationException", "Request ARN is invalid");
  refuseUnsupported(request);
  if (request.ProviderId !== undefined)
    refuse("ValidationException", "ProviderId is for tokens of OAuth 2.0, which are not supported.");
  const who = await verifyWebIdentity(ctx, request.WebIdentityToken);
  const { sourceIdentity } = who;
  const { tags, transitive } = who.tags;
  const role = await findRole(ctx, request.RoleArn);
  const context = contextFor(ctx, who, request);
  const principal = { type: "Federated", values: who.principals } as const;
  // Who asks for a role that does not exist learns no more than who may not have it.
  for (const action of actionsFor(operation, { tags, sourceIdentity }))
    if (role === undefined || trusts(ctx, role, { action, principal, context }) !== "allow")
      return refuse(
        "AccessDeniedException",
        `Not authorized to perform ${operation}`,
        role === undefined ? "there is no such role" : `its trust policy does not allow ${action}`,
      );
  const { issuer, subject, audience, federatedProvider, identity } = who;
  const about = { tags, transitiveTags: transitive, sourceIdentity, federatedProvider, identity };
  return {
    ...beginSession(ctx, role!, request, { isChained: false, ...about }),
    ...{ issuer, subject, audience },
  };
}

/** What a trust policy can test of the request ("Available keys for AWS web identity federation", IAM User Guide). */
export function contextFor(
  ctx: Ctx,
  {
    prefixes,
    audience,
    subject,
    amr,
    tags: { tags, transitive },
    sourceIdentity,
    federatedProvider,
  }: WebIdentity,
  {
    RoleSessionName,
    DurationSeconds,
  }: Pick<AssumeRoleWithWebIdentityRequest, "RoleSessionName" | "DurationSeconds">,
): Context {
  const ofProvider = prefixes.flatMap((prefix) => [
    [`${prefix}:aud`, audience] as const,
    [`${prefix}:sub`, subject] as const,
    [`${prefix}:amr`, amr.length === 0 ? undefined : amr] as const,
  ]);
  const ofTags = Object.entries(tags).map(([key, value]) => [`aws:RequestTag/${key}`, value] as const);
  return {
    ...Object.fromEntries([...ofProvider, ...ofTags]),
    "aws:TagKeys": ofTags.length === 0 ? undefined : Object.keys(tags),
    "sts:TransitiveTagKeys": transitive.length === 0 ? undefined : transitive,
    "sts:RoleSessionName": RoleSessionName,
    "sts:SourceIdentity": sourceIdentity,
    "sts:DurationSeconds": DurationSeconds,
    "aws:FederatedProvider": federatedProvider,
    "aws:SourceIp": ctx.address,
    "aws:UserAgent": ctx.userAgent,
    "aws:SecureTransport": ctx.isSecure() ?? undecidable,
    "aws:CurrentTime": new Date(ctx.now).toISOString(),
    "aws:EpochTime": Math.floor(ctx.now / 1000),
    "aws:RequestedRegion": ctx.config.region,
  };
}
