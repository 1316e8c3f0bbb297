/** What sends messages, as configured (docs/messages.md). */
import type { SmtpConfig } from "./smtp-url.ts";

/** The settings of one sender. */
export type SenderSettings = SmtpSender;

/** A mail server. */
interface SmtpSender extends SmtpConfig {
  readonly name: string;
  readonly type: "smtp";
}

/** The names of the senders for each medium; undefined where messages are not sent. */
interface Senders {
  readonly email: string | undefined;
  readonly sms: string | undefined;
}

/** Which sender sends what. */
export interface MessageSettings extends Senders {
  readonly senders: readonly SenderSettings[];
  /** Pools that do not use the server's, by id. */
  readonly pools: ReadonlyMap<string, Senders>;
}
