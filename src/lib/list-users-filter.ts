/** Parser of ListUsers' Filter parameter ("ListUsers" and "Searching for users", Amazon Cognito). */

/** A parsed filter: `=` compares the whole value, `^=` its beginning. */
export type ListUsersFilter = { attribute: string; operator: "=" | "^="; value: string };

const FILTER = /^\s*(?:([\w:.-]+)|"([^"\\]+)")\s*(\^?=)\s*"((?:[^"\\]|\\[\s\S])*)"\s*$/;

/**
 * Parses `<attribute> = "<value>"` or `<attribute> ^= "<value>"`; the attribute may be quoted, as in AWS's own
 * example. Spaces around the operator are optional. In the value
 * `\"` means a quote and `\\` a backslash; any other backslash is literal.
 *
 * @returns the filter, or undefined for an empty one (every user). The caller decides which attributes may be searched.
 * @throws Error 'Error while parsing filter.' for anything else
 */
export function parseListUsersFilter(text: string | undefined): ListUsersFilter | undefined {
  if (text === undefined || text.trim() === "") return undefined;
  const match = FILTER.exec(text);
  if (!match) throw new Error("Error while parsing filter.");
  const [, bare, quotedName = "", operator, quoted = ""] = match;
  const attribute = bare ?? quotedName;
  return { attribute, operator: operator === "=" ? "=" : "^=", value: quoted.replace(/\\(["\\])/g, "$1") };
}
