/** The confirmation of users who signed up: by the code they were sent, or by an administrator. */
import type { Ctx } from "../../app.ts";
import { deleteCodes } from "../../store/codes.ts";
import type { User } from "../../store/users.ts";
import { refuse } from "../../wire/refuse.ts";
import { recordCredentialChange } from "../audit/credential.ts";
import { countRequest, subjectOf } from "../credentials/guessing.ts";
import { refuseLinks } from "../messages/compose.ts";
import { type ContactAttribute, type Delivery, simulatedDelivery } from "../messages/delivery.ts";
import type { DeliveredBy } from "../messages/queue.ts";
import { hidesUsers } from "../pools/clients.ts";
import type { Client, Pool } from "../pools/settings.ts";
import { refuseTriggers } from "../triggers/unavailable.ts";
import { type Attributes, contactAttributes } from "../users/attributes.ts";
import { changeUser } from "../users/change.ts";
import { prepareCode, proof, refuseCode, requireCode, sendCode, useCode } from "../users/codes.ts";
import { findUser, noSuchUserOfClient } from "../users/find.ts";
import { confirmationDelivery } from "./sign-up.ts";

const confirmationsAnHour = 15;
const resendsAnHour = 5;

const purpose = "sign-up";

function cannotBeConfirmed(user: User): never {
  return refuse("NotAuthorizedException", `User cannot be confirmed. Current status is ${user.status}`);
}

/**
 * ConfirmSignUp: the user is confirmed and the address the code went to is verified; where it is an alias it becomes
 * this user's. The code stays good when that fails with AliasExistsException, so that the caller may come again with
 * ForceAliasCreation.
 */
export async function confirmSignUp(
  ctx: Ctx,
  pool: Pool,
  client: Client,
  request: { username: string; code: string; forceAliasCreation: boolean },
): Promise<void> {
  refuseTriggers(pool, "PostConfirmation");
  const hides = hidesUsers(client);
  const user = await findUser(ctx, pool, request.username);
  if (user === undefined && !hides) noSuchUserOfClient();
  const subject = subjectOf(ctx, pool, user, request.username);
  await countRequest(ctx, pool, subject, "confirm-sign-up", confirmationsAnHour);
  if (user !== undefined && !hides) {
    if (!user.enabled) refuse("NotAuthorizedException", "User is disabled.");
    if (user.status !== "UNCONFIRMED") cannotBeConfirmed(user);
  }
  const place = { poolId: pool.id, userId: user?.id ?? `?${subject}`, purpose } as const;
  const proven = await requireCode(ctx, place, request.code, { hides });
  if (user === undefined || !user.enabled) return refuseCode("wrong", hides);
  const changed = await changeUser(
    ctx,
    pool,
    user,
    (fresh) => {
      if (fresh.status !== "UNCONFIRMED") cannotBeConfirmed(fresh);
      return { status: "CONFIRMED", attributes: withProven(fresh.attributes, proven) };
    },
    {
      takeAliases: request.forceAliasCreation,
      also: async (tx) => {
        if ((await useCode(tx, place, request.code, ctx.now)) !== proven) return false;
        const change = { operation: "ConfirmSignUp", poolId: pool.id, userId: user.id };
        await recordCredentialChange(tx, ctx, change);
        return true;
      },
    },
  );
  if (changed === undefined) refuseCode("none", hides);
}

/** An address that was replaced after the code had been sent to it is not verified by it. */
function withProven(attributes: Attributes, proven: string): Attributes {
  const contact = contactAttributes.find((name) => proof(name, attributes[name] ?? "") === proven);
  return contact === undefined ? attributes : { ...attributes, [`${contact}_verified`]: "true" };
}

/** AdminConfirmSignUp: confirmed without a code, and no address verified. */
export async function adminConfirmSignUp(ctx: Ctx, pool: Pool, user: User): Promise<void> {
  refuseTriggers(pool, "PostConfirmation");
  await changeUser(
    ctx,
    pool,
    user,
    (fresh) => {
      if (fresh.status !== "UNCONFIRMED") cannotBeConfirmed(fresh);
      return { status: "CONFIRMED" };
    },
    { also: (tx) => deleteCodes(tx, pool.id, user.id, [purpose]) },
  );
}

/**
 * ResendConfirmationCode. With a client that hides who exists, everybody gets an answer of the same form after the
 * same work, and delivery is left to the worker.
 */
export async function resendConfirmationCode(
  ctx: Ctx,
  pool: Pool,
  client: Client,
  username: string,
): Promise<Delivery> {
  const likely = likelyContact(pool);
  const hides = hidesUsers(client);
  const user = await findUser(ctx, pool, username);
  if (user === undefined && !hides) noSuchUserOfClient();
  const subject = subjectOf(ctx, pool, user, username);
  await countRequest(ctx, pool, subject, "resend-confirmation-code", resendsAnHour);
  if (user !== undefined && !hides) {
    if (!user.enabled) refuse("NotAuthorizedException", "User is disabled.");
    if (user.status !== "UNCONFIRMED") refuse("InvalidParameterException", "User is already confirmed.");
  }
  const waits = user?.enabled === true && user.status === "UNCONFIRMED";
  const delivery = waits ? confirmationDelivery(pool, user.attributes) : undefined;
  if (delivery === undefined && !hides) noWhereToSend();
  const to = delivery ?? simulatedDelivery(pool, username, likely);
  refuseLinks(pool.document, to.medium);
  const by: DeliveredBy = delivery === undefined ? "nobody" : hides ? "worker" : "now";
  const id = user !== undefined && delivery !== undefined ? user.id : `?${subject}`;
  await sendCode(
    ctx,
    prepareCode(ctx, pool, { user: { id }, purpose, kind: "resend-code", delivery: to, by }),
  );
  return to;
}

/** Which address sign-up codes of the pool go to. Throws when they go nowhere: that is the same for every user. */
function likelyContact(pool: Pool): ContactAttribute {
  const auto = pool.document.AutoVerifiedAttributes ?? [];
  if (auto.length === 0) noWhereToSend();
  return auto.includes("email") ? "email" : "phone_number";
}

function noWhereToSend(): never {
  return refuse("InvalidParameterException", "Cannot resend codes. Auto verification not turned on.");
}
