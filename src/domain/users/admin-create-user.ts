/** AdminCreateUser: https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminCreateUser.html */
import type { Ctx } from "../../app.ts";
import { readCredential, writeCredential } from "../../store/credentials.ts";
import { inTransaction } from "../../store/db.ts";
import type { LoginName } from "../../store/login-names.ts";
import { type User, updateUser } from "../../store/users.ts";
import { refuse, refuseFor } from "../../wire/refuse.ts";
import { checkPassword, makeCredential } from "../credentials/password.ts";
import { deliverQueued } from "../messages/deliver.ts";
import { queueMessage } from "../messages/queue.ts";
import { preAdminCreateUser, type SignUpData } from "../triggers/sign-up.ts";
import type { Pool } from "../user-pools/load-pool.ts";
import { type Attributes, firstAttributes } from "./attributes.ts";
import { requireUser } from "./find-user.ts";
import { invitationDeliveries, invitations, type Medium } from "./invitations.ts";
import { assertNamesFree, newSub, newUser, refuseProvidersName, storeNewUser } from "./new-user.ts";
import { temporaryPassword } from "./temporary-password.ts";
import { nameNewUser, takenReasons } from "./username.ts";

export interface NewUserRequest extends SignUpData {
  readonly username: string;
  readonly attributes: Attributes;
  /** Generated if absent, unless the pool's users can do without a password. */
  readonly temporaryPassword: string | undefined;
  readonly forceAliasCreation: boolean;
  readonly suppressMessage: boolean;
  readonly mediums: readonly Medium[] | undefined;
}

/** Creates a user on behalf of an administrator and sends the invitation. */
export async function createUser(ctx: Ctx, pool: Pool, request: NewUserRequest): Promise<User> {
  const sub = newSub(ctx.random);
  const named = nameNewUser(pool, request.username, request.attributes, sub);
  await refuseProvidersName(ctx, pool, named.username);
  const attributes = firstAttributes(pool, named.attributes, { required: false });
  const password = passwordOf(ctx, pool, request.temporaryPassword);
  const deliveries = request.suppressMessage ? [] : invitationDeliveries(attributes, request.mediums);
  const status = password === undefined ? "CONFIRMED" : "FORCE_CHANGE_PASSWORD";
  const user = newUser(ctx, pool, { sub, username: named.username, attributes, status });
  const taken = (name: LoginName | undefined): never => nameTaken(pool, name);
  if (!request.forceAliasCreation) await assertNamesFree(ctx, pool, user, taken);
  const { validationData, clientMetadata } = request;
  const { username: userName } = user;
  await preAdminCreateUser(ctx, pool, { userName, attributes, validationData, clientMetadata });
  const credential =
    password === undefined ? undefined : await makeCredential(ctx, pool, user, password, { temporary: true });
  const until = credential?.temporaryUntil;
  const messages = invitations(ctx, pool, user, {
    ...{ username: request.username, password, deliveries, until },
    clientMetadata: request.clientMetadata,
  });
  await storeNewUser(ctx, pool, user, {
    credential,
    takeAliases: request.forceAliasCreation ? "AdminCreateUser" : undefined,
    also: async (tx) => {
      for (const message of messages) await queueMessage(tx, message);
    },
    taken,
  });
  await deliverQueued(ctx, messages);
  return user;
}

/** MessageAction RESEND: sets a new temporary password with a new expiry, and sends the invitation again. */
export async function resendInvitation(
  ctx: Ctx,
  pool: Pool,
  request: Pick<NewUserRequest, "username" | "temporaryPassword" | "mediums" | "clientMetadata">,
): Promise<User> {
  const found = await requireUser(ctx, pool, request.username);
  if (found.status !== "FORCE_CHANGE_PASSWORD") {
    refuse(
      "UnsupportedUserStateException",
      `Resend not possible. ${found.username} status is not FORCE_CHANGE_PASSWORD`,
    );
  }
  const given = request.temporaryPassword;
  if (given) checkPassword(pool, given, "admin");
  const password = given || temporaryPassword(ctx.random, pool);
  const deliveries = invitationDeliveries(found.attributes, request.mediums);
  const previous = await readCredential(ctx.db, pool.id, found.id);
  const credential = await makeCredential(ctx, pool, found, password, { temporary: true, previous });
  const until = credential.temporaryUntil;
  const messages = invitations(ctx, pool, found, {
    ...{ username: request.username, password, deliveries, until },
    clientMetadata: request.clientMetadata,
  });
  await inTransaction(ctx.db, async (tx) => {
    // The status was read outside: the user may have chosen a password in the meantime, which must not be overwritten.
    if (!(await updateUser(tx, found, {}, ctx.now))) refuseBusy();
    await writeCredential(tx, pool.id, found.id, undefined, credential, ctx.now);
    for (const message of messages) await queueMessage(tx, message);
  });
  await deliverQueued(ctx, messages);
  return { ...found, version: found.version + 1, updatedAt: ctx.now };
}

function refuseBusy(): never {
  return refuseFor("tooMany", { detail: "the user changed while an invitation was sent again" });
}

/**
 * The temporary password, if any: "To create a user with no password, omit this parameter or submit a blank value",
 * which only has that effect in pools where users can sign in without one.
 */
function passwordOf(ctx: Ctx, pool: Pool, given: string | undefined): string | undefined {
  if (given) {
    checkPassword(pool, given, "admin");
    return given;
  }
  return isPasswordless(pool) ? undefined : temporaryPassword(ctx.random, pool);
}

/** Whether users of the pool can sign in by one-time codes (SignInPolicyType), and so need no password. */
export function isPasswordless(pool: Pick<Pool, "document">): boolean {
  const factors = pool.document.Policies?.SignInPolicy?.AllowedFirstAuthFactors ?? [];
  return factors.includes("EMAIL_OTP") || factors.includes("SMS_OTP");
}

function nameTaken(pool: Pool, name: LoginName | undefined): never {
  const kind = name?.kind ?? "username";
  if (kind === "username") return refuseFor("accountTaken");
  const alias = pool.document.AliasAttributes?.includes(kind) === true;
  return refuseFor(takenReasons[alias ? "alias" : "name"][kind]);
}
