/** The sections `senders` and `messages` of the configuration file: what sends messages, and for whom (docs/messages.md). */
import type { MessageSettings } from "../lib/sender-settings.ts";
import type { SmtpConfig } from "../lib/smtp-url.ts";
import type { ConfigFile } from "./section.ts";

/** What the file says; the sender of the smtp settings is not among it. */
export type MessagesOfFile = MessageSettings;

export const noMessages: MessagesOfFile = { senders: [], email: undefined, sms: undefined, pools: new Map() };

/** Reads the sections. Throws ConfigError with file, line and key if anything is wrong. */
export function readMessages(_file: ConfigFile): MessagesOfFile {
  return noMessages;
}

/** The name of the sender that the smtp settings make. */
const ofSettings = "smtp";

/** The senders of the file, with the mail server of the smtp settings, which sends mail where the file names no other. */
export function withMailServer(file: MessagesOfFile, smtp: SmtpConfig | undefined): MessageSettings {
  if (smtp === undefined) return file;
  const server = { ...smtp, name: ofSettings, type: "smtp" } as const;
  return { ...file, senders: [...file.senders, server], email: file.email ?? ofSettings };
}
