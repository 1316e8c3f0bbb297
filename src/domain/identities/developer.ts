/**
 * Identities that a developer's own server vouches for ("Developer-authenticated identities", Amazon Cognito Developer
 * Guide): it names its users, and gets tokens for them.
 */
import type { Ctx } from "../../app.ts";
import { identityOfLogin, type Login, loginsOf, readIdentity } from "../../store/identities.ts";
import { unlinkLogins } from "../../store/identity-logins.ts";
import type {
  GetOpenIdTokenForDeveloperIdentityInput,
  LookupDeveloperIdentityInput,
  MergeDeveloperIdentitiesInput,
  UnlinkDeveloperIdentityInput,
} from "../../wire/generated/identity-pools.types.ts";
import { refuse } from "../../wire/refuse.ts";
import type { IdentityPool } from "../identity-pools/load-identity-pool.ts";
import {
  assertUsable,
  forgottenAt,
  identityOf,
  linkByDeveloper,
  mergeIfCompatible,
  noSuchIdentity,
} from "./find-identity.ts";
import { methodsOf, type VerifiedLogin } from "./login.ts";
import { verifyLogins } from "./logins.ts";
import { signIdentityToken } from "./openid-tokens.ts";
import { principalTags } from "./principal-tags.ts";

/** How long a token is valid unless the request says so. Seconds. */
const usualSeconds = 900;

const noDeveloper = (): never =>
  refuse("InvalidParameterException", "The identity pool has no developer provider.");

function providerOf({ document }: IdentityPool): string {
  return document.DeveloperProviderName ?? noDeveloper();
}

/** The provider that a request names, which must be the pool's. */
function sameProvider(pool: IdentityPool, name: string): string {
  const provider = providerOf(pool);
  if (name !== provider)
    refuse("InvalidParameterException", `'${name}' is not the developer provider of the identity pool.`);
  return provider;
}

/** GetOpenIdTokenForDeveloperIdentity: a token for a user of the developer, whose identity is created, found or linked. */
export async function developerToken(
  ctx: Ctx,
  pool: IdentityPool,
  request: GetOpenIdTokenForDeveloperIdentityInput,
): Promise<{ readonly identityId: string; readonly token: string }> {
  const provider = providerOf(pool);
  const { [provider]: subject, ...others } = request.Logins;
  if (subject === undefined || !Object.hasOwn(request.Logins, provider))
    return refuse(
      "InvalidParameterException",
      `Logins must name a user of the developer provider ${provider}.`,
    );
  if (subject.length > 1024)
    refuse("InvalidParameterException", "A developer's user identifier has at most 1024 characters.");
  const own: VerifiedLogin = {
    provider,
    subject,
    mapping: provider,
    clientId: pool.id,
    claims: { sub: subject },
  };
  const logins = [own, ...(await verifyLogins(ctx, pool, others))] as const;
  const { IdentityId: wanted } = request;
  const identityId = await (wanted === undefined
    ? identityOf(ctx, pool, logins)
    : linkByDeveloper(ctx, pool, wanted, logins));
  const tags = { ...principalTags(pool, logins), ...request.PrincipalTags };
  const about = { poolId: pool.id, identityId, amr: methodsOf(logins), tags };
  const token = await signIdentityToken(ctx, about, request.TokenDuration ?? usualSeconds);
  return { identityId, token };
}

/** The identity that a developer's user belongs to. Throws ResourceNotFoundException. */
async function ownerOf(ctx: Ctx, pool: IdentityPool, login: Login): Promise<string> {
  return (
    (await identityOfLogin(ctx.db, pool.id, login)) ??
    refuse("ResourceNotFoundException", `Developer user identifier '${login.subject}' not found.`)
  );
}

/** LookupDeveloperIdentity: the identity, and its user identifiers, which are given in pages. */
export async function lookUp(
  ctx: Ctx,
  pool: IdentityPool,
  { IdentityId, DeveloperUserIdentifier: subject }: LookupDeveloperIdentityInput,
): Promise<{ readonly identityId: string; readonly identifiers: readonly string[] }> {
  const provider = providerOf(pool);
  if (IdentityId === undefined && subject === undefined)
    refuse("InvalidParameterException", "IdentityId or DeveloperUserIdentifier is required.");
  const owner = subject === undefined ? undefined : await ownerOf(ctx, pool, { provider, subject });
  if (owner !== undefined && IdentityId !== undefined && owner !== IdentityId)
    refuse("ResourceConflictException", "The developer user identifier belongs to another identity.");
  const identityId = owner ?? IdentityId!;
  if (owner === undefined) await assertUsable(ctx, pool, identityId);
  const logins = await loginsOf(ctx.db, pool.id, identityId);
  const own = logins.filter((login) => login.provider === provider).map((login) => login.subject);
  return { identityId, identifiers: own.sort() };
}

/** MergeDeveloperIdentities: the source's identity becomes part of the destination's. */
export async function mergeDevelopers(
  ctx: Ctx,
  pool: IdentityPool,
  request: MergeDeveloperIdentitiesInput,
): Promise<string> {
  const provider = sameProvider(pool, request.DeveloperProviderName);
  const id = await ownerOf(ctx, pool, { provider, subject: request.SourceUserIdentifier });
  const into = await ownerOf(ctx, pool, { provider, subject: request.DestinationUserIdentifier });
  if (id === into) return into;
  if (!(await mergeIfCompatible(ctx, pool, id, into)))
    refuse("ResourceConflictException", "The identities were changed by another request at the same time.");
  return into;
}

/** UnlinkDeveloperIdentity. Throws ResourceNotFoundException if the identity has no such user. */
export async function unlinkDeveloper(
  ctx: Ctx,
  pool: IdentityPool,
  request: UnlinkDeveloperIdentityInput,
): Promise<void> {
  const provider = sameProvider(pool, request.DeveloperProviderName);
  const login = { provider, subject: request.DeveloperUserIdentifier };
  const { IdentityId: id } = request;
  if ((await readIdentity(ctx.db, pool.id, id)) === undefined) noSuchIdentity(id);
  if (
    !(await unlinkLogins(ctx.db, { poolId: pool.id, id }, [login], {
      now: ctx.now,
      expiresAt: forgottenAt(ctx),
    }))
  )
    refuse("ResourceNotFoundException", `Developer user identifier '${login.subject}' not found.`);
}
