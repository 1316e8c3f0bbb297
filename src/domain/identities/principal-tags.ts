/** Principal tags of an identity ("Using attributes for access control", Amazon Cognito Developer Guide). Pure rules. */
import type { Config } from "../../config/config.ts";
import { refuse } from "../../wire/refuse.ts";
import type { IdentityPool, PrincipalTagMap } from "../identity-pools/load-identity-pool.ts";
import { userPoolNamed, userPoolProvider } from "../identity-pools/provider-names.ts";
import type { VerifiedLogin } from "./login.ts";

/** UseDefaults: "username" is the subject, "client" the audience. */
const defaults: Readonly<Record<string, string>> = { username: "sub", client: "aud" };

/** The name of a provider under which its map is stored: of user pools as AWS writes it. */
export function tagProvider(config: Pick<Config, "publicUrl">, name: string): string {
  const poolId = userPoolNamed(config, name);
  return poolId === undefined ? name : userPoolProvider(poolId);
}

/** The tags of the logins of a request; with several logins those of the first that has a map count. */
export function principalTags(
  { document }: Pick<IdentityPool, "document">,
  logins: readonly VerifiedLogin[],
): Record<string, string> {
  for (const { provider, claims, subject, clientId } of logins) {
    const map = document.PrincipalTags?.[provider];
    if (map !== undefined) return tagsOf(map, { ...claims, sub: subject, aud: clientId });
  }
  return {};
}

function tagsOf(
  { UseDefaults, PrincipalTags }: PrincipalTagMap,
  claims: Readonly<Record<string, unknown>>,
): Record<string, string> {
  const map = UseDefaults === true ? defaults : (PrincipalTags ?? {});
  const tags = Object.entries(map).flatMap(([tag, claim]) => {
    const value = Object.hasOwn(claims, claim) ? claims[claim] : undefined;
    const isPlain = typeof value === "string" || typeof value === "number" || typeof value === "boolean";
    return isPlain ? [[tag, String(value)] as const] : [];
  });
  for (const [, value] of tags) checkTagValue(value);
  return Object.fromEntries(tags);
}

/** As STS takes them ("AssumeRoleWithWebIdentity", session tags): at most 256 characters of a certain set. */
function checkTagValue(value: string): void {
  if (/^[\p{L}\p{Z}\p{N}_.:/=+\-@]{0,256}$/u.test(value)) return;
  refuse(
    "InvalidParameterException",
    "A claim that is mapped to a principal tag has a value that tags cannot have.",
  );
}
