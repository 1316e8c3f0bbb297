/** What sends messages: the type that every sender implements, the development inbox, and none. */
import type { MailAddress } from "../../lib/mail-address.ts";
import type { SenderSettings } from "../../lib/sender-settings.ts";

export type Medium = "EMAIL" | "SMS";

export interface Sender {
  readonly kind: SenderSettings["type"] | "inbox" | "none";
  /** Delivers one message. Throws if it cannot: `Undeliverable` if trying again would be no use. */
  send(message: OutgoingMessage): Promise<void>;
  /** Connects and signs in without sending anything, where that is possible. Throws an Error that says what failed. */
  verify(): Promise<void>;
  /** Accepts no more messages, and gives those being sent a moment to finish. */
  close(): Promise<void>;
}

export interface OutgoingMessage {
  /** Stays the same over all attempts, so that a receiver can recognize a repetition. */
  readonly id: string;
  readonly poolId: string;
  readonly kind: string;
  readonly medium: Medium;
  readonly destination: string;
  /** Empty in the case of SMS. */
  readonly subject: string;
  readonly text: string;
  /** Undefined in the case of SMS. */
  readonly html: string | undefined;
  /** Images that the HTML shows by `cid:<id>`. */
  readonly images?: readonly InlineImage[];
  /** The pool's sender; the server's own if undefined. */
  readonly from: MailAddress | undefined;
  readonly replyTo: string | undefined;
  /** The configuration set of Amazon SES that the pool names, if it does. */
  readonly configurationSet?: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
}

interface InlineImage {
  readonly id: string;
  /** A media type. */
  readonly type: string;
  readonly bytes: Uint8Array;
}

/** A message that no number of attempts will deliver. The error text holds neither address nor content. */
export class Undeliverable extends Error {
  override name = "Undeliverable";
}

/** The service accepts no more for now: it is asked again later, for this message and for all others. */
export class Throttled extends Error {
  override name = "Throttled";
  /** How long the service wants to be left alone (Retry-After), in milliseconds; undefined if it does not say. */
  readonly retryAfterMs: number | undefined;
  constructor(message: string, retryAfterMs: number | undefined) {
    super(message);
    this.retryAfterMs = retryAfterMs;
  }
}

/** What a sender may be given besides its settings. */
export interface SenderMeans {
  /** `poolhouse/<version>`, for services that are called by HTTP without a library of their own. */
  readonly userAgent: string;
  /** What this process has of a number that all workers of the server have together; by default all of it. */
  readonly part?: (whole: number) => number;
  /** How long one message may take, in milliseconds; well below the lease of an outbox row. */
  readonly deadlineMs?: number;
  /** How long `close` waits for messages being sent, in milliseconds. */
  readonly patienceMs?: number;
  /** Receives the lines of the conversation with the service, without credentials, signatures and content. */
  readonly tell?: (line: string) => void;
}

/** The development inbox: storing a message delivers it, and it is read at /inbox. */
export const inboxSender: Sender = {
  kind: "inbox",
  send: async () => {},
  verify: async () => {},
  close: async () => {},
};

/** For a server that others can reach and that has no sender for a medium: fails rather than showing codes to anybody. */
export function noSender(medium: Medium): Sender {
  const refuse = async () => {
    throw new Undeliverable(`No sender for ${medium === "SMS" ? "text messages" : "e-mail"} is configured.`);
  };
  return { kind: "none", send: refuse, verify: refuse, close: async () => {} };
}
