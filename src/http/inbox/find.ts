/** Which messages are meant: those to a recipient, those with certain words, one by its id; and their removal. */
import type { App } from "../../app.ts";
import { deleteMessage, type Message, recentMessages } from "../../store/outbox.ts";
import { searched } from "./arrivals.ts";
import { type ShownMessage, shownOf } from "./shown.ts";

/**
 * The recipient that a query names. A plus sign that was not percent-encoded arrives as a space, as in
 * `?to=+15550100` and `?to=ann+1@example.com`; no recipient has spaces.
 */
export const recipientIn = (to: string | undefined) => to?.replaceAll(" ", "+");

/** Whether a message is to this recipient, in whatever case; undefined is anybody. */
export function isTo({ destination }: Pick<Message, "destination">, to: string | undefined): boolean {
  return to === undefined || destination.toLowerCase() === to.toLowerCase();
}

/** The newest messages first. */
export function newestMessages(app: App): Promise<Message[]> {
  return recentMessages(app.db, app.clock(), searched);
}

/** What the page lists. */
export interface Listing {
  /** At most `limit` of them, newest first. */
  readonly messages: readonly ShownMessage[];
  /** How many there are. */
  readonly count: number;
}

/**
 * The messages to a recipient in whose recipient, subject or text all these words are.
 * @param newest all messages, newest first
 */
export async function listing(
  app: App,
  newest: readonly Message[],
  { to, words }: { to: string | undefined; words: string },
  limit: number,
): Promise<Listing> {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  const mine = newest.filter((message) => isTo(message, to));
  if (wanted.length === 0) {
    const messages = await Promise.all(mine.slice(0, limit).map((one) => shownOf(app, one)));
    return { messages, count: mine.length };
  }
  const shown = await Promise.all(mine.map((one) => shownOf(app, one)));
  const found = shown.filter((one) => {
    const text = `${one.destination}\n${one.title}\n${one.text}`.toLowerCase();
    return wanted.every((word) => text.includes(word));
  });
  return { messages: found.slice(0, limit), count: found.length };
}

/** The message with this id; undefined if the inbox does not have it. */
export async function findMessage(app: App, id: string): Promise<Message | undefined> {
  return (await newestMessages(app)).find((message) => message.id === id);
}

/** Deletes a message. Returns whether there was one. */
export async function removeMessage(app: App, id: string): Promise<boolean> {
  const message = await findMessage(app, id);
  if (message !== undefined) await deleteMessage(app.db, message);
  return message !== undefined;
}

/** How many messages are deleted at once. */
const batch = 50;

/** Deletes the messages that the inbox has now, of all pools. @param to only those to this recipient */
export async function removeAll(app: App, to?: string): Promise<void> {
  const began = app.clock();
  for (;;) {
    const newest = await newestMessages(app);
    const messages = newest.filter((one) => one.createdAt <= began && isTo(one, to));
    if (messages.length === 0) return;
    for (let at = 0; at < messages.length; at += batch)
      await Promise.all(messages.slice(at, at + batch).map((one) => deleteMessage(app.db, one)));
  }
}
