/** THE table of notices: which changes of an account its owner is told of. */
import type { Ctx } from "../../app.ts";
import type { Db } from "../../store/db.ts";
import type { NoticeName } from "../../store/schema/schema.ts";
import type { User } from "../../store/users.ts";
import type { CredentialOperation } from "../audit/credential.ts";
import type { Pool } from "../user-pools/load-pool.ts";
import { queueNotice } from "./queue.ts";

type State = Pick<User, "attributes" | "mfa" | "status">;

interface Rule {
  /** Operations after which it is sent: always, or depending on what they changed about the user. */
  readonly by?: Readonly<Partial<Record<CredentialOperation, Condition>>>;
  /** What about the user it is sent for, whichever operation changed that. */
  readonly if?: Condition;
}

type Condition = (before: State, after: State) => boolean;

const always = () => true;

/** How many identities at other providers sign in as the user. */
const identities = ({ attributes }: State): number => JSON.parse(attributes["identities"] ?? "[]").length;

/** Changes that an owner is told of; sign-ins (sign-ins.ts) and devices (devices.ts) have rules of their own. */
const rules: Readonly<Record<Exclude<NoticeName, "new-sign-in" | "device-remembered">, Rule>> = {
  "password-changed": {
    by: {
      ChangePassword: always,
      ConfirmForgotPassword: always,
      // Whoever was just created had no password of their own.
      AdminSetUserPassword: ({ status }) => status !== "FORCE_CHANGE_PASSWORD",
      // NEW_PASSWORD_REQUIRED.
      RespondToAuthChallenge: (before, after) =>
        before.status === "FORCE_CHANGE_PASSWORD" && after.status === "CONFIRMED",
    },
  },
  "factor-added": {
    // A software token can replace another one; that it is turned on afterwards is no news.
    by: { CompleteWebAuthnRegistration: always, VerifySoftwareToken: always },
    if: (before, after) =>
      identities(after) > identities(before) ||
      after.mfa.enabled.some(
        (factor) => factor !== "SOFTWARE_TOKEN_MFA" && !before.mfa.enabled.includes(factor),
      ),
  },
  "factor-removed": {
    // The last of these also ends the sign-in by password.
    by: {
      DeleteWebAuthnCredential: always,
      AdminDeleteSoftwareToken: always,
      AdminDisableProviderForUser: always,
    },
    if: (before, after) => before.mfa.enabled.some((factor) => !after.mfa.enabled.includes(factor)),
  },
  "address-changed": {
    if: (before, after) =>
      (["email", "phone_number"] as const).some(
        (contact) =>
          before.attributes[`${contact}_verified`] === "true" &&
          after.attributes[contact] !== before.attributes[contact],
      ),
  },
  "account-deleted": { by: { DeleteUser: always } },
};

/**
 * Queues the notices of a change, in its transaction. They go to the address that was verified before it: somebody who
 * has taken over an account could otherwise keep its owner from learning of it.
 * @param change `after` can be left out if the change does not show in the user's row
 */
export async function noticeChange(
  tx: Db,
  ctx: Ctx,
  pool: Pool,
  change: { readonly operation: CredentialOperation; readonly before: State; readonly after?: State },
): Promise<void> {
  const { operation, before, after = before } = change;
  for (const name of Object.keys(rules) as (keyof typeof rules)[]) {
    const rule = rules[name];
    if (rule.by?.[operation]?.(before, after) || rule.if?.(before, after))
      await queueNotice(tx, ctx, pool, before, name);
  }
}

/** The database with each transaction queueing the notices of the change, for store functions that start their own. */
export function noticing(db: Db, ctx: Ctx, pool: Pool, change: Parameters<typeof noticeChange>[3]): Db {
  const { companion } = db;
  const write = async (tx: Db) => {
    await companion?.write(tx);
    await noticeChange({ ...tx, companion: undefined }, ctx, pool, change);
  };
  return { ...db, companion: { write, committed: () => companion?.committed() } };
}
