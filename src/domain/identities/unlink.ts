/** UnlinkIdentity ("UnlinkIdentity", Amazon Cognito Federated Identities API Reference). */
import type { Ctx } from "../../app.ts";
import { type Login, loginsOf } from "../../store/identities.ts";
import { unlinkLogins } from "../../store/identity-logins.ts";
import { refuse } from "../../wire/refuse.ts";
import type { IdentityPool } from "../identity-pools/load-identity-pool.ts";
import { identify } from "./credentials.ts";
import { forgottenAt } from "./find-identity.ts";
import { tagProvider } from "./principal-tags.ts";

/**
 * Removes logins from an identity, whose caller proves by others, or by the same, that it is theirs: all that are named, or
 * none. "Removing the last linked login will make this identity inaccessible."
 */
export async function removeLogins(
  ctx: Ctx,
  pool: IdentityPool,
  request: {
    readonly identityId: string;
    readonly logins: Readonly<Record<string, string>>;
    /** The providers whose logins are removed. */
    readonly names: readonly string[];
  },
): Promise<void> {
  if (Object.keys(request.logins).length === 0)
    refuse("InvalidParameterException", "Logins must prove that the identity is yours.");
  const { claims } = await identify(ctx, pool, request.identityId, request.logins);
  const { identityId: id } = claims;
  const linked = await loginsOf(ctx.db, pool.id, id);
  const providers = new Map(request.names.map((name) => [tagProvider(ctx.config, name), name]));
  const removed = [...providers].flatMap(
    ([provider, name]) => ofProvider(linked, provider) ?? notLinked(name),
  );
  const at = { now: ctx.now, expiresAt: forgottenAt(ctx) };
  // Another request can have removed one of them by now.
  if (!(await unlinkLogins(ctx.db, { poolId: pool.id, id }, removed, at)))
    notLinked(request.names.join(", "));
}

/** The logins of a provider, of which the developer's own can have several; undefined if there are none. */
function ofProvider(linked: readonly Login[], provider: string): Login[] | undefined {
  const found = linked.filter((one) => one.provider === provider);
  return found.length === 0 ? undefined : found;
}

const notLinked = (name: string): never =>
  refuse("ResourceNotFoundException", `The identity has no login of '${name}'.`);
