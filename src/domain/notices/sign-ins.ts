/** The notice of a sign-in from a network that is new for the user, and how that network becomes known. */
import type { Ctx } from "../../app.ts";
import type { Db } from "../../store/db.ts";
import { isKnownOnlyElsewhere } from "../../store/known-sources.ts";
import type { User } from "../../store/users.ts";
import type { Remembering } from "../credentials/request-limits.ts";
import { rememberCallerSource, sourceOf } from "../credentials/subjects.ts";
import type { Pool } from "../user-pools/load-pool.ts";
import { getsNotice, queueNotice } from "./queue.ts";

const name = "new-sign-in";

/**
 * Records the source of a completed sign-in as known to the user, inside the transaction of what it allows, and tells
 * the user of it if it is new. Users who are known from nowhere yet are not told, and neither is anybody if a back end
 * does not say where they are.
 */
export async function rememberSignIn(
  tx: Db,
  ctx: Ctx,
  { pool, user, remember }: { readonly pool: Pool; readonly user: User; readonly remember: Remembering },
): Promise<void> {
  if (remember === "no") return;
  const mayTell = remember === "new" && ctx.network !== undefined && getsNotice(ctx, pool, user, name);
  if (mayTell && (await isKnownOnlyElsewhere(tx, sourceOf(ctx, user), ctx.now)))
    await queueNotice(tx, ctx, pool, user, name);
  await rememberCallerSource(tx, ctx, user);
}
