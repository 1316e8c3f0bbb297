/** What the pages offer, by the settings of the pool. Whatever is shown, the domain refuses what is not allowed. */
import type { Pool } from "../../../domain/user-pools/load-pool.ts";

export function offersSignUp({ document }: Pool): boolean {
  return document.AdminCreateUserConfig?.AllowAdminCreateUserOnly !== true;
}

export function offersRecovery({ document }: Pool): boolean {
  const mechanisms = document.AccountRecoverySetting?.RecoveryMechanisms ?? [];
  return !mechanisms.some((mechanism) => mechanism.Name === "admin_only");
}
