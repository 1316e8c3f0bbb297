/** UnlinkIdentity ("UnlinkIdentity", Amazon Cognito Federated Identities API Reference). */
import type { Ctx } from "../../app.ts";
import { loginsOf, unlinkLogin } from "../../store/identities.ts";
import { refuse } from "../../wire/refuse.ts";
import type { IdentityPool } from "../identity-pools/load-identity-pool.ts";
import { identify } from "./credentials.ts";
import { forgottenAt } from "./find-identity.ts";
import { tagProvider } from "./principal-tags.ts";

/**
 * Removes logins from an identity, whose caller proves by others, or by the same, that it is theirs. "Removing the last
 * linked login will make this identity inaccessible."
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
  const linked = await loginsOf(ctx.db, pool.id, claims.identityId);
  for (const name of request.names) {
    const provider = tagProvider(ctx.config, name);
    const login = linked.find((one) => one.provider === provider);
    if (login === undefined)
      return refuse("ResourceNotFoundException", `The identity has no login of '${name}'.`);
    await unlinkLogin(ctx.db, { poolId: pool.id, id: claims.identityId }, login, {
      now: ctx.now,
      expiresAt: forgottenAt(ctx),
    });
  }
}
