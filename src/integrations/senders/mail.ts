/** A mail as nodemailer takes it. */
import { isMailAddress, type MailAddress } from "../../lib/mail-address.ts";
import { type OutgoingMessage, Undeliverable } from "./sender.ts";

/**
 * The mail for a message. Throws Undeliverable if its recipient is no address.
 * @param own the sender of messages that name none
 */
export function mailOf(own: MailAddress, message: OutgoingMessage) {
  const { destination, subject, text, html, images, replyTo } = message;
  if (!isMailAddress(destination)) throw new Undeliverable("The recipient's address is malformed.");
  const from = message.from ?? own;
  return {
    from: { name: from.name, address: from.address },
    to: { name: "", address: destination },
    ...(replyTo !== undefined && isMailAddress(replyTo) && { replyTo: { name: "", address: replyTo } }),
    envelope: { from: from.address, to: [destination] },
    subject: subject.replace(/\p{C}+/gu, " "),
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
