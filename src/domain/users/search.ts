/**
 * The filters of ListUsers ("Managing and searching for user accounts",
 * https://docs.aws.amazon.com/cognito/latest/developerguide/how-to-manage-user-accounts.html). Pure.
 */
import { parseListUsersFilter } from "../../lib/list-users-filter.ts";
import type { Match, SearchColumn, UserSearch } from "../../store/list-users.ts";
import { searchableAttributes, searchKey, type UserStatus } from "../../store/users.ts";
import { refuse } from "../../wire/refuse.ts";
import type { Pool } from "../user-pools/load-pool.ts";
import { loginNameKey } from "../user-pools/login-names.ts";
import { schemaAttribute } from "../user-pools/schema.ts";

const statuses: readonly UserStatus[] = [
  "CONFIRMED",
  "EXTERNAL_PROVIDER",
  "FORCE_CHANGE_PASSWORD",
  "RESET_REQUIRED",
  "UNCONFIRMED",
];

/** The search for a filter; undefined if nothing can match. Throws InvalidParameterException. */
export function searchOf(pool: Pick<Pool, "document">, filter: string | undefined): UserSearch | undefined {
  const parsed = parsedFilter(filter);
  if (parsed === undefined) return { by: "all" };
  const { attribute, value } = parsed;
  const match: Match = parsed.operator === "=" ? "exact" : "prefix";
  switch (attribute) {
    case "sub":
      return { by: "sub", text: value.toLowerCase(), match };
    case "username":
      return { by: "username", text: loginNameKey(pool, value), match };
    case "cognito:user_status":
      return byStatus(statuses.filter((status) => fits(status, value.toUpperCase(), match)));
    case "status":
      return byEnabled(["Enabled", "Disabled"].filter((status) => fits(status, value, match)));
    default:
      if (!isSearchColumn(attribute)) {
        return refuse("InvalidParameterException", `Invalid search attribute: ${attribute}`);
      }
      return { by: attribute, text: searchKey(value), match };
  }
}

/** Checks AttributesToGet. Throws InvalidParameterException for attributes that the schema does not have. */
export function checkAttributesToGet(pool: Pick<Pool, "document">, names: readonly string[]): void {
  if (names.some((name) => schemaAttribute(pool, name) === undefined))
    refuse("InvalidParameterException", "One or more requested attributes do not exist.");
}

function parsedFilter(filter: string | undefined): ReturnType<typeof parseListUsersFilter> {
  try {
    return parseListUsersFilter(filter);
  } catch {
    return refuse("InvalidParameterException", "Error while parsing filter.");
  }
}

function isSearchColumn(name: string): name is SearchColumn {
  return (searchableAttributes as readonly string[]).includes(name);
}

function fits(text: string, value: string, match: Match): boolean {
  return match === "exact" ? text === value : text.startsWith(value);
}

function byStatus(wanted: readonly UserStatus[]): UserSearch | undefined {
  return wanted.length === 0 ? undefined : { by: "status", statuses: wanted };
}

function byEnabled(wanted: readonly string[]): UserSearch | undefined {
  if (wanted.length === 0) return undefined;
  return wanted.length > 1 ? { by: "all" } : { by: "enabled", enabled: wanted[0] === "Enabled" };
}
