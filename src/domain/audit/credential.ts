/** Audit events for users' changes of their own credentials. */
import type { Ctx } from "../../app.ts";
import { type AuditEvent, insertAuditEvents } from "../../store/audit.ts";
import type { Db } from "../../store/db.ts";
import { refuseFor } from "../../wire/refuse.ts";
import { newEvent } from "./event.ts";
import { countRow } from "./rows.ts";

/**
 * How changes of a kind are limited and recorded:
 * - `refused`: refused beyond `credential-changes` per hour, unless they only remove something
 * - `numbered`: never refused; beyond that number per hour, recorded each time the number of further ones doubles: the
 *   first, second, fourth, eighth …
 * - `recorded`: never refused and always recorded; something else limits how often they occur
 */
interface Rule {
  readonly beyond: "refused" | "numbered" | "recorded";
  readonly because: string;
}

const byAdministrators = { beyond: "recorded", because: "administrators' calls are not limited" } as const;

/**
 * Every operation that changes what a user signs in with or recovers by. Somebody with a stolen token can use up a
 * limit, so anything that removes what they have added, recovers the account, or is part of signing in is never
 * refused.
 */
export const credentialRules = {
  UpdateUserAttributes: { beyond: "refused", because: "each value can be replaced by another" },
  SetUserMFAPreference: { beyond: "refused", because: "a factor can be turned off and on again" },
  CompleteWebAuthnRegistration: {
    beyond: "refused",
    because: "a passkey can be deleted and registered again",
  },
  VerifySoftwareToken: {
    beyond: "numbered",
    because: "a sign-in may require it; each replaces the previous one",
  },
  UpdateDeviceStatus: { beyond: "numbered", because: "it only sets whether a device is remembered" },
  DeleteUserAttributes: { beyond: "recorded", because: "it removes what was added" },
  DeleteWebAuthnCredential: { beyond: "recorded", because: "it removes what was added" },
  ForgetDevice: { beyond: "recorded", because: "it removes what was added" },
  ConfirmDevice: { beyond: "recorded", because: "tokens cannot be refreshed without it; once per sign-in" },
  VerifyUserAttribute: { beyond: "recorded", because: "each needs a code, and `verify-attribute` limits it" },
  RespondToAuthChallenge: {
    beyond: "recorded",
    because: "required to sign in; each needs the first factor",
  },
  ConfirmSignUp: { beyond: "recorded", because: "required to sign in; only once" },
  ConfirmForgotPassword: { beyond: "recorded", because: "it recovers the account; each needs a code" },
  ChangePassword: { beyond: "recorded", because: "it recovers the account; `change-password` limits it" },
  GlobalSignOut: { beyond: "recorded", because: "it ends the tokens that it is called with" },
  DeleteUser: { beyond: "recorded", because: "it ends the tokens that it is called with" },
  FederatedSignIn: { beyond: "recorded", because: "each needs a sign-in at an identity provider" },
  RevokeToken: { beyond: "recorded", because: "each needs the tokens of a sign-in" },
  RevokeUserSession: { beyond: "recorded", because: "each needs the session of a sign-in" },
  AdminConfirmSignUp: byAdministrators,
  AdminCreateUser: byAdministrators,
  AdminDeleteSoftwareToken: byAdministrators,
  AdminDisableProviderForUser: byAdministrators,
  AdminDisableUser: byAdministrators,
  AdminEnableUser: byAdministrators,
  AdminLinkProviderForUser: byAdministrators,
  AdminResetUserPassword: byAdministrators,
  AdminSetUserPassword: byAdministrators,
} as const satisfies Readonly<Record<string, Rule>>;

export type CredentialOperation = keyof typeof credentialRules;

export interface CredentialChange {
  readonly operation: CredentialOperation;
  readonly poolId: string;
  readonly userId: string;
  /** Whether the change gives the user nothing that they did not have before. */
  readonly onlyTakesAway?: boolean;
  /** `ok` by default. */
  readonly result?: string;
  /** The user by default. */
  readonly actor?: string;
  readonly details?: NonNullable<AuditEvent["details"]>;
  /**
   * Whether the user is another one than the target of the administrator's call, whose own event then does not cover
   * this.
   */
  readonly ofAnother?: boolean;
}

/**
 * Records a user's change of their credentials in the transaction that makes it: a password, a confirmation, a verified
 * address, a factor, revoked tokens. If an administrator's call makes the change, that call's own event is enough.
 * Throws TooManyRequestsException for users who keep adding: each change is a row.
 */
export async function recordCredentialChange(tx: Db, ctx: Ctx, change: CredentialChange): Promise<void> {
  if (tx.companion !== undefined && change.ofAnother !== true) return;
  const { operation, poolId, userId, result = "ok", actor = userId } = change;
  // AdminRespondToAuthChallenge leaves no event of a change itself, since most sign-ins change nothing.
  const who = ctx.audited ?? { actor, operation };
  const times = who.actor === userId ? await countChange(tx, ctx, change) : 1;
  if (times === undefined) return;
  const details = times === 1 ? change.details : { ...change.details, times };
  const event = { actor: who.actor, operation: who.operation, poolId, target: userId, result };
  await insertAuditEvents(tx, [newEvent(ctx, { ...event, ...(details && { details }) })]);
}

/** Counts a change. Returns how many changes of this hour its event represents; undefined if a later event will. */
async function countChange(tx: Db, ctx: Ctx, change: CredentialChange): Promise<number | undefined> {
  const { operation, poolId, userId, onlyTakesAway = false } = change;
  const { beyond }: Rule = credentialRules[operation];
  if (beyond === "recorded" || (beyond === "refused" && onlyTakesAway)) return 1;
  const limit = "credential-changes";
  const most = ctx.config.limits[limit];
  const kind = beyond === "refused" ? limit : (`${limit}:${operation}` as const);
  const count = await countRow(tx, ctx, { poolId, subject: userId, kind });
  if (count <= most) return 1;
  if (beyond === "refused") return refuseFor("tooMany", { detail: limit });
  const further = count - most;
  return Number.isInteger(Math.log2(further)) ? Math.ceil(further / 2) : undefined;
}

/** The request's database with every transaction recording the change, for store functions that start their own. */
export function recording(ctx: Ctx, change: CredentialChange): Db {
  if (ctx.db.companion !== undefined) return ctx.db;
  const companion = {
    write: (tx: Db) => recordCredentialChange({ ...tx, companion: undefined }, ctx, change),
    committed: () => {},
  };
  return { ...ctx.db, companion };
}
