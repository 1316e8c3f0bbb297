/** Whether a user may come in at all, and how everybody is shown out. */
import type { Ctx } from "../../app.ts";
import { signOutUser } from "../../store/token-families.ts";
import type { User } from "../../store/users.ts";
import type { Pool } from "../pools/settings.ts";
import { changeUser } from "./change.ts";

/** AdminEnableUser, AdminDisableUser: "deactivates a user profile and revokes all access tokens". */
export async function setEnabled(ctx: Ctx, pool: Pool, user: User, enabled: boolean): Promise<void> {
  await changeUser(ctx, pool, user, () => ({ enabled }), {
    also: async (tx) => {
      if (!enabled) await signOutUser(tx, pool.id, user.id, ctx.now);
    },
  });
}
