/** What a token must have to be let in. */
import type { JWTPayload } from "jose";
import { assertKnown, type Names } from "./known-options.ts";
import { TokenError } from "./token-error.ts";

export interface Access {
  /** Scopes, all of which the token must have. */
  readonly scopes?: readonly string[];
  /** Groups, one of which the user must be in. */
  readonly groups?: readonly string[];
}

export const accessNames: Names<Access> = { scopes: true, groups: true };

/** @throws TypeError if it cannot be meant */
export function checkAccess(access: Access): void {
  assertKnown(access, accessNames);
  for (const list of [access.scopes ?? [], access.groups ?? []])
    if (!Array.isArray(list) || !list.every((one) => typeof one === "string" && one !== ""))
      throw new TypeError("scopes and groups must be lists of names.");
}

/** @throws TokenError `scope` or `group` */
export function assertAccess(
  token: { readonly scopes: readonly string[]; readonly groups: readonly string[] },
  { scopes = [], groups = [] }: Access,
): void {
  if (!scopes.every((one) => token.scopes.includes(one)))
    throw new TokenError("scope", "The token lacks a scope that is needed here.", { scopes });
  if (groups.length > 0 && !groups.some((one) => token.groups.includes(one)))
    throw new TokenError("group", "The user is in none of the groups that may do this.");
}

/** The scopes of a token: `scope` divided by spaces (RFC 8693 section 4.2), or `scp` as some providers have it. */
export function scopesOf(claims: JWTPayload): readonly string[] {
  const { scope, scp } = claims as { scope?: unknown; scp?: unknown };
  const given = scope ?? scp;
  if (typeof given === "string") return given.split(" ").filter((one) => one !== "");
  return texts(given);
}

/** The user's groups. A claim that is no list of texts counts as none. */
export function groupsOf(claims: Readonly<Record<string, unknown>>, claim: string): readonly string[] {
  return texts(claims[claim]);
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string") ? value : [];
}
