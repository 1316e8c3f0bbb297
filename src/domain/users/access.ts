/** Enabling, disabling, signing out and deleting users. */
import type { Ctx } from "../../app.ts";
import { inTransaction } from "../../store/db.ts";
import { revokeManyFamilies, signOutUser } from "../../store/token-families.ts";
import { deleteUser } from "../../store/user-removal.ts";
import type { User } from "../../store/users.ts";
import { type CredentialChange, recording } from "../audit/credential.ts";
import { noticing } from "../notices/changes.ts";
import type { Pool } from "../user-pools/load-pool.ts";
import { changeUser } from "./change-user.ts";

/** AdminEnableUser and AdminDisableUser: "deactivates a user profile and revokes all access tokens". */
export async function setEnabled(ctx: Ctx, pool: Pool, user: User, enabled: boolean): Promise<void> {
  if (enabled) {
    await changeUser(ctx, pool, user, () => ({ enabled }), { operation: "AdminEnableUser" });
    return;
  }
  await revokeManyFamilies(ctx.db, pool.id, user.id, ctx.now);
  await changeUser(ctx, pool, user, () => ({ enabled }), {
    operation: "AdminDisableUser",
    also: (tx) => signOutUser(tx, pool.id, user.id, ctx.now),
  });
}

/** GlobalSignOut and AdminUserGlobalSignOut: invalidates all tokens, and all sign-ins in progress. */
export async function signOutEverywhere(ctx: Ctx, pool: Pool, user: User): Promise<void> {
  const change: CredentialChange = { operation: "GlobalSignOut", poolId: pool.id, userId: user.id };
  await revokeManyFamilies(ctx.db, pool.id, user.id, ctx.now);
  await inTransaction(recording(ctx, change), (tx) => signOutUser(tx, pool.id, user.id, ctx.now));
}

/** DeleteUser and AdminDeleteUser. */
export async function removeUser(ctx: Ctx, pool: Pool, user: User): Promise<void> {
  const change: CredentialChange = { operation: "DeleteUser", poolId: pool.id, userId: user.id };
  const db = noticing(recording(ctx, change), ctx, pool, { operation: change.operation, before: user });
  await deleteUser(db, pool.id, user.id);
}
