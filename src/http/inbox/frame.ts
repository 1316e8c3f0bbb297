/**
 * The HTML of a message, for a frame in which nothing of it runs and nothing is loaded: the policy allows neither scripts
 * nor other sites, and gives the document an origin of its own. Links open in tabs of their own, which learn nothing of
 * the inbox.
 */
import type { OutgoingMessage } from "../../integrations/senders/sender.ts";

/** What the frame's content may do in spite of its sandbox: open a link in a tab, which is then an ordinary one. */
export const sandbox = "allow-popups allow-popups-to-escape-sandbox";

export const frameHeaders = {
  "content-security-policy": [
    "default-src 'none'",
    "img-src data:",
    "style-src 'unsafe-inline'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'self'",
    `sandbox ${sandbox}`,
  ].join("; "),
  "referrer-policy": "no-referrer",
  "x-frame-options": "SAMEORIGIN",
} as const;

/**
 * What goes before a message: as in mail readers, it is on white, which is the frame's own color, whatever the colors
 * around it, unless it has a color for the whole of its body, or a dark mode. A color here would hide that of a body that
 * is shorter than the frame.
 */
const before = `<!doctype html>
<meta charset="utf-8"><base target="_blank"><meta name="color-scheme" content="light">
<style>html { font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; } body { margin: 16px; }</style>
`;

/** The document in the frame. Images that belong to the message (`cid:`, RFC 2392) become part of it. */
export function framed(html: string, images: NonNullable<OutgoingMessage["images"]> = []): string {
  const urls = new Map(
    images.map(({ id, type, bytes }) => [id, `data:${type};base64,${Buffer.from(bytes).toString("base64")}`]),
  );
  return before + html.replace(/\bcid:([\w.@+-]+)/gi, (written, id: string) => urls.get(id) ?? written);
}
