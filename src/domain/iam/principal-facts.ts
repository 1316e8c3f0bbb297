/** The condition keys of a principal that do not depend on a request, for whoever evaluates its policies elsewhere. */
import type { Ctx } from "../../app.ts";
import type { ContextValue } from "../../policy/conditions.ts";
import { parsePolicy, undecidable } from "../../policy/policy.ts";
import { conditionKey, contextOf } from "./condition-keys.ts";
import type { Principal } from "./principal.ts";

/** By names in lower case. A key is null if the principal has no value for it: it is then absent from all its requests. */
export type PrincipalFacts = Readonly<Record<string, ContextValue | null>>;

const ofPrincipals: readonly string[] = [
  "aws:PrincipalArn",
  "aws:PrincipalAccount",
  "aws:PrincipalType",
  "aws:PrincipalIsAWSService",
  "aws:ViaAWSService",
  "aws:userid",
  "aws:username",
  "aws:TokenIssueTime",
  "aws:SourceIdentity",
  "aws:FederatedProvider",
  "cognito-identity.amazonaws.com:aud",
  "cognito-identity.amazonaws.com:sub",
  "cognito-identity.amazonaws.com:amr",
];
const tag = "aws:PrincipalTag/";

/**
 * The keys that the principal has; besides those, with null, what its policies ask for and it does not have. Keys of
 * requests are missing: whoever has the request knows them.
 */
export async function principalFacts(ctx: Ctx, principal: Principal): Promise<PrincipalFacts> {
  const policies = [...principal.policies, ...(principal.session?.policies ?? [])];
  const asked = policies.flatMap((text) => parsePolicy(text).statements.flatMap(({ keys }) => keys));
  const names = new Set([
    ...ofPrincipals.map((name) => name.toLowerCase()),
    ...Object.keys(principal.session?.tags ?? {}).map((key) => (tag + key).toLowerCase()),
    ...asked.filter(isOfPrincipals),
  ]);
  const none = { action: "", resource: "", input: {}, header: () => undefined };
  const found = await contextOf(ctx, principal, { ...none, resourceTags: async () => undecidable }, names);
  return Object.fromEntries(
    Object.entries(found).flatMap(([name, value]) => (value === undecidable ? [] : [[name, value ?? null]])),
  );
}

/** Whether a key, in lower case, says something of the principal, or is never there. */
function isOfPrincipals(name: string): boolean {
  const known = conditionKey(name);
  if (known === undefined) return false;
  return known.absent !== undefined || known.name === tag || ofPrincipals.includes(known.name);
}
