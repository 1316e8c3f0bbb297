/** A code given together with a user's name, by somebody who has not signed in (ConfirmSignUp, ConfirmForgotPassword). */
import type { Ctx } from "../../app.ts";
import type { User } from "../../store/users.ts";
import { admitCode, type UserLimit } from "../credentials/request-limits.ts";
import { subjectOf } from "../credentials/subjects.ts";
import { hidesUsers } from "../user-pools/clients.ts";
import type { Client, Pool } from "../user-pools/load-pool.ts";
import { type HeldCode, refuseCode, requireCode, simulatedPlace } from "./codes.ts";
import { findUser, noSuchUserOfClient } from "./find-user.ts";

export interface CodeByName {
  readonly username: string;
  readonly code: string;
  readonly purpose: HeldCode["place"]["purpose"];
  readonly limit: UserLimit;
  /** Receives the user, or undefined if nobody has the name, before anything is refused. */
  readonly found?: (user: User | undefined) => void;
  /** Refuses users whose state does not allow the change. Not asked if the client hides who exists. */
  readonly assertState: (user: User) => void;
}

/**
 * Checks the code without using it up; a wrong one is counted. If the client hides who exists, a name that nobody has
 * costs the same work and gets the same answer. Throws CodeMismatchException, ExpiredCodeException,
 * LimitExceededException, TooManyRequestsException, UserNotFoundException, and what `assertState` throws.
 */
export async function requireCodeByName(
  ctx: Ctx,
  { pool, client }: { readonly pool: Pool; readonly client: Client },
  { username, code, purpose, limit, found, assertState }: CodeByName,
): Promise<{ user: User; held: HeldCode }> {
  const hides = hidesUsers(client);
  const user = await findUser(ctx, pool, username);
  found?.(user);
  if (user === undefined && !hides) noSuchUserOfClient();
  const subject = subjectOf(ctx, pool, user, username);
  const caller = await admitCode(ctx, subject, limit);
  if (user !== undefined && !hides) assertState(user);
  const place = { poolId: pool.id, userId: (user ?? simulatedPlace(subject)).id, purpose };
  const held = await requireCode(ctx, place, code, { hides, caller });
  if (user === undefined || !user.enabled) return refuseCode("wrong", hides);
  return { user, held };
}
