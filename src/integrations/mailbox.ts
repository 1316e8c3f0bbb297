/** Destinations of messages: the development inbox, an SMTP server (smtp.ts), or none. */
import type { MailAddress } from "../lib/mail-address.ts";

export interface Mailbox {
  readonly kind: "inbox" | "smtp" | "none";
  /** Delivers one message. Throws if it cannot: `Undeliverable` if trying again would be no use. */
  send(message: OutgoingMessage): Promise<void>;
  /** Accepts no more messages, and gives those being sent a moment to finish. */
  close(): Promise<void>;
}

export interface OutgoingMessage {
  /** Stays the same over all attempts, so that a receiver can recognize a repetition. */
  readonly id: string;
  readonly medium: "EMAIL" | "SMS";
  readonly destination: string;
  readonly subject: string;
  /** HTML in the case of e-mail. */
  readonly body: string;
  /** The pool's sender; the server's own if undefined. */
  readonly from: MailAddress | undefined;
  readonly replyTo: string | undefined;
  /** Epoch milliseconds. */
  readonly createdAt: number;
}

/** A message that no number of attempts will deliver. The error text holds neither address nor content. */
export class Undeliverable extends Error {
  override name = "Undeliverable";
}

/** The development inbox: storing a message delivers it, and it is read at /inbox. */
export function inboxMailbox(): Mailbox {
  return { kind: "inbox", send: async () => {}, close: async () => {} };
}

/** For a server that others can reach and that has no mail server: fails rather than showing codes to anybody. */
export function noMailbox(): Mailbox {
  return {
    kind: "none",
    send: async () => {
      throw new Undeliverable("No sender for messages is configured.");
    },
    close: async () => {},
  };
}
