/** Signatures of the Standard Webhooks specification, version 1: symmetric, by HMAC-SHA256. */
import { createHmac } from "node:crypto";

/**
 * The headers of a signed message.
 * @param id stays the same over repetitions of a message
 * @param now epoch milliseconds
 */
export function webhookHeaders(
  secret: Uint8Array,
  { id, body, now }: { readonly id: string; readonly body: string; readonly now: number },
): Record<string, string> {
  const message = `msg_${id}`;
  const timestamp = String(Math.floor(now / 1000));
  const signature = createHmac("sha256", secret).update(`${message}.${timestamp}.${body}`).digest("base64");
  return { "webhook-id": message, "webhook-timestamp": timestamp, "webhook-signature": `v1,${signature}` };
}

/** The bytes of a secret, `whsec_` and base64 of 24 to 64 bytes; undefined if the text is not one. */
export function parseWebhookSecret(text: string): Uint8Array | undefined {
  const [, base64] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(text) ?? [];
  const bytes = Buffer.from(base64 ?? "", "base64");
  return bytes.length >= 24 && bytes.length <= 64 ? bytes : undefined;
}
