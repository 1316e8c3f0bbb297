/** Who calls with temporary credentials, and whether these still count. */
import type { Ctx } from "../../app.ts";
import { readRole } from "../../store/roles.ts";
import { findAccessKey, principalOf } from "../iam/access-keys.ts";
import type { Principal } from "../iam/principal.ts";
import { findIdentityPool, isRevoked } from "../identity-pools/load-identity-pool.ts";
import { sessionArn } from "./find-role.ts";
import type { Session, SessionFacts } from "./session-credentials.ts";

/**
 * The principal of a session, with the policies that its role has now. Undefined if the credentials count no more: the role
 * was deleted, or is another one of the same name, or its sessions were revoked, or the identity pool or the access key
 * is gone, or another key has its id.
 */
export async function principalOfSession(
  ctx: Ctx,
  accessKeyId: string,
  session: Session,
): Promise<Principal | undefined> {
  if (session.of === "role") return ofRole(ctx, accessKeyId, session.facts);
  const { accessKeyId: of, issuedAt } = session.facts;
  const key = await findAccessKey(ctx, of);
  // A root key that is configured may have the id of its predecessor, whose sessions are not its own.
  if (key === undefined || key.createdAt > issuedAt) return undefined;
  return { ...principalOf(ctx, key), isKeySession: true };
}

async function ofRole(ctx: Ctx, accessKeyId: string, facts: SessionFacts): Promise<Principal | undefined> {
  const { roleArn, roleId, roleName, name, issuedAt, identity } = facts;
  const role = roleId === undefined ? undefined : await readRole(ctx.db, roleName);
  if (roleId !== undefined && (role?.id !== roleId || role.notBefore > issuedAt)) return undefined;
  if (identity !== undefined) {
    const pool = await findIdentityPool(ctx, identity.poolId);
    if (pool === undefined || isRevoked(pool, issuedAt)) return undefined;
  }
  const { tags = {}, transitiveTags, sourceIdentity, federatedProvider, policies } = facts;
  return {
    accessKeyId,
    name: roleName,
    arn: sessionArn(ctx.config, roleName, name),
    policies: Object.values(role?.policies ?? {}),
    session: {
      roleArn,
      userId: `${roleId ?? "AROA"}:${name}`,
      issuedAt,
      tags,
      ...(roleId !== undefined && { roleId }),
      ...(transitiveTags !== undefined && { transitiveTags }),
      ...(sourceIdentity !== undefined && { sourceIdentity }),
      ...(federatedProvider !== undefined && { federatedProvider }),
      ...(identity !== undefined && {
        identity: { aud: identity.poolId, sub: identity.identityId, amr: identity.amr },
      }),
      ...(policies !== undefined && { policies }),
    },
  };
}
