/** The dispatcher: after each proof it asks the table what comes next and offers that, or ends the sign-in. */
import type { Ctx } from "../../app.ts";
import type { User, UserStatus } from "../../store/users.ts";
import { refuse } from "../../wire/refuse.ts";
import type { Pool } from "../pools/settings.ts";
import { offerNewPassword } from "./challenges/new-password.ts";
import { type Outcome, type SignIn, wrongPassword } from "./sign-in.ts";
import { nextStep } from "./steps.ts";

/**
 * Goes on after a proof. Whether the account may sign in at all is told only to who proved a password.
 * Throws NotAuthorizedException, UserNotConfirmedException and PasswordResetRequiredException.
 */
export async function proceed(ctx: Ctx, signIn: SignIn): Promise<Outcome> {
  const { pool, client, user } = signIn;
  if (user === undefined) return wrongPassword("simulated sign-in");
  assertMayPass(user);
  const step = nextStep({
    ...signIn,
    status: user.status,
    mfaRequired: pool.document.MfaConfiguration === "ON",
  });
  switch (step) {
    case "done":
      return {
        kind: "authenticated",
        authenticated: {
          pool,
          client,
          user,
          methods: signIn.proven,
          authTime: ctx.now,
          credentialVersion: signIn.credentialVersion,
          signOuts: signIn.signOuts,
          remember: signIn.remember,
        },
      };
    case "NEW_PASSWORD_REQUIRED":
      return offerNewPassword(ctx, signIn, user);
    default:
      // The first factor comes with the first request, and MFA is refused before it: nothing else can be next.
      throw new Error(`sign-in cannot offer ${step}`);
  }
}

/** A pool that demands what this release cannot prove lets nobody in. */
export function assertUsable(pool: Pool): void {
  if (pool.document.MfaConfiguration === "ON") {
    refuse(
      "UnsupportedOperationException",
      "Multi-factor authentication is not supported by this release of Poolhouse.",
    );
  }
}

const refusals: Partial<Record<UserStatus, () => never>> = {
  UNCONFIRMED: () => refuse("UserNotConfirmedException", "User is not confirmed."),
  RESET_REQUIRED: () => refuse("PasswordResetRequiredException", "Password reset required for the user"),
  EXTERNAL_PROVIDER: () => wrongPassword("federated users have no password"),
};

function assertMayPass(user: User): void {
  if (!user.enabled) refuse("NotAuthorizedException", "User is disabled.");
  refusals[user.status]?.();
}
