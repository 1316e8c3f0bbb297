/** A message as mail (RFC 5322, MIME). nodemailer is loaded when first used. */
import { isMailAddress, type MailAddress } from "../../lib/mail-address.ts";
import { type OutgoingMessage, Undeliverable } from "./sender.ts";

/** Options of nodemailer: templates are text, so nothing in a message may be read as a path or URL. */
export const onlyText = { disableFileAccess: true, disableUrlAccess: true } as const;

/**
 * A message as nodemailer takes it. Throws `Undeliverable` if the recipient's address is malformed.
 * @param server the sender of messages that name none
 */
export function mailOf(server: MailAddress, message: OutgoingMessage) {
  const { destination, subject, text, html, images, replyTo } = message;
  if (!isMailAddress(destination)) throw new Undeliverable("The recipient's address is malformed.");
  const from = message.from ?? server;
  return {
    from: { name: from.name, address: from.address },
    to: { name: "", address: destination },
    ...(replyTo !== undefined && isMailAddress(replyTo) && { replyTo: { name: "", address: replyTo } }),
    envelope: { from: from.address, to: [destination] },
    // Invisible characters stay: emoji and words of Persian and Hindi are joined by some.
    subject: subject.replace(/[\p{Cc}\p{Cs}\u2028\u2029]+/gu, " "),
    text,
    html,
    ...(images !== undefined && {
      attachments: images.map(({ id, type, bytes }) => ({
        ...{ cid: id, contentType: type, content: Buffer.from(bytes), contentDisposition: "inline" as const },
      })),
    }),
    messageId: `<${message.id}@${from.address.slice(from.address.lastIndexOf("@") + 1)}>`,
    date: new Date(message.createdAt),
    // RFC 3834: keeps vacation notices from answering.
    headers: { "Auto-Submitted": "auto-generated" },
  };
}

/** The bytes that a mail server would get for a mail of `mailOf`. */
export async function mimeOf(mail: ReturnType<typeof mailOf>): Promise<Uint8Array> {
  const { createTransport } = await import("nodemailer");
  const transport = createTransport({ streamTransport: true, buffer: true, newline: "windows", ...onlyText });
  const { message: bytes } = await transport.sendMail(mail);
  return Buffer.isBuffer(bytes) ? bytes : Buffer.alloc(0);
}
