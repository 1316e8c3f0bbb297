/** A message as people see it: what its sender would be given, its title and its headers. */
import type { App } from "../../app.ts";
import { outgoing } from "../../domain/messages/outgoing.ts";
import type { OutgoingMessage } from "../../integrations/senders/sender.ts";
import type { MailAddress } from "../../lib/mail-address.ts";
import type { Message } from "../../store/outbox.ts";
import type { CodeKind } from "../../store/schema/schema.ts";

export interface ShownMessage extends OutgoingMessage {
  readonly kind: Message["kind"];
  /** The code or temporary password in the message. */
  readonly code: string | undefined;
  /** The subject; of a text message, which has none, what it is for. */
  readonly title: string;
  /** Name and value, as a mail reader shows them. */
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** The sender of mail whose pool names none: a server with an inbox has no mail server, and so no sender of its own. */
export const nobody: MailAddress = { name: "", address: "no-reply@localhost" };

/** Titles of text messages: notices are e-mail. */
const titles: Readonly<Record<CodeKind, string>> = {
  "sign-up": "Code that confirms a new account",
  "resend-code": "New code that confirms an account",
  "sign-in": "Code to sign in with",
  invitation: "Invitation with a temporary password",
  "forgot-password": "Code to reset a forgotten password",
  "admin-reset-password": "Code to set a new password, asked for by an administrator",
  "update-attribute": "Code that confirms a changed phone number",
  "verify-attribute": "Code that verifies a phone number",
};

/** What a stored message looks like. */
export async function shownOf(app: App, message: Message): Promise<ShownMessage> {
  const mail = await outgoing({ app, db: app.db }, message);
  const title = mail.subject === "" ? (titles[message.kind as CodeKind] ?? message.kind) : mail.subject;
  return { ...mail, kind: message.kind, code: message.code, title, headers: headersOf(mail) };
}

function headersOf({ medium, destination, subject, from, replyTo, createdAt }: OutgoingMessage) {
  const date = new Date(createdAt).toUTCString().replace("GMT", "+0000");
  const to = ["To", destination] as const;
  if (medium === "SMS") return [to, ["Date", date] as const];
  return [
    ["From", written(from ?? nobody)] as const,
    to,
    ...(replyTo === undefined ? [] : [["Reply-To", replyTo] as const]),
    ["Subject", subject] as const,
    ["Date", date] as const,
  ];
}

const written = ({ name, address }: MailAddress) => (name === "" ? address : `${name} <${address}>`);
