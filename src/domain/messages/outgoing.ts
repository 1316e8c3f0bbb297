/** A stored message as its sender gets it: what people read. Messages in our own words are rendered here. */
import type { Reader } from "../../app.ts";
import type { OutgoingMessage } from "../../integrations/senders/sender.ts";
import { htmlToText } from "../../lib/html-to-text.ts";
import { sizeOfSms, smsOctets } from "../../lib/sms-size.ts";
import { readClientVersions } from "../../store/clients.ts";
import type { Message } from "../../store/outbox.ts";
import { mailLookOf } from "../branding/mail-look.ts";
import { findPool, settingsAt } from "../user-pools/load-pool.ts";
import { applicationName } from "../user-pools/manage-clients.ts";
import { type Layout, wordsOf } from "./layout.ts";
import { logoId, renderMail } from "./mail.ts";

type Content = Pick<OutgoingMessage, "text" | "html" | "images">;

export async function outgoing(ctx: Reader, message: Message): Promise<OutgoingMessage> {
  const { id, poolId, kind, medium, destination, subject, from, replyTo, createdAt, configurationSet } =
    message;
  const content = await contentOf(ctx, message);
  const set = configurationSet === undefined ? {} : { configurationSet };
  return { id, poolId, kind, medium, destination, subject, ...content, from, replyTo, createdAt, ...set };
}

async function contentOf(ctx: Reader, message: Message): Promise<Content> {
  const { medium, body } = message;
  const layout = message.layout as Layout | undefined;
  if (medium === "SMS") return { text: layout ? boundToPage(body, layout) : body, html: undefined };
  if (layout === undefined) return { text: htmlToText(body), html: body };
  return mailOf(ctx, message, layout);
}

async function mailOf(ctx: Reader, { poolId, subject }: Message, layout: Layout): Promise<Content> {
  const look = await mailLookOf(ctx, poolId, layout.clientId);
  const mail = renderMail(layout, subject, look, await nameOf(ctx, poolId, layout.clientId));
  const { logo } = look;
  return { ...mail, ...(logo && { images: [{ id: logoId, ...logo }] }) };
}

/** The name of the application; empty if the pool is gone by now. */
async function nameOf(ctx: Reader, poolId: string, clientId: string | undefined): Promise<string> {
  const found = clientId === undefined ? undefined : await readClientVersions(ctx.db, poolId, clientId);
  const known = found && (await settingsAt(ctx, clientId!, found));
  const pool = known?.pool ?? (await findPool(ctx, poolId));
  return pool === undefined ? "" : applicationName(pool, known?.client);
}

/**
 * A text message whose code phones fill in only at the page that asks for it ("Origin-bound one-time codes delivered via
 * SMS", WICG); without that line if it would no longer fit into one message.
 */
function boundToPage(body: string, layout: Layout): string {
  const { pageHost, values } = layout;
  const { rows } = wordsOf(layout);
  if (pageHost === undefined || values["code"] === undefined || rows !== undefined) return body;
  const bound = `${body}\n\n@${pageHost} #${values["code"]}`;
  return sizeOfSms(bound) > smsOctets ? body : bound;
}
