/** The sections `senders` and `messages` of the configuration file: what sends messages, and for whom (docs/messages.md). */
import { dirname, resolve } from "node:path";
import { closest } from "../lib/closest.ts";
import { hostKey, isHostName } from "../lib/host-name.ts";
import { type MessageSettings, mediaOf, type SenderSettings } from "../lib/sender-settings.ts";
import type { SmtpConfig } from "../lib/smtp-url.ts";
import { type ConfigFile, type Entry, onlyKeys, readEntry, textAt } from "./section.ts";
import { readSender } from "./senders.ts";

/**
 * What the file says, completed by the mail server of the smtp settings, which sends mail where the file names no other
 * sender. Throws ConfigError with file, line and key if anything is wrong.
 */
export type MessagesOfFile = (smtp: SmtpConfig | undefined) => MessageSettings;

/** The name of the sender that the smtp settings make. */
const ofSettings = "smtp";

const nobody = { email: undefined, sms: undefined, pools: new Map() } as const;

export const noMessages: MessagesOfFile = (smtp) => {
  const senders = ofServer(smtp);
  return { ...nobody, senders, email: senders[0]?.name };
};

const ofServer = (smtp: SmtpConfig | undefined): SenderSettings[] =>
  smtp === undefined ? [] : [{ ...smtp, name: ofSettings, type: "smtp" }];

/**
 * The settings with the name by which this server introduces itself to mail servers: the host of the public URL, if that
 * is a domain name.
 */
export function introduced(settings: MessageSettings, publicUrl: string | undefined): MessageSettings {
  const clientName = publicUrl === undefined ? "" : hostKey(new URL(publicUrl).hostname);
  const isDomain = isHostName(clientName) && /\.(?!localhost$)[^.]+$/.test(clientName);
  if (!isDomain) return settings;
  const senders = settings.senders.map((one) => (one.type === "smtp" ? { ...one, clientName } : one));
  return { ...settings, senders };
}

/** Reads the sections. Throws ConfigError with file, line and key if anything is wrong. */
export function readMessages(file: ConfigFile): MessagesOfFile {
  const [ofFile, messages] = ["senders", "messages"].map((section) => {
    const node = file.document.get(section, true);
    return node === undefined ? undefined : readEntry(file, node, section);
  });
  if (ofFile === undefined && messages === undefined) return noMessages;
  const folder = dirname(resolve(file.path));
  const own = ofFile?.keys().map((name) => {
    if (!/^[\w-]{1,64}$/.test(name)) ofFile.fail(name, "must be a name of letters, digits, - and _");
    return readSender(name, ofFile.below(name), folder);
  });
  if (ofFile !== undefined && messages === undefined)
    ofFile.fail(undefined, "needs the section messages, which says which of them sends email and sms");
  return (smtp) => {
    if (smtp !== undefined && own?.some(({ name }) => name === ofSettings))
      ofFile?.fail(ofSettings, "is the name of the sender that the smtp settings make: choose another");
    const senders = [...(own ?? []), ...ofServer(smtp)];
    return { senders, ...choices(messages, senders, smtp === undefined ? undefined : ofSettings) };
  };
}

function choices(
  messages: Entry | undefined,
  senders: readonly SenderSettings[],
  mailServer: string | undefined,
): Omit<MessageSettings, "senders"> {
  if (messages === undefined) return { ...nobody, email: mailServer };
  onlyKeys(messages, ["email", "sms", "pools"]);
  const email = chosen(messages, "email", senders) ?? mailServer;
  const sms = chosen(messages, "sms", senders);
  if (messages.value("pools") === undefined) return { ...nobody, email, sms };
  const entry = messages.below("pools");
  const pools = entry.keys().map((id) => {
    if (!/^[\w-]{1,55}_[0-9A-Za-z]{1,55}$/.test(id)) entry.fail(id, "must be the id of a user pool");
    const pool = entry.below(id);
    onlyKeys(pool, ["email", "sms"]);
    const own = { email: chosen(pool, "email", senders) ?? email, sms: chosen(pool, "sms", senders) ?? sms };
    return [id, own] as const;
  });
  return { email, sms, pools: new Map(pools) };
}

/** The sender that a key names, which must be able to send that. */
function chosen(entry: Entry, key: "email" | "sms", senders: readonly SenderSettings[]): string | undefined {
  const name = textAt(entry, key);
  if (name === undefined) return undefined;
  const names = senders.map((one) => one.name);
  const found = senders.find((one) => one.name === name);
  if (found === undefined) {
    const meant = closest(name, names);
    const known = names.length === 0 ? "there are none" : `there are ${names.join(", ")}`;
    return entry.fail(key, `names no sender: ${meant ? `did you mean ${meant}?` : known}`);
  }
  if (mediaOf[found.type].includes(key === "email" ? "EMAIL" : "SMS")) return name;
  const other = key === "email" ? "text messages" : "mail";
  return entry.fail(key, `names ${name}, which sends ${other} only`);
}
