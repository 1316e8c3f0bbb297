/** How a pool compares sign-in names. */
import type { LoginName } from "../../store/login-names.ts";
import type { Pool } from "./load-pool.ts";

/** Whether names differ by case; by default they do (UsernameConfigurationType). */
function caseSensitive(pool: Pick<Pool, "document">): boolean {
  return pool.document.UsernameConfiguration?.CaseSensitive !== false;
}

/** The form in which a sign-in name is stored and looked up. */
export function loginNameKey(pool: Pick<Pool, "document">, name: string): string {
  const composed = name.normalize("NFC");
  // Lower-casing can produce letters that compose again: J with caron has no single uppercase code point.
  return caseSensitive(pool) ? composed : composed.toLowerCase().normalize("NFC");
}

/** The username as a sign-in name, which every user has. */
export function usernameOf(pool: Pick<Pool, "document">, username: string): LoginName {
  return { key: loginNameKey(pool, username), kind: "username" };
}

/**
 * A user's sign-in names: the username, and those added by the pool's mode.
 * UsernameAttributes: the e-mail address and phone number, verified or not, unique immediately.
 * AliasAttributes: the verified e-mail address and phone number, and preferred_username (once the user is confirmed).
 */
export function loginNames(
  pool: Pick<Pool, "document">,
  username: string,
  attributes: Readonly<Record<string, string>>,
  options: { confirmed: boolean },
): LoginName[] {
  const names: LoginName[] = [usernameOf(pool, username)];
  const add = (kind: LoginName["kind"], value: string | undefined) => {
    if (!value) return;
    const key = loginNameKey(pool, value);
    if (!names.some((name) => name.key === key)) names.push({ key, kind });
  };
  for (const kind of pool.document.UsernameAttributes ?? []) add(kind, attributes[kind]);
  for (const kind of pool.document.AliasAttributes ?? []) {
    const verified =
      kind === "preferred_username" ? options.confirmed : attributes[`${kind}_verified`] === "true";
    if (verified) add(kind, attributes[kind]);
  }
  return names;
}
