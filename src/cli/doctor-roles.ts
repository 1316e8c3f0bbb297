/** What `poolhouse doctor` says about the roles and providers of identity pools. */
import type { Config } from "../config/config.ts";
import { type IdentityPoolDocument, loadIdentityPool } from "../domain/identity-pools/load-identity-pool.ts";
import { ownProvider, userPoolNamed } from "../domain/identity-pools/provider-names.ts";
import { roleArn } from "../domain/roles/find-role.ts";
import { allRoles } from "../domain/roles/manage-roles.ts";
import { Caches } from "../lib/caches.ts";
import type { Finding } from "../lib/finding.ts";
import type { Context } from "../policy/conditions.ts";
import { undecidable } from "../policy/policy.ts";
import { couldTrust, parseTrustPolicy, trustKeysAsked } from "../policy/trust.ts";
import type { Db } from "../store/db.ts";
import { listGroups } from "../store/groups.ts";
import { listIdentityPools } from "../store/identity-pools.ts";
import type { Role } from "../store/roles.ts";
import { listTrustedProviders } from "../store/trusted-providers.ts";
import { idleMappings, metadataFindings, unknownProviders } from "./doctor-providers.ts";

/** As many pools as are looked at. */
const mostPools = 1000;

/**
 * Names the roles that identity pools give their identities, by themselves or by groups of user pools, and that nobody has
 * defined here; roles that nobody, or not this pool, can have; role mappings of no provider; what guests may do besides calling APIs; and providers whose logins are refused.
 */
export async function roleFindings(db: Db, config: Config): Promise<Finding[]> {
  const pools = await listIdentityPools(db, { after: "", limit: mostPools });
  if (pools.length === 0) return [];
  const roles = await allRoles(db);
  const defined = new Map(roles.map((role) => [roleArn(config, role), role]));
  const providers = await listTrustedProviders(db);
  const findings: Finding[] = [
    ...roles.flatMap(trustFinding),
    ...(await metadataFindings(providers, Date.now())),
  ];
  for (const { poolId } of pools) {
    const { document } = await loadIdentityPool({ db, app: { caches: new Caches() } }, poolId);
    const arns = new Set([...ownRoles(document), ...(await groupRoles(db, config, document))]);
    // A SAML provider can name roles itself.
    if (arns.size === 0 && document.SamlProviderARNs === undefined)
      findings.push({
        ok: "perhaps",
        text: `the identity pool ${poolId} has no roles, and gives no credentials`,
      });
    for (const arn of arns) if (!defined.has(arn)) findings.push(undefinedRole(config, poolId, arn));
    findings.push(...untrusting(poolId, document, defined));
    findings.push(...unknownProviders(poolId, document, providers));
    findings.push(...idleMappings(config, poolId, document));
    const guests = defined.get(document.Roles?.["unauthenticated"] ?? "");
    if (document.AllowUnauthenticatedIdentities && guests !== undefined && allowsMoreThanApis(guests))
      findings.push({
        ok: "perhaps",
        text: `guests of the identity pool ${poolId} have the role ${guests.name}, which allows more than execute-api`,
      });
  }
  return findings.length > 0
    ? findings
    : [{ ok: true, text: "the roles of all identity pools are defined, and their providers registered" }];
}

/** The roles that a pool's own settings name. */
function ownRoles({ Roles = {}, RoleMappings = {} }: IdentityPoolDocument): string[] {
  const rules = Object.values(RoleMappings).flatMap(
    ({ RulesConfiguration }) => RulesConfiguration?.Rules ?? [],
  );
  return [...Object.values(Roles), ...rules.map(({ RoleARN }) => RoleARN)];
}

/** Names the roles of a pool's own settings that do not trust it, so that it cannot give their credentials. */
function untrusting(
  poolId: string,
  document: IdentityPoolDocument,
  defined: ReadonlyMap<string, Role>,
): Finding[] {
  const guests = document.Roles?.["unauthenticated"];
  return [...new Set(ownRoles(document))].flatMap((arn) => {
    const role = defined.get(arn);
    if (role === undefined || trustsPool(role, poolId, arn === guests ? ["unauthenticated"] : undecidable))
      return [];
    const [whom, amr] = arn === guests ? ["guests", "unauthenticated"] : ["users", "authenticated"];
    const text = `the trust policy of the role ${role.name} does not allow ${whom} of the identity pool ${poolId} its credentials: cognito-identity.amazonaws.com:aud must be that id, and :amr ${amr}`;
    return [{ ok: "perhaps", text }];
  });
}

/** Whether identities of a pool could have a role. @param amr how they signed in, if that is known */
function trustsPool({ trust }: Role, poolId: string, amr: Context[string]): boolean {
  const policy = parseTrustPolicy(trust);
  const action = "sts:AssumeRoleWithWebIdentity";
  const open = [...trustKeysAsked(policy, action)].map((key) => [key, undecidable] as const);
  const context: Context = {
    ...Object.fromEntries(open),
    [`${ownProvider}:aud`]: poolId,
    [`${ownProvider}:amr`]: amr,
  };
  return couldTrust(policy, { action, principal: { type: "Federated", values: [ownProvider] }, context });
}

/** As many groups of a user pool as are looked at. */
const mostGroups = 1000;

/** The roles of groups of the user pools that an identity pool takes logins of. */
async function groupRoles(db: Db, config: Config, document: IdentityPoolDocument): Promise<string[]> {
  const names = (document.CognitoIdentityProviders ?? []).map(({ ProviderName }) => ProviderName ?? "");
  const poolIds = new Set(names.flatMap((name) => userPoolNamed(config, name) ?? []));
  const arns: string[] = [];
  for (const poolId of poolIds)
    for (const group of await listGroups(db, poolId, { after: "", limit: mostGroups }))
      if (group.roleArn !== null) arns.push(group.roleArn);
  return arns;
}

function trustFinding({ name, trust }: Role): Finding[] {
  if (parseTrustPolicy(trust).statements.some(({ effect }) => effect === "Allow")) return [];
  return [{ ok: "perhaps", text: `the trust policy of the role ${name} allows nobody to have it` }];
}

interface Statement {
  readonly Effect: string;
  readonly Action?: string | readonly string[];
}

/** Whether the policies of a role allow other actions than calls of your own APIs. */
function allowsMoreThanApis({ policies }: Role): boolean {
  const statements = Object.values(policies).flatMap(
    (json) => (JSON.parse(json) as { Statement: Statement | Statement[] }).Statement,
  );
  return statements.some(
    ({ Effect, Action }) =>
      Effect === "Allow" &&
      (Action === undefined || [Action].flat().some((one) => !/^execute-api:/i.test(one))),
  );
}

const undefinedRole = ({ sts }: Config, poolId: string, arn: string): Finding =>
  sts === undefined
    ? {
        ok: "perhaps",
        text: `the identity pool ${poolId} gives credentials of ${arn}, which is not defined here: they may do nothing (poolhouse roles create)`,
      }
    : { ok: true, text: `the credentials of ${arn} for the identity pool ${poolId} come from ${sts.url}` };
