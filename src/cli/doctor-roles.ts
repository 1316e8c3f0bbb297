/** What `poolhouse doctor` says about the roles of identity pools. */
import type { Config } from "../config/config.ts";
import { loadIdentityPool } from "../domain/identity-pools/load-identity-pool.ts";
import { roleArn } from "../domain/roles/find-role.ts";
import { allRoles } from "../domain/roles/manage-roles.ts";
import { Caches } from "../lib/caches.ts";
import type { Finding } from "../lib/finding.ts";
import type { Db } from "../store/db.ts";
import { listIdentityPools } from "../store/identity-pools.ts";

/** As many pools as are looked at. */
const mostPools = 1000;

/** Names the roles that identity pools give their identities, and that nobody has defined here. */
export async function roleFindings(db: Db, config: Config): Promise<Finding[]> {
  const pools = await listIdentityPools(db, { after: "", limit: mostPools });
  if (pools.length === 0) return [];
  const defined = new Set((await allRoles(db)).map((role) => roleArn(config, role)));
  const findings: Finding[] = [];
  for (const { poolId } of pools) {
    const { document } = await loadIdentityPool({ db, app: { caches: new Caches() } }, poolId);
    const rules = Object.values(document.RoleMappings ?? {}).flatMap(
      ({ RulesConfiguration }) => RulesConfiguration?.Rules ?? [],
    );
    const arns = new Set([...Object.values(document.Roles ?? {}), ...rules.map(({ RoleARN }) => RoleARN)]);
    if (arns.size === 0)
      findings.push({
        ok: "perhaps",
        text: `the identity pool ${poolId} has no roles, and gives no credentials`,
      });
    for (const arn of arns) if (!defined.has(arn)) findings.push(undefinedRole(config, poolId, arn));
  }
  return findings.length > 0 ? findings : [{ ok: true, text: "the roles of all identity pools are defined" }];
}

const undefinedRole = ({ sts }: Config, poolId: string, arn: string): Finding =>
  sts === undefined
    ? {
        ok: "perhaps",
        text: `the identity pool ${poolId} gives credentials of ${arn}, which is not defined here: they may do nothing (poolhouse roles create)`,
      }
    : { ok: true, text: `the credentials of ${arn} for the identity pool ${poolId} come from ${sts.url}` };
