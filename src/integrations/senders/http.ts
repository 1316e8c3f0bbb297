/** Posts messages to a URL, signed as the Standard Webhooks specification says. */
import type { HttpSender } from "../../lib/sender-settings.ts";
import { webhookHeaders } from "../../lib/standard-webhooks.ts";
import { httpCall } from "./http-call.ts";
import { type OutgoingMessage, type Sender, type SenderMeans, Throttled, Undeliverable } from "./sender.ts";
import { newSendings } from "./sendings.ts";

const service = "The receiver of messages";
/** The receiver will never take this message. */
const final: ReadonlySet<number> = new Set([400, 410, 422]);

/** Opens a sender that posts to a URL. */
export function httpSender(settings: HttpSender, means: SenderMeans): Sender {
  const { url, secret } = settings;
  const { tell, userAgent } = means;
  const sendings = newSendings(service, means);
  return {
    kind: "http",
    send: async (message) => {
      const body = JSON.stringify(documentOf(settings, message));
      const { status, retryAfterMs } = await sendings.run((signal) => {
        const signed = webhookHeaders(secret, { id: message.id, body, now: Date.now() });
        const headers = { "content-type": "application/json", ...signed };
        return httpCall(url, { method: "POST", userAgent, headers, body, signal, service, tell });
      });
      tell?.(`< ${status}`);
      if (status >= 200 && status < 300) return;
      const text = `${service} answered ${status}.`;
      if (status === 429) throw new Throttled(text, retryAfterMs);
      throw final.has(status) ? new Undeliverable(text) : new Error(text);
    },
    // Whatever answers is there.
    verify: async () => {
      const { status } = await sendings.run((signal) =>
        httpCall(url, { method: "HEAD", userAgent, signal, service, tell }),
      );
      tell?.(`< ${status}`);
    },
    close: sendings.close,
  };
}

function documentOf({ from: own }: HttpSender, message: OutgoingMessage) {
  const { id, poolId, kind, medium, destination, subject, text, html, images, replyTo, createdAt } = message;
  const from = medium === "EMAIL" ? (message.from ?? own) : undefined;
  return {
    ...{ id, userPoolId: poolId, kind, medium, to: destination, subject, text, html: html ?? null },
    ...(images !== undefined && {
      images: images.map((one) => ({
        ...{ id: one.id, type: one.type, content: Buffer.from(one.bytes).toString("base64") },
      })),
    }),
    from: from === undefined ? null : from,
    replyTo: replyTo ?? null,
    createdAt: new Date(createdAt).toISOString(),
  };
}
