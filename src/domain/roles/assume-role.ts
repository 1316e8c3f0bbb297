/** Decides who gets a role's credentials, and issues them ("AssumeRole", AWS Security Token Service API Reference). */
import type { Ctx } from "../../app.ts";
import { CacheKind } from "../../lib/caches.ts";
import type { Context } from "../../policy/conditions.ts";
import type { Decision } from "../../policy/policy.ts";
import { type Caller, evaluateTrust, parseTrustPolicy, type TrustPolicy } from "../../policy/trust.ts";
import type { Role } from "../../store/roles.ts";
import { roleArn, sessionArn } from "./find-role.ts";
import { issueCredentials, type SessionCredentials, type SessionFacts } from "./session-credentials.ts";
import { packedSize, sessionPolicies, sessionSeconds } from "./session-request.ts";

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
export const trustOf = ({ app }: Ctx, { trust }: Pick<Role, "trust">): TrustPolicy =>
  app.caches.obtain(trustPolicies, trust, () => parseTrustPolicy(trust));

/** What a new session is about, besides its role and its time. */
export type NewSession = Omit<SessionFacts, "roleArn" | "roleName" | "roleId" | "issuedAt" | "expiresAt"> & {
  readonly seconds: number;
};

/** What a session says of its role; without an id nobody has defined it here, and the credentials may do nothing. */
type OfRole = Pick<SessionFacts, "roleArn" | "roleName" | "roleId">;

export const ofRole = ({ config }: Pick<Ctx, "config">, role: Role): OfRole => ({
  roleArn: roleArn(config, role),
  roleName: role.name,
  roleId: role.id,
});

/** Issues the credentials of a role, which the caller has found to trust whom they are for. */
export function issueForRole(
  ctx: Ctx,
  role: OfRole,
  { seconds, ...session }: NewSession,
): SessionCredentials {
  return issueCredentials(ctx, { of: "role", facts: { ...session, ...lasting(ctx, seconds), ...role } });
}

/** From now on, for a time in seconds. The end has whole seconds, as on the wire. */
export function lasting({ now }: Pick<Ctx, "now">, seconds: number) {
  return { issuedAt: now, expiresAt: (Math.floor(now / 1000) + seconds) * 1000 };
}

/** A session of a role, as STS answers it. */
export interface AssumedRole {
  readonly credentials: SessionCredentials;
  /** `<id of the role>:<name of the session>`. */
  readonly userId: string;
  readonly arn: string;
  /** In percent. */
  readonly packedSize: number;
  readonly sourceIdentity: string | undefined;
}

/** What a request says of the session that it wants. */
interface Wanted {
  readonly RoleSessionName: string;
  readonly DurationSeconds?: number | undefined;
  readonly Policy?: string | undefined;
}

/**
 * Begins a session of a role, which the caller has found to trust whom it is for.
 * @param isChained whether the caller has assumed a role itself
 */
export function beginSession(
  ctx: Ctx,
  role: Role,
  { RoleSessionName: name, DurationSeconds, Policy }: Wanted,
  {
    isChained,
    ...about
  }: Omit<NewSession, "name" | "seconds" | "policies"> & { readonly isChained: boolean },
): AssumedRole {
  const seconds = sessionSeconds(role, DurationSeconds, isChained);
  const policies = sessionPolicies(Policy);
  const size = packedSize(policies, about.tags ?? {});
  return {
    credentials: issueForRole(ctx, ofRole(ctx, role), { ...about, name, seconds, policies }),
    userId: `${role.id}:${name}`,
    arn: sessionArn(ctx.config, role.name, name),
    packedSize: size,
    sourceIdentity: about.sourceIdentity,
  };
}

/** All actions that a role must allow for a session with these tags and this source identity. */
export function actionsFor(
  action: string,
  {
    tags,
    sourceIdentity,
  }: Pick<NewSession, "sourceIdentity"> & { readonly tags: Readonly<Record<string, string>> },
): string[] {
  return [
    action,
    ...(Object.keys(tags).length > 0 ? ["sts:TagSession"] : []),
    ...(sourceIdentity === undefined ? [] : ["sts:SetSourceIdentity"]),
  ];
}
