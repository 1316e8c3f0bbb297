/**
 * Changes of attributes by their user or an administrator, and their verification ("Verifying updates to email
 * addresses and phone numbers",
 * https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-settings-email-phone-verification.html).
 */
import type { Ctx } from "../../app.ts";
import type { CodeKind } from "../../store/schema/schema.ts";
import type { User, UserChange } from "../../store/users.ts";
import { refuse } from "../../wire/refuse.ts";
import { admitCode, admitMessage, countMessage, limitExceeded } from "../credentials/request-limits.ts";
import { subjectOf } from "../credentials/subjects.ts";
import { deliverQueued } from "../messages/deliver.ts";
import { type ContactAttribute, type Delivery, deliveryTo, isContact } from "../messages/delivery.ts";
import type { MessageOccasion } from "../triggers/custom-message.ts";
import type { Pool } from "../user-pools/load-pool.ts";
import {
  type Attributes,
  changeAttributes,
  contactAttributes,
  deleteAttributes,
  isVerified,
  splitPending,
} from "./attributes.ts";
import { changeUser } from "./change-user.ts";
import {
  changeByCode,
  type PreparedCode,
  prepareCode,
  proof,
  refuseCode,
  requireCode,
  sendCode,
  storeCode,
} from "./codes.ts";
import { changesNothing } from "./sign-in-means.ts";

/** Who changes a user's attributes. */
export interface Changer extends Omit<MessageOccasion, "user"> {
  readonly by: "user" | "admin";
}

/**
 * Updates attributes and sends codes to new addresses. Returns the destinations. Throws AliasExistsException, and
 * CodeDeliveryFailureException (the changes remain).
 */
export async function updateAttributes(
  ctx: Ctx,
  pool: Pool,
  user: User,
  change: Attributes,
  changer: Changer,
): Promise<Delivery[]> {
  if (changer.by === "user") await limitUpdate(ctx, pool, user, planUpdate(pool, user, change).deliveries);
  let prepared: PreparedCode[] = [];
  await changeUser(
    ctx,
    pool,
    user,
    (fresh) => {
      const plan = planUpdate(pool, fresh, change);
      // Triggers hear of the user as the update leaves them.
      const updated = { ...fresh, attributes: plan.change.attributes ?? fresh.attributes };
      prepared = plan.deliveries.map((delivery) =>
        attributeCode(ctx, pool, { ...changer, user: updated }, delivery, "update-attribute"),
      );
      // Nothing is written if nothing changes and nothing is sent.
      return prepared.length === 0 && changesNothing(fresh, plan.change) ? undefined : plan.change;
    },
    {
      operation: "UpdateUserAttributes",
      also: async (tx) => {
        for (const one of prepared) await storeCode(tx, one);
      },
    },
  );
  await deliverQueued(
    ctx,
    prepared.map((one) => one.queued),
  );
  return prepared.map((one) => one.delivery);
}

/**
 * Limits messages to addresses that a user names, as that may be any. Throws TooManyRequestsException (no other error
 * is declared).
 */
async function limitUpdate(ctx: Ctx, pool: Pool, user: User, deliveries: readonly Delivery[]): Promise<void> {
  if (deliveries.length === 0) return;
  const code = "TooManyRequestsException";
  const caller = await admitMessage(
    ctx,
    subjectOf(ctx, pool, user, user.username),
    "update-attributes",
    code,
  );
  for (const { destination } of deliveries) {
    if (!(await countMessage(ctx, caller, { destination, proven: false, silent: false })))
      limitExceeded(code);
  }
}

/** What an update changes about a user, and which addresses it sends a code to. */
export function planUpdate(
  pool: Pool,
  user: User,
  change: Attributes,
): { change: UserChange; deliveries: Delivery[] } {
  // The whole change must be valid, including the part that waits for verification.
  const atOnce = changeAttributes(pool, user.attributes, change);
  const { now, pending } = splitPending(pool, user.attributes, change);
  const waits = Object.keys(pending).length > 0;
  const attributes = waits ? changeAttributes(pool, user.attributes, now) : atOnce;
  const pendingAttributes = { ...without(user.pendingAttributes, Object.keys(change)), ...pending };
  const deliveries = contactAttributes.flatMap((contact) => {
    const waiting = pending[contact];
    if (waiting !== undefined) return [deliveryTo(contact, waiting)];
    const value = attributes[contact];
    const isNew = value !== undefined && value !== user.attributes[contact];
    // An unconfirmed user has the sign-up code, and no access token to verify an attribute with.
    const sends = isNew && !isVerified(attributes, contact) && user.status !== "UNCONFIRMED";
    return sends && pool.document.AutoVerifiedAttributes?.includes(contact)
      ? [deliveryTo(contact, value)]
      : [];
  });
  return { change: { attributes, pendingAttributes }, deliveries };
}

function without(attributes: Attributes, names: readonly string[]): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => !names.includes(name)));
}

export async function removeAttributes(
  ctx: Ctx,
  pool: Pool,
  user: User,
  names: readonly string[],
): Promise<void> {
  const remaining = (fresh: User) => ({
    attributes: deleteAttributes(pool, fresh.attributes, names),
    pendingAttributes: without(fresh.pendingAttributes, names),
  });
  await changeUser(ctx, pool, user, remaining, { operation: "DeleteUserAttributes" });
}

function attributeCode(
  ctx: Ctx,
  pool: Pool,
  occasion: MessageOccasion,
  delivery: Delivery,
  kind: CodeKind,
): PreparedCode {
  return prepareCode(ctx, pool, {
    user: occasion.user,
    purpose: `attribute:${delivery.attribute}`,
    kind,
    delivery,
    by: "now",
    occasion,
  });
}

function contactNamed(name: string): ContactAttribute {
  if (isContact(name)) return name;
  return refuse(
    "InvalidParameterException",
    `Attribute ${name} cannot be verified: only email and phone_number can.`,
  );
}

/**
 * GetUserAttributeVerificationCode: sends a code to the value that waits for verification, if any, otherwise to the
 * current one.
 */
export async function sendAttributeCode(
  ctx: Ctx,
  pool: Pool,
  occasion: MessageOccasion,
  name: string,
): Promise<Delivery> {
  const { user } = occasion;
  const contact = contactNamed(name);
  const value = user.pendingAttributes[contact] ?? user.attributes[contact];
  if (value === undefined) {
    return refuse("InvalidParameterException", `User has no ${contact} to be verified.`);
  }
  const caller = await admitMessage(ctx, subjectOf(ctx, pool, user, user.username), "attribute-code");
  const delivery = deliveryTo(contact, value);
  const proven = value === user.attributes[contact] && isVerified(user.attributes, contact);
  if (!(await countMessage(ctx, caller, { destination: value, proven, silent: false }))) limitExceeded();
  await sendCode(ctx, attributeCode(ctx, pool, occasion, delivery, "verify-attribute"));
  return delivery;
}

/**
 * VerifyUserAttribute: verifies the value; a waiting one takes effect, and an alias becomes this user's. If that fails
 * with AliasExistsException, the code stays valid.
 */
export async function verifyAttribute(
  ctx: Ctx,
  pool: Pool,
  user: User,
  request: { name: string; code: string },
): Promise<void> {
  const contact = contactNamed(request.name);
  const caller = await admitCode(ctx, subjectOf(ctx, pool, user, user.username), "verify-attribute");
  const place = { poolId: pool.id, userId: user.id, purpose: `attribute:${contact}` } as const;
  const held = await requireCode(ctx, place, request.code, { hides: false, caller });
  await changeByCode(ctx, pool, user, held, {
    operation: "VerifyUserAttribute",
    details: { attributes: [contact] },
    decide: (fresh) => {
      const value = fresh.pendingAttributes[contact] ?? fresh.attributes[contact];
      // The address was changed after the code had been sent to another.
      if (value === undefined || proof(contact, value) !== held.proves) return refuseCode("none", false);
      return {
        attributes: { ...fresh.attributes, [contact]: value, [`${contact}_verified`]: "true" },
        pendingAttributes: without(fresh.pendingAttributes, [contact]),
      };
    },
  });
}
