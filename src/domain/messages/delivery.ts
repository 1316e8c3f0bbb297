/**
 * messages: what is sent to users, and how it gets there. This file determines destinations, and how much of one is
 * shown.
 */
import { hmacSha256 } from "../../lib/bytes.ts";
import type { Pool } from "../user-pools/load-pool.ts";
import { loginNameKey } from "../user-pools/login-names.ts";

export type ContactAttribute = "email" | "phone_number";

export interface Delivery {
  readonly attribute: ContactAttribute;
  readonly medium: "EMAIL" | "SMS";
  readonly destination: string;
}

export function isContact(name: string): name is ContactAttribute {
  return name === "email" || name === "phone_number";
}

export function deliveryTo(attribute: ContactAttribute, destination: string): Delivery {
  return { attribute, medium: attribute === "email" ? "EMAIL" : "SMS", destination };
}

/**
 * Masks a destination, as `t***@t***` and `+*******1234`: enough to recognize one's own, not enough to learn another's.
 */
export function maskDestination(delivery: Pick<Delivery, "medium" | "destination">): string {
  const { medium, destination } = delivery;
  if (medium === "SMS") return `+*******${destination.slice(-4)}`;
  const at = destination.lastIndexOf("@");
  const first = (text: string) => [...text][0] ?? "";
  return `${first(destination.slice(0, at))}***@${first(destination.slice(at + 1))}***`;
}

/**
 * Where a message would have gone for a name that does not exist: to the name itself if the message could go there,
 * otherwise to a made-up destination that is always the same ("Managing user existence error responses", Amazon Cognito
 * Developer Guide).
 */
export function simulatedDelivery(
  pool: Pick<Pool, "document" | "fakeSecret">,
  name: string,
  attribute: ContactAttribute,
  possible: readonly ContactAttribute[] = ["email", "phone_number"],
): Delivery {
  const folded = loginNameKey(pool, name);
  if (possible.includes("email") && folded.lastIndexOf("@") > 0) return deliveryTo("email", folded);
  if (possible.includes("phone_number") && /^\+\d{4,}$/.test(folded))
    return deliveryTo("phone_number", folded);
  const bytes = hmacSha256(pool.fakeSecret, "destination", "\0", folded);
  if (attribute === "phone_number") {
    return deliveryTo(attribute, `+${String(1e10 + (bytes.readUIntBE(0, 6) % 1e10)).slice(0, 11)}`);
  }
  const letter = (at: number) => String.fromCharCode(0x61 + (bytes.readUInt32BE(at) % 26));
  return deliveryTo(attribute, `${letter(0)}@${letter(4)}`);
}
