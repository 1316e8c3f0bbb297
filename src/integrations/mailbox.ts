/** Where messages go when no sender is configured. Senders for SMTP and SMS will stand beside these two. */
import type { Mailbox } from "../app.ts";

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
