/** THE table of the operations of STS, and how their outcomes look on the wire. */
import type { Ctx } from "../../app.ts";
import { accountOfKey } from "../../domain/iam/access-keys.ts";
import type { Principal } from "../../domain/iam/principal.ts";
import { assumeRoleWithWebIdentity } from "../../domain/identities/assume-with-web-identity.ts";
import { assumeRole, sessionOfKey } from "../../domain/roles/assume-as-principal.ts";
import type { AssumedRole } from "../../domain/roles/assume-role.ts";
import type { SessionCredentials } from "../../domain/roles/session-credentials.ts";
import type { WireRequest } from "../../lib/sigv4.ts";
import type { StsOperations } from "../../wire/generated/sts.types.ts";
import { refuse } from "../../wire/refuse.ts";
import { authorize } from "../authenticate.ts";
import { soleHeader } from "../signed-request.ts";

type Operation<N extends keyof StsOperations> = (
  ctx: Ctx,
  input: StsOperations[N]["input"],
) => Promise<StsOperations[N]["output"]>;

type SignedOperation<N extends keyof StsOperations> = (
  ctx: Ctx,
  input: StsOperations[N]["input"],
  caller: { readonly principal: Principal; readonly request: WireRequest },
) => Promise<StsOperations[N]["output"]>;

/** Operations that nobody signs: a signature is ignored. */
export const unsignedOperations = {
  AssumeRoleWithWebIdentity: async (ctx, input) => {
    const { issuer, subject, audience, ...assumed } = await assumeRoleWithWebIdentity(ctx, input);
    return {
      ...shownRole(assumed),
      SubjectFromWebIdentityToken: subject,
      Provider: issuer,
      Audience: audience,
    };
  },
} satisfies { AssumeRoleWithWebIdentity: Operation<"AssumeRoleWithWebIdentity"> };

type Signed = Exclude<keyof StsOperations, keyof typeof unsignedOperations>;

export const signedOperations: { readonly [N in Signed]: SignedOperation<N> } = {
  AssumeRole: async (ctx, input, { principal, request }) => {
    const header = (name: string) => soleHeader(request, name);
    return shownRole(await assumeRole(ctx, { principal, header }, input));
  },
  GetAccessKeyInfo: async (ctx, { AccessKeyId }, { principal, request }) => {
    if (principal.isKeySession)
      refuse("AccessDeniedException", "Cannot call GetAccessKeyInfo with session credentials");
    await authorize(ctx, principal, {
      action: "sts:GetAccessKeyInfo",
      resource: "*",
      input: {},
      header: (name) => soleHeader(request, name),
      resourceTags: async () => undefined,
    });
    return { Account: await accountOfKey(ctx, AccessKeyId) };
  },
  // Nobody needs a permission for it.
  GetCallerIdentity: async ({ config: { accountId } }, _input, { principal }) => ({
    UserId: userIdOf(principal, accountId),
    Account: accountId,
    Arn: principal.arn,
  }),
  GetSessionToken: async (ctx, input, { principal }) => ({
    Credentials: shownCredentials(sessionOfKey(ctx, principal, input)),
  }),
};

function userIdOf({ session, name, accessKeyId }: Principal, accountId: string): string {
  if (session !== undefined) return session.userId;
  return name === "root" ? accountId : accessKeyId;
}

function shownRole({ credentials, userId, arn, packedSize, sourceIdentity }: AssumedRole) {
  return {
    Credentials: shownCredentials(credentials),
    AssumedRoleUser: { AssumedRoleId: userId, Arn: arn },
    PackedPolicySize: packedSize === 0 ? undefined : packedSize,
    SourceIdentity: sourceIdentity,
  };
}

function shownCredentials({ accessKeyId, secretAccessKey, sessionToken, expiresAt }: SessionCredentials) {
  return {
    AccessKeyId: accessKeyId,
    SecretAccessKey: secretAccessKey,
    SessionToken: sessionToken,
    Expiration: expiresAt / 1000,
  };
}
