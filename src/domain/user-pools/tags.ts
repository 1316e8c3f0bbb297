/**
 * Tags of a pool, and those with a meaning for Poolhouse: `_custom_id_`, `ms-custom-id` and `floci:override-id` set the
 * id of a new pool (as in other emulators), `poolhouse:issuer` selects the issuer of its tokens, `poolhouse:language` the
 * language of its messages; client-tags.ts has those for clients, link-tag.ts and notice-tag.ts one each.
 */
import { knownLanguage, languageTags } from "../../lib/language.ts";
import { refuse } from "../../wire/refuse.ts";
import { linkByEmailTag, wrongLinking } from "./link-tag.ts";
import { issuerTag } from "./load-pool.ts";
import { noNoticesTag, wrongNotices } from "./notice-tag.ts";

export type Tags = Readonly<Record<string, string>>;

const pinningTags = ["_custom_id_", "ms-custom-id", "floci:override-id"] as const;

/** Whether a tag has a meaning here, or may have one in another release: setting it requires a separate permission. */
export function isSpecialTag(name: string): boolean {
  return name.startsWith("poolhouse:") || (pinningTags as readonly string[]).includes(name);
}

/** The language of messages to users whose language is not known otherwise (domain/messages/language.ts). */
export const languageTag = "poolhouse:language";

/** "A user pool can have as many as 50 tags" (TagResource). */
const MOST_TAGS = 50;

/** What is wrong with the value of a tag, if something is. */
const valueChecks: readonly [tag: string, wrongIn: (value: string) => string | undefined][] = [
  [noNoticesTag, wrongNotices],
  [linkByEmailTag, wrongLinking],
];

/** Throws InvalidParameterException for tags that a pool may not have. */
export function checkTags(tags: Tags): void {
  const names = Object.keys(tags);
  if (names.length > MOST_TAGS)
    refuse("InvalidParameterException", `A user pool can have as many as ${MOST_TAGS} tags.`);
  const reserved = names.find((name) => /^aws:/i.test(name));
  if (reserved !== undefined)
    refuse("InvalidParameterException", `Tag keys that begin with aws: are reserved: ${reserved}`);
  const issuer = tags[issuerTag];
  if (issuer !== undefined && issuer !== "own" && issuer !== "aws")
    refuse("InvalidParameterException", `The tag ${issuerTag} must be own or aws.`);
  const language = tags[languageTag];
  if (language !== undefined && knownLanguage(language) === undefined)
    refuse("InvalidParameterException", `The tag ${languageTag} must be one of ${languageTags.join(", ")}.`);
  for (const [tag, wrongIn] of valueChecks) {
    const wrong = tags[tag] === undefined ? undefined : wrongIn(tags[tag]);
    if (wrong !== undefined) refuse("InvalidParameterException", wrong);
  }
}

/**
 * The id that tags set for a new pool. Clients split it at `_` (region before, SRP pool name after), so there must be
 * exactly one, although the model's pattern would allow more.
 */
export function pinnedPoolId(tags: Tags): string | undefined {
  const ids = new Set(pinningTags.flatMap((name) => tags[name] ?? []));
  if (ids.size > 1)
    refuse("InvalidParameterException", "The tags that fix the user pool id contradict each other.");
  const [id] = ids;
  if (id !== undefined && (id.length > 55 || !/^[A-Za-z0-9-]+_[0-9a-zA-Z]+$/.test(id)))
    refuse(
      "InvalidParameterException",
      `The user pool id ${id} must be <region>_<letters and digits>, at most 55 characters long.`,
    );
  return id;
}
