/** Where messages go: the development inbox, an SMTP server (smtp.ts), or nowhere. */
import type { MailAddress } from "../lib/mail-address.ts";

export interface Mailbox {
  readonly kind: "inbox" | "smtp" | "none";
  /** Hands one message over. Throws when it cannot: `Undeliverable` when trying again would be of no use. */
  send(message: OutgoingMessage): Promise<void>;
  /** Lets messages in hand finish for a moment, and takes no more. */
  close(): Promise<void>;
}

export interface OutgoingMessage {
  /** The same at each attempt, so that a receiver can tell a repetition. */
  readonly id: string;
  readonly medium: "EMAIL" | "SMS";
  readonly destination: string;
  readonly subject: string;
  /** E-mail: HTML. */
  readonly body: string;
  /** Of the pool; the server's own unless given. */
  readonly from: MailAddress | undefined;
  readonly replyTo: string | undefined;
  /** Epoch milliseconds. */
  readonly createdAt: number;
}

/** A message that will not be delivered however often one tries. The text holds neither address nor content. */
export class Undeliverable extends Error {
  override name = "Undeliverable";
}

/** The development inbox: a message is delivered by being stored, and is read at /inbox. */
export function inboxMailbox(): Mailbox {
  return { kind: "inbox", send: async () => {}, close: async () => {} };
}

/** A server that others can reach and that has no sender: fail rather than show codes to whoever asks. */
export function noMailbox(): Mailbox {
  return {
    kind: "none",
    send: async () => {
      throw new Undeliverable("No sender for messages is configured.");
    },
    close: async () => {},
  };
}
