/**
 * What a new user may be called in each of the three username modes (AWS: "Customizing sign-in attributes",
 * https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-settings-attributes.html#user-pool-settings-aliases).
 */
import { isMailAddress } from "../../lib/mail-address.ts";
import { refuse } from "../../wire/refuse.ts";
import { type ContactAttribute, isContact } from "../messages/delivery.ts";
import { loginNameKey } from "../pools/names.ts";
import { isPhoneNumber } from "../pools/schema.ts";
import type { Pool } from "../pools/settings.ts";

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
  const mode =
    modes.find((name) => hasShape[name](given)) ?? refuse("InvalidParameterException", shapeText(modes));
  const already = attributes[mode];
  if (already !== undefined && loginNameKey(pool, already) !== loginNameKey(pool, given)) {
    refuse("InvalidParameterException", `Username and the ${mode} attribute differ.`);
  }
  return { username: sub, attributes: { ...attributes, [mode]: already ?? given } };
}

function shapeText(modes: readonly ContactAttribute[]): string {
  if (modes.length > 1) return "Username should be either an email or a phone number.";
  return modes[0] === "email" ? "Username should be an email." : "Username should be a phone number.";
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
    refuse(
      "InvalidParameterException",
      `${what} cannot be of ${words[alias]} format, since user pool is configured for ${words[alias]} alias.`,
    );
  }
}

/** How the sentence goes on when a name is taken, by what kind of name it is. */
export function takenText(kind: "username" | "email" | "phone_number" | "preferred_username"): string {
  return kind === "username" ? "User already exists" : `An account with the given ${kind} already exists.`;
}
