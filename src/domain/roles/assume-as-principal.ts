/**
 * AssumeRole and GetSessionToken: temporary credentials for whoever signs the call ("AssumeRole" and "GetSessionToken", AWS
 * Security Token Service API Reference). All callers are of the role's own account, for which AWS's rule is:
 *
 * - The role's trust policy names the caller itself (the user, the role, the session, or everybody). That alone suffices,
 *   unless a policy of the caller denies it, or a session policy does not allow it.
 * - It names the caller's account. Then the caller's own policies must allow the action on the role, too.
 */
import type { Ctx } from "../../app.ts";
import type { Context } from "../../policy/conditions.ts";
import { type Caller, trustKeysAsked } from "../../policy/trust.ts";
import type { Role } from "../../store/roles.ts";
import type { AssumeRoleRequest, GetSessionTokenRequest } from "../../wire/generated/sts.types.ts";
import { refuse } from "../../wire/refuse.ts";
import { noteTarget } from "../audit/call.ts";
import { decide, namedPolicies } from "../iam/access-keys.ts";
import { contextOf, type PolicyRequest } from "../iam/condition-keys.ts";
import type { Principal } from "../iam/principal.ts";
import { type AssumedRole, actionsFor, beginSession, lasting, trustOf, trusts } from "./assume-role.ts";
import { findRole, isArn } from "./find-role.ts";
import { issueCredentials, type SessionCredentials } from "./session-credentials.ts";
import { refuseUnsupported } from "./session-request.ts";
import { inheritedTags, requestedTags } from "./session-tags.ts";

/** Who calls, and with which headers. */
export interface AssumingCaller {
  readonly principal: Principal;
  readonly header: PolicyRequest["header"];
}

export async function assumeRole(
  ctx: Ctx,
  caller: AssumingCaller,
  request: AssumeRoleRequest,
): Promise<AssumedRole> {
  const { RoleArn: arn, RoleSessionName: name } = request;
  const { principal } = caller;
  const { session } = principal;
  noteTarget(ctx, { target: arn, details: { sessionName: name } });
  if (!isArn(arn)) refuse("ValidationException", `${arn} is invalid`);
  if (principal.name === "root" && session === undefined)
    refuse("AccessDeniedException", "Roles may not be assumed by root accounts.");
  refuseUnsupported(request);
  const inherited = inheritedTags(session);
  const given = requestedTags(request, inherited);
  const sourceIdentity = sourceIdentityOf(session?.sourceIdentity, request.SourceIdentity);
  const tags = { ...inherited.tags, ...given.tags };
  const role = await findRole(ctx, arn);
  const facts = {
    "sts:rolesessionname": name,
    ...(request.ExternalId !== undefined && { "sts:externalid": request.ExternalId }),
    ...(request.DurationSeconds !== undefined && { "sts:durationseconds": request.DurationSeconds }),
    ...(sourceIdentity !== undefined && { "sts:sourceidentity": sourceIdentity }),
    ...(given.transitive.length > 0 && { "sts:transitivetagkeys": given.transitive }),
  };
  const asked = { resource: arn, input: { Tags: given.tags }, header: caller.header, facts };
  for (const action of actionsFor("sts:AssumeRole", { tags, sourceIdentity }))
    if (role === undefined || !(await mayAssume(ctx, principal, role, { ...asked, action, resourceTags })))
      return refuse(
        "AccessDeniedException",
        `User: ${principal.arn} is not authorized to perform: ${action} on resource: ${arn}`,
        role === undefined ? "there is no such role" : undefined,
      );
  const transitiveTags = [...inherited.transitive, ...given.transitive];
  const isChained = session !== undefined;
  return beginSession(ctx, role!, request, { isChained, tags, transitiveTags, sourceIdentity });
}

/** Roles have no tags here. */
const resourceTags = async () => ({});

/** The source identity of the new session: once set, it stays. */
function sourceIdentityOf(inherited: string | undefined, wanted: string | undefined): string | undefined {
  if (inherited !== undefined && wanted !== undefined && wanted !== inherited)
    refuse("AccessDeniedException", "The source identity of a session cannot be changed.");
  return inherited ?? wanted;
}

/** Whether the trust policy of a role and the policies of a caller allow an action on it, by the rule above. */
async function mayAssume(
  ctx: Ctx,
  principal: Principal,
  role: Role,
  request: PolicyRequest,
): Promise<boolean> {
  const { session } = principal;
  if (session !== undefined && session.roleId === undefined) return false;
  const { action } = request;
  const context = await contextOf(ctx, principal, request, trustKeysAsked(trustOf(ctx, role), action));
  const names = session === undefined ? [principal.arn] : [session.roleArn, principal.arn];
  const account = `arn:aws:iam::${ctx.config.accountId}:root`;
  const trusted = decideTrust(ctx, role, { action, context, names: [...names, account] });
  if (trusted !== "allow") return false;
  const { decision } = await decide(ctx, principal, request);
  if (decision === "allow") return true;
  if (decision === "explicit-deny") return false;
  const isNamed = decideTrust(ctx, role, { action, context, names }) === "allow";
  return isNamed && (await sessionAllows(ctx, principal, request));
}

function decideTrust(
  ctx: Ctx,
  role: Role,
  { names, ...asked }: { action: string; context: Context; names: Caller["values"] },
) {
  return trusts(ctx, role, { ...asked, principal: { type: "AWS", values: names } });
}

/** Whether the session policies of a caller, if any, allow a request. */
async function sessionAllows(ctx: Ctx, principal: Principal, request: PolicyRequest): Promise<boolean> {
  const unlimited = { ...principal, policies: [namedPolicies.admin] };
  return (await decide(ctx, unlimited, request)).decision === "allow";
}

/** How long the temporary credentials of an access key are valid: usually, and at most. Seconds. */
const ofKeys = { usual: 43_200, root: 3_600 };

/** GetSessionToken: temporary credentials that may do what the access key may, for as long as it exists. */
export function sessionOfKey(
  ctx: Ctx,
  principal: Principal,
  request: GetSessionTokenRequest,
): SessionCredentials {
  if (principal.session !== undefined || principal.isKeySession)
    refuse("AccessDeniedException", "Cannot call GetSessionToken with session credentials");
  refuseUnsupported(request);
  const { accessKeyId } = principal;
  const wanted = request.DurationSeconds ?? ofKeys.usual;
  const seconds = principal.name === "root" ? Math.min(wanted, ofKeys.root) : wanted;
  noteTarget(ctx, { target: accessKeyId });
  return issueCredentials(ctx, { of: "key", facts: { accessKeyId, ...lasting(ctx, seconds) } });
}
