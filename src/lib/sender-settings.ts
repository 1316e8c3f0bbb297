/** What sends messages, as configured (docs/messages.md). */
import type { FunctionKey } from "./function-settings.ts";
import type { MailAddress } from "./mail-address.ts";
import type { SmtpConfig } from "./smtp-url.ts";

/** The settings of one sender. */
export type SenderSettings = (SmtpSender | SesSender | SnsSender | TwilioSender | HttpSender) & Named;

interface Named {
  /** The name by which the section `messages` chooses it. */
  readonly name: string;
}

/** A mail server. */
export interface SmtpSender extends SmtpConfig {
  readonly type: "smtp";
  /** The domain name by which this machine introduces itself (EHLO) if its host name is none. */
  readonly clientName?: string;
  /** Signs each mail (RFC 6376), if there is one. */
  readonly dkim?: DkimKey;
}

/** A key with which mail is signed. */
export interface DkimKey {
  readonly domain: string;
  readonly selector: string;
  /** PEM of an RSA key. */
  readonly privateKey: string;
}

/** What the two services of AWS have in common. */
export interface AwsSender {
  readonly region: string;
  /** The base URL of the service; undefined if it is that of AWS. */
  readonly endpoint: string | undefined;
  /** Undefined if the environment has the credentials, as the AWS SDK looks for them. */
  readonly key: FunctionKey | undefined;
}

/** Amazon SES, version 2 of its API. */
export interface SesSender extends AwsSender {
  readonly type: "ses";
  readonly from: MailAddress;
  /** For pools that name none. */
  readonly configurationSet: string | undefined;
}

/** Amazon SNS, for text messages. */
export interface SnsSender extends AwsSender {
  readonly type: "sns";
  /** AWS.SNS.SMS.SenderID. */
  readonly senderId: string | undefined;
  /** AWS.SNS.SMS.MaxPrice: US dollars. */
  readonly maxPrice: string | undefined;
  /** AWS.MM.SMS.EntityId and AWS.MM.SMS.TemplateId, which India requires. */
  readonly entityId: string | undefined;
  readonly templateId: string | undefined;
}

/** Twilio's REST API, for text messages. */
export interface TwilioSender {
  readonly type: "twilio";
  /** The base URL, without a trailing slash. */
  readonly url: string;
  readonly accountSid: string;
  /** The account's SID with its auth token, or the SID of an API key with its secret. */
  readonly user: string;
  readonly password: string;
  /** Who sends: a number or sender id, or a messaging service, which chooses one. */
  readonly by: { readonly From: string } | { readonly MessagingServiceSid: string };
}

/** A URL to which messages are posted, signed as Standard Webhooks describes. */
export interface HttpSender {
  readonly type: "http";
  readonly url: string;
  /** The bytes of the `whsec_…` secret. */
  readonly secret: Uint8Array;
  /** The sender of mail that names none; undefined leaves it to the receiver. */
  readonly from: MailAddress | undefined;
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

/** What a type of sender can send. */
export const mediaOf: Readonly<Record<SenderSettings["type"], readonly ("EMAIL" | "SMS")[]>> = {
  smtp: ["EMAIL"],
  ses: ["EMAIL"],
  sns: ["SMS"],
  twilio: ["SMS"],
  http: ["EMAIL", "SMS"],
};

/** The own addresses of senders of mail, which pools may use. */
export function ownAddresses({ senders }: MessageSettings): string[] {
  return senders.flatMap((one) => ("from" in one && one.from !== undefined ? [one.from.address] : []));
}
