/** A stored message as its sender gets it: what people read. */
import type { OutgoingMessage } from "../../integrations/senders/sender.ts";
import { htmlToText } from "../../lib/html-to-text.ts";
import type { Message } from "../../store/outbox.ts";

export function outgoing(message: Message): OutgoingMessage {
  const { id, poolId, kind, medium, destination, subject, body, from, replyTo, configurationSet, createdAt } =
    message;
  const isMail = medium === "EMAIL";
  const content = { subject, text: isMail ? htmlToText(body) : body, html: isMail ? body : undefined };
  const set = configurationSet === undefined ? {} : { configurationSet };
  return { id, poolId, kind, medium, destination, ...content, from, replyTo, createdAt, ...set };
}
