/** Tags of sessions ("Pass session tags in AWS STS", IAM User Guide). */

import { refuse } from "../../wire/refuse.ts";
import type { RoleSession } from "../iam/principal.ts";

export interface SessionTags {
  readonly tags: Readonly<Record<string, string>>;
  /** The keys of those that are passed on to sessions which are begun with this one. */
  readonly transitive: readonly string[];
}

const folded = (keys: Iterable<string>) => new Set([...keys].map((key) => key.toLowerCase()));

/** The tags that a request sets. Throws InvalidParameterValue if they contradict themselves, or the caller's. */
export function requestedTags(
  {
    Tags = [],
    TransitiveTagKeys = [],
  }: {
    readonly Tags?: readonly { readonly Key: string; readonly Value: string }[] | undefined;
    readonly TransitiveTagKeys?: readonly string[] | undefined;
  },
  inherited: SessionTags,
): SessionTags {
  const tags = Object.fromEntries(Tags.map(({ Key, Value }) => [Key, Value]));
  const keys = folded(Tags.map(({ Key }) => Key));
  if (keys.size < Tags.length)
    refuse(
      "InvalidParameterValue",
      "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
    );
  if ([...keys].some((key) => key.startsWith("aws:")))
    refuse("ValidationException", "Tag keys that begin with aws: are reserved.");
  if ([...folded(TransitiveTagKeys)].some((key) => !keys.has(key)))
    refuse(
      "InvalidParameterValue",
      "The specified transitive tag key must be included in the requested tags.",
    );
  if ([...folded(Object.keys(inherited.tags))].some((key) => keys.has(key)))
    refuse(
      "InvalidParameterValue",
      "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.",
    );
  return { tags, transitive: TransitiveTagKeys };
}

/** The tags that a session passes on, which stay transitive. */
export function inheritedTags(session: RoleSession | undefined): SessionTags {
  const keys = folded(session?.transitiveTags ?? []);
  const kept = Object.entries(session?.tags ?? {}).filter(([key]) => keys.has(key.toLowerCase()));
  return { tags: Object.fromEntries(kept), transitive: kept.map(([key]) => key) };
}
