/** Where messages go when no sender is configured. Senders for SMTP and SMS will stand beside these two. */

/** Where messages go: an SMTP server, the development inbox, or nowhere. */
export interface Mailbox {
  readonly kind: "inbox" | "none";
  /** Hands one message over. Throws when it cannot. */
  send(message: OutgoingMessage): Promise<void>;
}

export interface OutgoingMessage {
  readonly medium: "EMAIL" | "SMS";
  readonly destination: string;
  readonly subject: string;
  readonly body: string;
}

/** The development inbox: a message is delivered by being stored, and is read at /inbox. */
export function inboxMailbox(): Mailbox {
  return { kind: "inbox", send: async () => {} };
}

/** A server that others can reach and that has no sender: fail rather than show codes to whoever asks. */
export function noMailbox(): Mailbox {
  return {
    kind: "none",
    send: async () => {
      throw new Error("No sender for messages is configured.");
    },
  };
}
