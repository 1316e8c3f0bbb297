/** Changes of credentials by their owners. */
import type { Ctx } from "../../app.ts";
import { type AuditEvent, insertAuditEvents } from "../../store/audit.ts";
import type { Db } from "../../store/db.ts";
import { refuseFor } from "../../wire/refuse.ts";
import { newEvent } from "./event.ts";
import { countRow } from "./rows.ts";

/**
 * - `refused`: beyond `credential-changes` an hour, unless it only takes away
 * - `numbered`: never refused; beyond as many of its own an hour it is told whenever the number of further ones has
 *   doubled: the first, the second, the fourth, the eighth …
 * - `told`: never refused, always told: something else says how often there can be one
 */
interface Rule {
  readonly beyond: "refused" | "numbered" | "told";
  readonly because: string;
}

const byAdministrators = { beyond: "told", because: "an administrator's call is no user's change" } as const;

/**
 * Every operation that changes what somebody signs in with or recovers by. Whoever has stolen a token can use up what is
 * limited: so what takes away what they have added, recovers the account or is a part of signing in is never refused.
 */
export const credentialRules = {
  UpdateUserAttributes: { beyond: "refused", because: "after each value there can be another" },
  SetUserMFAPreference: { beyond: "refused", because: "what was turned off can be turned on again" },
  CompleteWebAuthnRegistration: { beyond: "refused", because: "what was deleted can be registered again" },
  VerifySoftwareToken: { beyond: "numbered", because: "a sign-in may demand it; each replaces the former" },
  UpdateDeviceStatus: { beyond: "numbered", because: "it takes a device's standing, or gives it back" },
  DeleteUserAttributes: { beyond: "told", because: "it takes away what was added" },
  DeleteWebAuthnCredential: { beyond: "told", because: "it takes away what was added" },
  ForgetDevice: { beyond: "told", because: "it takes away what was added" },
  ConfirmDevice: { beyond: "told", because: "tokens are not refreshed without; one a sign-in" },
  VerifyUserAttribute: { beyond: "told", because: "each needs a code, and `verify-attribute` limits it" },
  RespondToAuthChallenge: {
    beyond: "told",
    because: "nobody signs in otherwise; each needs the first factor",
  },
  ConfirmSignUp: { beyond: "told", because: "nobody signs in otherwise; once" },
  ConfirmForgotPassword: { beyond: "told", because: "it recovers; each needs a code" },
  ChangePassword: { beyond: "told", because: "it recovers; `change-password` limits it" },
  GlobalSignOut: { beyond: "told", because: "it ends what it comes with" },
  DeleteUser: { beyond: "told", because: "it ends what it comes with" },
  RevokeToken: { beyond: "told", because: "each needs the tokens of a sign-in" },
  RevokeUserSession: { beyond: "told", because: "each needs the session of a sign-in" },
  AdminConfirmSignUp: byAdministrators,
  AdminCreateUser: byAdministrators,
  AdminDeleteSoftwareToken: byAdministrators,
  AdminDisableUser: byAdministrators,
  AdminEnableUser: byAdministrators,
  AdminResetUserPassword: byAdministrators,
  AdminSetUserPassword: byAdministrators,
} as const satisfies Readonly<Record<string, Rule>>;

export type CredentialOperation = keyof typeof credentialRules;

export interface CredentialChange {
  readonly operation: CredentialOperation;
  readonly poolId: string;
  readonly userId: string;
  /** The user has nothing by it that they had not before. */
  readonly onlyTakesAway?: boolean;
  /** `ok` unless told otherwise. */
  readonly result?: string;
  /** The user unless told otherwise. */
  readonly actor?: string;
  readonly details?: NonNullable<AuditEvent["details"]>;
  /** The user is not whom the administrator's call at hand is about, so that its own event does not tell of it. */
  readonly ofAnother?: boolean;
}

/**
 * Records, in the transaction that makes it, what a user changed about their credentials: a password, a confirmation, a
 * verified address, a factor, an end of tokens. Where an administrator's call makes the change, that call's own event is
 * enough. Throws TooManyRequestsException to users who go on adding without end: each change is a row.
 */
export async function recordCredentialChange(tx: Db, ctx: Ctx, change: CredentialChange): Promise<void> {
  if (tx.companion !== undefined && change.ofAnother !== true) return;
  const { operation, poolId, userId, result = "ok", actor = userId } = change;
  // AdminRespondToAuthChallenge has no event of a change, since most sign-ins change nothing.
  const who = ctx.audited ?? { actor, operation };
  const times = who.actor === userId ? await countChange(tx, ctx, change) : 1;
  if (times === undefined) return;
  const details = times === 1 ? change.details : { ...change.details, times };
  const told = { actor: who.actor, operation: who.operation, poolId, target: userId, result };
  await insertAuditEvents(tx, [newEvent(ctx, { ...told, ...(details && { details }) })]);
}

/** How many changes of this hour its event stands for; undefined: one that is yet to come tells of it. */
async function countChange(tx: Db, ctx: Ctx, change: CredentialChange): Promise<number | undefined> {
  const { operation, poolId, userId, onlyTakesAway = false } = change;
  const { beyond }: Rule = credentialRules[operation];
  if (beyond === "told" || (beyond === "refused" && onlyTakesAway)) return 1;
  const limit = "credential-changes";
  const most = ctx.config.limits[limit];
  const kind = beyond === "refused" ? limit : (`${limit}:${operation}` as const);
  const count = await countRow(tx, ctx, { poolId, subject: userId, kind });
  if (count <= most) return 1;
  if (beyond === "refused") return refuseFor("tooMany", { detail: limit });
  const further = count - most;
  return Number.isInteger(Math.log2(further)) ? Math.ceil(further / 2) : undefined;
}

/** The request's database, each of whose transactions records the change; for store functions that begin their own. */
export function recording(ctx: Ctx, change: CredentialChange): Db {
  if (ctx.db.companion !== undefined) return ctx.db;
  const companion = {
    write: (tx: Db) => recordCredentialChange({ ...tx, companion: undefined }, ctx, change),
    committed: () => {},
  };
  return { ...ctx.db, companion };
}
