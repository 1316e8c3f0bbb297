/** The tag of a pool that names the providers trusted with verified e-mail addresses. Pure. */
import type { Pool } from "./load-pool.ts";

/** Names of identity providers, separated by spaces. */
export const linkByEmailTag = "poolhouse:link-by-email";

const listed = (value: string): readonly string[] => value.split(/\s+/).filter((name) => name !== "");

/** What is wrong with a value of the tag; undefined if nothing is. */
export function wrongLinking(value: string): string | undefined {
  const names = listed(value);
  if (names.length > 0 && names.every((name) => name.length <= 32 && name !== "*")) return undefined;
  return `The tag ${linkByEmailTag} must be names of identity providers, separated by spaces.`;
}

/**
 * Whether users whom the provider signs in become the user of the pool who has the same e-mail address, if both sides
 * have verified it.
 */
export function linksByEmail(pool: Pick<Pool, "document">, provider: string): boolean {
  return listed(pool.document.UserPoolTags?.[linkByEmailTag] ?? "").includes(provider);
}
