/** What the pages offer, by the settings of the pool. Whatever is shown, the domain refuses what is not allowed. */

import type { Client, Pool } from "../../../domain/user-pools/load-pool.ts";
import { admitsOwnUsers } from "../../../domain/user-pools/providers.ts";

/** Whether people can create an account of the pool at the client's pages. */
export function offersSignUp({ pool, client }: { readonly pool: Pool; readonly client: Client }): boolean {
  return admitsOwnUsers(client) && pool.document.AdminCreateUserConfig?.AllowAdminCreateUserOnly !== true;
}

export function offersRecovery({ document }: Pool): boolean {
  const mechanisms = document.AccountRecoverySetting?.RecoveryMechanisms ?? [];
  return !mechanisms.some((mechanism) => mechanism.Name === "admin_only");
}
