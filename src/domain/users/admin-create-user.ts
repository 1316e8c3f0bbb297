/** AdminCreateUser: https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminCreateUser.html */
import type { Ctx } from "../../app.ts";
import { readCredential, writeCredential } from "../../store/credentials.ts";
import { inTransaction } from "../../store/db.ts";
import type { LoginName } from "../../store/login-names.ts";
import { type User, updateUser } from "../../store/users.ts";
import { refuse, refuseFor } from "../../wire/refuse.ts";
import { checkPassword, makeCredential } from "../credentials/password.ts";
import { composeInvitation } from "../messages/compose.ts";
import { deliverQueued } from "../messages/deliver.ts";
import { type Delivery, deliveryTo } from "../messages/delivery.ts";
import { newMessage, type QueuedMessage, queueMessage } from "../messages/queue.ts";
import { refuseTriggers } from "../triggers/unavailable.ts";
import type { Pool } from "../user-pools/load-pool.ts";
import { type Attributes, firstAttributes } from "./attributes.ts";
import { requireUser } from "./find-user.ts";
import { assertNamesFree, newSub, newUser, storeNewUser } from "./new-user.ts";
import { temporaryPassword } from "./temporary-password.ts";
import { nameNewUser, takenReasons } from "./username.ts";

const day = 24 * 60 * 60 * 1000;

type Medium = Delivery["medium"];

export interface NewUserRequest {
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
  refuseTriggers(pool, "PreSignUp");
  const sub = newSub(ctx.random);
  const named = nameNewUser(pool, request.username, request.attributes, sub);
  const attributes = firstAttributes(pool, named.attributes, { required: false });
  const password = passwordOf(ctx, pool, request.temporaryPassword);
  const deliveries = request.suppressMessage ? [] : invitationDeliveries(attributes, request.mediums);
  const status = password === undefined ? "CONFIRMED" : "FORCE_CHANGE_PASSWORD";
  const user = newUser(ctx, pool, { sub, username: named.username, attributes, status });
  const taken = (name: LoginName | undefined): never => nameTaken(pool, name);
  if (!request.forceAliasCreation) await assertNamesFree(ctx, pool, user, taken);
  const credential =
    password === undefined ? undefined : await makeCredential(ctx, pool, user, password, { temporary: true });
  const until = credential?.temporaryUntil;
  const messages = invitations(ctx, pool, user, { username: request.username, password, deliveries, until });
  await storeNewUser(ctx, pool, user, {
    credential,
    takeAliases: request.forceAliasCreation,
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
  request: Pick<NewUserRequest, "username" | "temporaryPassword" | "mediums">,
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
  const messages = invitations(ctx, pool, found, { username: request.username, password, deliveries, until });
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

/**
 * Where the invitation is sent. DesiredDeliveryMediums defaults to SMS; a user with an e-mail address but no phone
 * number gets it by e-mail, since otherwise nobody would learn the temporary password.
 */
function invitationDeliveries(attributes: Attributes, mediums: readonly Medium[] | undefined): Delivery[] {
  const { email, phone_number: phoneNumber } = attributes;
  const wanted: readonly Medium[] = mediums?.length ? mediums : [!phoneNumber && email ? "EMAIL" : "SMS"];
  const deliveries: Delivery[] = [];
  if (wanted.includes("EMAIL") && email) deliveries.push(deliveryTo("email", email));
  if (wanted.includes("SMS") && phoneNumber) deliveries.push(deliveryTo("phone_number", phoneNumber));
  if (!mediums?.length || deliveries.length > 0) return deliveries;
  return refuse(
    "InvalidParameterException",
    wanted.includes("EMAIL")
      ? "No email provided but desired delivery medium was Email"
      : "No phone number provided but desired delivery medium was SMS",
  );
}

function invitations(
  ctx: Ctx,
  pool: Pool,
  user: User,
  content: {
    /** As the administrator entered it: users know their address, not their UUID. */
    username: string;
    password: string | undefined;
    deliveries: readonly Delivery[];
    until: number | undefined;
  },
): QueuedMessage[] {
  const { username, password, until } = content;
  return content.deliveries.flatMap((delivery) => {
    const composed = composeInvitation(pool.document, delivery.medium, { username, password });
    if (composed === undefined) return [];
    const lifetimeMs = until === undefined ? day : until - ctx.now;
    const message = { userId: user.id, delivery, composed, code: password, lifetimeMs };
    return [newMessage(ctx, pool, { ...message, kind: "invitation", by: "now" })];
  });
}
