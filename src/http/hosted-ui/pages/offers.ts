/** What the pages offer at all, by the settings of the pool. The domain refuses the rest whatever is shown. */
import type { Pool } from "../../../domain/user-pools/load-pool.ts";

export function offersSignUp({ document }: Pool): boolean {
  return document.AdminCreateUserConfig?.AllowAdminCreateUserOnly !== true;
}

export function offersRecovery({ document }: Pool): boolean {
  const mechanisms = document.AccountRecoverySetting?.RecoveryMechanisms ?? [];
  return !mechanisms.some((mechanism) => mechanism.Name === "admin_only");
}
