/** The tag of a pool that turns notices off. Pure. */
import type { NoticeName } from "../../store/schema/schema.ts";
import type { Pool } from "./load-pool.ts";

/** Names of notices that the pool does not send, separated by spaces; `*` for all. */
export const noNoticesTag = "poolhouse:no-notices";

const names: Readonly<Record<NoticeName, true>> = {
  "password-changed": true,
  "factor-added": true,
  "factor-removed": true,
  "new-sign-in": true,
  "device-remembered": true,
  "address-changed": true,
  "account-deleted": true,
};

/** The names of all notices. */
export const noticeNames = Object.keys(names) as readonly NoticeName[];

const listed = (value: string): readonly string[] => value.split(/\s+/).filter((name) => name !== "");

/** What is wrong with a value of the tag; undefined if nothing is. */
export function wrongNotices(value: string): string | undefined {
  const wrong = listed(value).find((name) => name !== "*" && !Object.hasOwn(names, name));
  if (wrong === undefined && listed(value).length > 0) return undefined;
  return `The tag ${noNoticesTag} must be * or names of notices (${noticeNames.join(", ")}).`;
}

/** Whether the pool sends this notice. */
export function sendsNotice(pool: Pick<Pool, "document">, name: NoticeName): boolean {
  const off = listed(pool.document.UserPoolTags?.[noNoticesTag] ?? "");
  return !off.includes("*") && !off.includes(name);
}
