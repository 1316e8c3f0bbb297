/**
 * The setting that names the database: `postgres://…`, `sqlite:<path>`, a path, or `:memory:`. What is refused is never
 * repeated in a message, since it may contain a password.
 */
import { OperatorError } from "./operator-error.ts";

export type DatabaseAddress =
  | { readonly kind: "postgres"; readonly url: string }
  | { readonly kind: "sqlite"; readonly path: string };

/** Parses the setting. Throws an OperatorError that names it but contains nothing of the value. */
export function parseDatabase(text: string): DatabaseAddress {
  const wrong = wrongDatabase(text);
  if (wrong !== undefined)
    throw new OperatorError(`The setting database (--database, POOLHOUSE_DATABASE) ${wrong}.`);
  return isPostgres(text) ? { kind: "postgres", url: text } : { kind: "sqlite", path: pathOf(text) };
}

/** What is wrong with the setting, to follow its name; undefined if it is fine. */
export function wrongDatabase(text: string): string | undefined {
  if (isPostgres(text)) return isPostgresUrl(text) ? undefined : malformed;
  const path = pathOf(text);
  if (path === "") return "must not be an empty path";
  const mistaken = looksLikeUrl(path) || /\bpassword\s*=/i.test(path);
  return mistaken ? "must be postgres://…, sqlite:<path> or a path" : undefined;
}

const malformed =
  "is not a valid PostgreSQL URL, postgres://user:password@host:port/database: special characters of the user name and " +
  "the password must be percent-encoded (# is %23, / is %2F, ? is %3F, @ is %40, % is %25)";

/**
 * Whether the text begins with a URL's scheme, in any case (RFC 3986 section 3.1), or contains a URL. Drive letters of
 * Windows are no schemes.
 */
export function looksLikeUrl(text: string): boolean {
  return /^[a-z][a-z0-9+.-]+:/i.test(text) || text.includes("://");
}

const isPostgres = (text: string) => /^postgres(?:ql)?:\/\//i.test(text);
const pathOf = (text: string) => text.replace(/^sqlite:(?:\/\/)?/i, "");

/**
 * Whether a PostgreSQL URL means what it seems to. A `/`, `?` or `#` in the password ends the host early: what follows
 * then contains the `@` that was to precede the host.
 */
function isPostgresUrl(text: string): boolean {
  const [, rest = ""] = /^[^:]+:\/\/[^/?#]*(.*)$/s.exec(text) ?? [];
  // A user without a host is valid for pg, not for WHATWG URL: the host is then a parameter, the folder of a socket.
  const whole = text.replace("@/", "@localhost/");
  if (/[@#]/.test(rest) || !URL.canParse(whole)) return false;
  const { username, password, hostname, pathname } = new URL(whole);
  return [username, password, hostname, pathname].every(isDecodable);
}

/** Whether percent-decoding gives UTF-8. pg takes a `%` without two hexadecimal digits literally. */
function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text.replace(/%(?![0-9a-f]{2})/gi, "%25"));
    return true;
  } catch {
    return false;
  }
}
