/** The configured senders, and which of them a pool uses. */
import type { MessageSettings, SenderSettings } from "../../lib/sender-settings.ts";
import { httpSender } from "./http.ts";
import { type Medium, noSender, type Sender, type SenderMeans } from "./sender.ts";
import { sesSender } from "./ses.ts";
import { smtpSender } from "./smtp.ts";
import { snsSender } from "./sns.ts";
import { twilioSender } from "./twilio.ts";

export interface Senders {
  /** The sender of a pool's messages by this medium. */
  of(poolId: string, medium: Medium): Sender;
  /** Whether messages go to the development inbox. */
  readonly keepsInbox: boolean;
  /** The configured senders, by name. */
  readonly all: ReadonlyMap<string, Sender>;
  close(): Promise<void>;
}

const openers: {
  readonly [Type in SenderSettings["type"]]: (
    settings: Extract<SenderSettings, { type: Type }>,
    means: SenderMeans,
  ) => Sender;
} = {
  smtp: smtpSender,
  ses: sesSender,
  sns: snsSender,
  twilio: twilioSender,
  http: httpSender,
};

/** Opens a sender. Nothing is loaded or connected before it is used. */
export function openSender(settings: SenderSettings, means: SenderMeans): Sender {
  const open = openers[settings.type] as (settings: SenderSettings, means: SenderMeans) => Sender;
  return open(settings, means);
}

/**
 * Opens the configured senders.
 * @param otherwise what sends where the settings name no sender at all; undefined: nothing does
 */
export function openSenders(settings: MessageSettings, means: SenderMeans, otherwise?: Sender): Senders {
  const all = new Map(settings.senders.map((one) => [one.name, openSender(one, means)]));
  const none = { EMAIL: noSender("EMAIL"), SMS: noSender("SMS") };
  const isEmpty = settings.senders.length === 0;
  return {
    all,
    keepsInbox: isEmpty && otherwise?.kind === "inbox",
    of: (poolId, medium) => {
      if (isEmpty && otherwise !== undefined) return otherwise;
      const { email, sms } = settings.pools.get(poolId) ?? settings;
      return all.get((medium === "EMAIL" ? email : sms) ?? "") ?? none[medium];
    },
    close: async () => {
      await Promise.all([...all.values()].map((one) => one.close()));
    },
  };
}
