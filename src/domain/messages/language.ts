/** THE rule for the language of messages. */
import type { Ctx } from "../../app.ts";
import { knownLanguage, type LanguageTag } from "../../lib/language.ts";
import type { User } from "../../store/users.ts";
import type { Pool } from "../user-pools/load-pool.ts";
import { languageTag } from "../user-pools/tags.ts";

/**
 * The language of a message to a user: that of the attribute `locale`, else that of the page it is sent from, else that of
 * the pool's tag `poolhouse:language`, else English. A value that is none of the twelve languages does not count.
 * @param user undefined for a name that nobody has
 */
export function messageLanguage(
  ctx: Pick<Ctx, "language">,
  pool: Pick<Pool, "document">,
  user: Pick<User, "attributes"> | undefined,
): LanguageTag {
  const wishes = [user?.attributes["locale"], ctx.language, pool.document.UserPoolTags?.[languageTag]];
  for (const wish of wishes) {
    const language = wish === undefined ? undefined : knownLanguage(wish);
    if (language !== undefined) return language;
  }
  return "en";
}
