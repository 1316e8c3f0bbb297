/** The user whom a sign-in simulates when nobody has the name that was entered. */
import { hmacSha256 } from "../../lib/bytes.ts";
import { uuid4Of } from "../../lib/uuid.ts";
import type { Pool } from "../user-pools/load-pool.ts";
import { loginNameKey } from "../user-pools/login-names.ts";
import { aliasShape } from "../users/username.ts";

/** The username that a user with this sign-in name would have: always the same, and indistinguishable from real ones. */
export function simulatedUsername(pool: Pool, name: string): string {
  const key = loginNameKey(pool, name);
  if (!hasGeneratedUsernames(pool, name)) return key;
  return uuid4Of(hmacSha256(pool.fakeSecret, "identity", "\0", key));
}

/** Whether real users with such a sign-in name have a UUID as username; otherwise a UUID would reveal the fake. */
function hasGeneratedUsernames(pool: Pool, name: string): boolean {
  if ((pool.document.UsernameAttributes ?? []).length > 0) return true;
  // No username has the form of an alias; any other name is a username, whatever it contains.
  return aliasShape(pool, name) !== undefined;
}
