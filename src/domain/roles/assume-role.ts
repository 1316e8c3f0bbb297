/** Decides who gets a role's credentials, and issues them ("AssumeRole", AWS Security Token Service API Reference). */
import type { Ctx } from "../../app.ts";
import { CacheKind } from "../../lib/caches.ts";
import type { Context } from "../../policy/conditions.ts";
import type { Decision } from "../../policy/policy.ts";
import { type Caller, evaluateTrust, parseTrustPolicy, type TrustPolicy } from "../../policy/trust.ts";
import type { Role } from "../../store/roles.ts";
import { roleArn } from "./find-role.ts";
import { issueCredentials, type SessionCredentials, type SessionFacts } from "./session-credentials.ts";

/** Trust policies by their text, compiled. */
const trustPolicies = new CacheKind<TrustPolicy>(200);

/** Whether a role's trust policy lets a caller do something. */
export function trusts(
  ctx: Ctx,
  role: Pick<Role, "trust">,
  request: { readonly action: string; readonly principal: Caller; readonly context: Context },
): Decision {
  return evaluateTrust(trustOf(ctx, role), request);
}

/** A role's trust policy. */
export function trustOf(ctx: Ctx, { trust }: Pick<Role, "trust">): TrustPolicy {
  const cache = ctx.app.caches.of(trustPolicies);
  const known = cache.get(trust);
  if (known !== undefined) return known;
  const policy = parseTrustPolicy(trust);
  cache.set(trust, policy);
  return policy;
}

/** What a new session is about, besides its role and its time. */
export type NewSession = Omit<SessionFacts, "roleArn" | "roleName" | "roleId" | "issuedAt" | "expiresAt"> & {
  readonly seconds: number;
};

/** Issues the credentials of a role, which the caller has found to trust whom they are for. */
export function issueForRole(ctx: Ctx, role: Role, { seconds, ...session }: NewSession): SessionCredentials {
  return issueCredentials(ctx, {
    of: "role",
    facts: {
      ...session,
      ...lasting(ctx, seconds),
      roleArn: roleArn(ctx.config, role),
      roleName: role.name,
      roleId: role.id,
    },
  });
}

/** Issues credentials that may do nothing: nobody has defined their role here. */
export function issueForUnknownRole(
  ctx: Ctx,
  role: { readonly arn: string; readonly name: string },
  { seconds, ...session }: NewSession,
): SessionCredentials {
  const facts = { ...session, ...lasting(ctx, seconds), roleArn: role.arn, roleName: role.name };
  return issueCredentials(ctx, { of: "role", facts });
}

/** From now on, for a time in seconds. The end has whole seconds, as on the wire. */
function lasting({ now }: Pick<Ctx, "now">, seconds: number) {
  return { issuedAt: now, expiresAt: (Math.floor(now / 1000) + seconds) * 1000 };
}
