/**
 * What a new user may be called in each of the three username modes (AWS: "Customizing sign-in attributes",
 * https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-settings-attributes.html#user-pool-settings-aliases).
 */

import { isMailAddress } from "../../lib/mail-address.ts";
import type { Reason } from "../../wire/reasons.ts";
import { refuse, refuseFor } from "../../wire/refuse.ts";
import { type ContactAttribute, isContact } from "../messages/delivery.ts";
import type { Pool } from "../user-pools/load-pool.ts";
import { loginNameKey } from "../user-pools/login-names.ts";
import { isPhoneNumber } from "../user-pools/schema.ts";

const hasShape: Readonly<Record<ContactAttribute, (text: string) => boolean>> = {
  email: isMailAddress,
  phone_number: isPhoneNumber,
};

export interface NewName {
  /** The internal username. */
  readonly username: string;
  /** The attributes, with the address the user is called by among them. */
  readonly attributes: Readonly<Record<string, string>>;
}

/**
 * The internal username and attributes of a new user. In pools with UsernameAttributes the given name becomes the
 * attribute it has the shape of, and the user is called by its `sub`. Elsewhere users are called by the form that names
 * are compared in, small letters where case makes no difference (AWS: "User pool case sensitivity"): who exists must not
 * show in how a name is spelt. Throws InvalidParameterException.
 */
export function nameNewUser(
  pool: Pick<Pool, "document">,
  given: string,
  attributes: Readonly<Record<string, string>>,
  sub: string,
): NewName {
  const modes = (pool.document.UsernameAttributes ?? []).filter(isContact);
  if (modes.length === 0) {
    refuseAliasShapes(pool, "Username", given);
    return { username: loginNameKey(pool, given), attributes };
  }
  const mode = modes.find((name) => hasShape[name](given)) ?? refuseFor(shapeReason(modes));
  const already = attributes[mode];
  if (already !== undefined && loginNameKey(pool, already) !== loginNameKey(pool, given)) {
    refuse("InvalidParameterException", `Username and the ${mode} attribute differ.`);
  }
  return { username: sub, attributes: { ...attributes, [mode]: already ?? given } };
}

function shapeReason(modes: readonly ContactAttribute[]): "nameNoAddress" | "nameNoEmail" | "nameNoPhone" {
  if (modes.length > 1) return "nameNoAddress";
  return modes[0] === "email" ? "nameNoEmail" : "nameNoPhone";
}

/** A name of an alias's shape could be another user's address, and would keep them from it. */
export function refuseAliasShapes(
  pool: Pick<Pool, "document">,
  what: "Username" | "preferred_username",
  given: string,
): void {
  const words = { email: "email", phone_number: "phone number" } as const;
  for (const alias of pool.document.AliasAttributes ?? []) {
    if (alias === "preferred_username" || !hasShape[alias](given)) continue;
    const reason = what === "Username" ? "nameIsAlias" : "preferredNameIsAlias";
    refuseFor(reason, { format: words[alias] });
  }
}

/** Why a name is refused that is taken, by what kind of name it is: of a new user, or as an alias. */
export const takenReasons = {
  name: {
    username: "nameTaken",
    email: "emailTaken",
    phone_number: "phoneTaken",
    preferred_username: "preferredNameTaken",
  },
  alias: {
    username: "nameAliasTaken",
    email: "emailAliasTaken",
    phone_number: "phoneAliasTaken",
    preferred_username: "preferredNameAliasTaken",
  },
} as const satisfies Record<string, Record<"username" | ContactAttribute | "preferred_username", Reason>>;
