/** The parts of events that are about a user. */
import type { User } from "../../store/users.ts";
import type { Pool } from "../user-pools/load-pool.ts";
import type { Metadata } from "./trigger.ts";

type Attributes = Readonly<Record<string, string>>;

/**
 * `userAttributes` of an existing user: all values are text. Addresses that are names are repeated under
 * `cognito:…_alias`.
 */
export function userAttributes(pool: Pick<Pool, "document">, user: User): Attributes {
  const aliases = (["email", "phone_number"] as const).filter(
    (name) => user.attributes[name] && pool.document.AliasAttributes?.includes(name),
  );
  return {
    sub: user.id,
    "cognito:user_status": user.status,
    ...user.attributes,
    ...Object.fromEntries(aliases.map((name) => [`cognito:${name}_alias`, user.attributes[name]!])),
  };
}

/** A member of `request` that is absent unless the caller gave it. */
export function given<Name extends string>(
  name: Name,
  metadata: Metadata | undefined,
): { readonly [name in Name]?: Metadata } {
  return metadata === undefined ? {} : ({ [name]: metadata } as { readonly [name in Name]: Metadata });
}
