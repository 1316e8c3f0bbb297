/** The messages that welcome users whom they have not created themselves. */
import type { Ctx } from "../../app.ts";
import type { User } from "../../store/users.ts";
import { refuse } from "../../wire/refuse.ts";
import { composeInvitation } from "../messages/compose.ts";
import { type Delivery, deliveryTo } from "../messages/delivery.ts";
import { composingFor } from "../messages/layout.ts";
import { handlingOf, newMessage, type QueuedMessage } from "../messages/queue.ts";
import type { Metadata } from "../triggers/trigger.ts";
import type { Pool } from "../user-pools/load-pool.ts";
import type { Attributes } from "./attributes.ts";

/** For a message that a function words and sends. */
const unworded = { subject: "", body: "" } as const;
const day = 24 * 60 * 60 * 1000;

export type Medium = Delivery["medium"];

/**
 * Where the invitation is sent. DesiredDeliveryMediums defaults to SMS; a user with an e-mail address but no phone
 * number gets it by e-mail, since otherwise nobody would learn the temporary password.
 */
export function invitationDeliveries(
  attributes: Attributes,
  mediums: readonly Medium[] | undefined,
): Delivery[] {
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

export function invitations(
  ctx: Ctx,
  pool: Pool,
  user: User,
  content: {
    /** As the administrator entered it: users know their address, not their UUID. */
    username: string;
    password: string | undefined;
    deliveries: readonly Delivery[];
    until: number | undefined;
    clientMetadata: Metadata | undefined;
  },
): QueuedMessage[] {
  const { username, password, until, clientMetadata } = content;
  return content.deliveries.flatMap((delivery) => {
    const values = { username, password };
    const filling = { username, code: password ?? "" };
    const handling = handlingOf(pool, "invitation", delivery, { user, clientMetadata }, filling);
    const composed =
      handling.sending === undefined
        ? composeInvitation(pool.document, delivery.medium, values, composingFor(ctx, pool, { user }))
        : unworded;
    if (composed === undefined) return [];
    const lifetimeMs = until === undefined ? day : until - ctx.now;
    const message = { userId: user.id, delivery, composed, code: password, lifetimeMs, handling };
    return [newMessage(ctx, pool, { ...message, kind: "invitation", by: "now" })];
  });
}
