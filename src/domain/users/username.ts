/**
 * The names that a new user may have in each of the three username modes ("Customizing sign-in attributes",
 * https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-settings-attributes.html#user-pool-settings-aliases).
 */

import { isMailAddress } from "../../lib/mail-address.ts";
import type { LoginName } from "../../store/login-names.ts";
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
  /** The attributes, including the address given as username. */
  readonly attributes: Readonly<Record<string, string>>;
}

/**
 * The internal username and attributes of a new user. In pools with UsernameAttributes the given name becomes the
 * attribute that it has the form of, and the username is the `sub`. Otherwise the username is the name as it is
 * compared, in lower case where case does not matter ("User pool case sensitivity", Amazon Cognito Developer Guide), so
 * that spelling does not reveal who exists. Throws InvalidParameterException.
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

/** The address by which a pool's users sign in as an alias and whose form a name has; undefined if it has none. */
export function aliasShape(pool: Pick<Pool, "document">, name: string): ContactAttribute | undefined {
  return (pool.document.AliasAttributes ?? []).filter(isContact).find((alias) => hasShape[alias](name));
}

/** Refuses a name that looks like an alias: it could be another user's address and block it. */
export function refuseAliasShapes(
  pool: Pick<Pool, "document">,
  what: "Username" | "preferred_username",
  given: string,
): void {
  const words = { email: "email", phone_number: "phone number" } as const;
  const alias = aliasShape(pool, given);
  if (alias === undefined) return;
  const reason = what === "Username" ? "nameIsAlias" : "preferredNameIsAlias";
  refuseFor(reason, { format: words[alias] });
}

/** Reasons for refusing a taken name by its kind, for a new user and for an alias. */
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

/** Refuses a name that is taken, for a new user. Undefined: whichever it was. Throws UsernameExistsException. */
export function nameTaken(name: LoginName | undefined): never {
  return refuseFor(takenReasons.name[name?.kind ?? "username"]);
}
