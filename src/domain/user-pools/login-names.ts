/** How a pool compares the names users sign in with. */
import type { LoginName } from "../../store/users.ts";
import type { Pool } from "./load-pool.ts";

/** Whether names differ by case; the API default is that they do (UsernameConfigurationType). */
function caseSensitive(pool: Pick<Pool, "document">): boolean {
  return pool.document.UsernameConfiguration?.CaseSensitive !== false;
}

/** The form in which a sign-in name is stored and looked up. */
export function loginNameKey(pool: Pick<Pool, "document">, name: string): string {
  const composed = name.normalize("NFC");
  // Lower-casing can leave letters that compose anew: J with a caron has no capital of its own.
  return caseSensitive(pool) ? composed : composed.toLowerCase().normalize("NFC");
}

/**
 * The sign-in names of a user: the username, and what the pool's mode adds.
 * UsernameAttributes: the e-mail address and phone number, verified or not, unique at once.
 * AliasAttributes: verified e-mail address and phone number, and preferred_username (once the user is confirmed).
 */
export function loginNames(
  pool: Pick<Pool, "document">,
  username: string,
  attributes: Readonly<Record<string, string>>,
  options: { confirmed: boolean },
): LoginName[] {
  const names: LoginName[] = [{ key: loginNameKey(pool, username), kind: "username" }];
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
