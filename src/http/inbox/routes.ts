/**
 * The messages of a development server, for people (/inbox) and for tests (/inbox/messages). The composition root
 * mounts it only if the mailbox is the inbox: on a loopback address without a mail server.
 *
 * There are no CORS headers, so a page of another origin cannot read it; requests that say they come from one, or
 * through a proxy, are refused as well.
 */
import { createHash } from "node:crypto";
import { Hono } from "hono";
import type { App } from "../../app.ts";
import { type Message, recentMessages } from "../../store/outbox.ts";
import { comesFromElsewhere } from "../same-machine.ts";
import { inboxPage, style } from "./page.ts";

const styleHash = createHash("sha256").update(style).digest("base64");
const policy = `default-src 'none'; style-src 'sha256-${styleHash}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`;

/** How many messages are searched, and how many are shown. */
const searched = 1_000;
const shown = 100;

export function inboxRoutes(app: App): Hono {
  const routes = new Hono();
  routes.use("/inbox/*", async (c, next) => {
    if (comesFromElsewhere(c)) return c.json({ message: "The inbox is not for other sites." }, 403);
    await next();
    for (const [name, value] of headers) c.header(name, value);
    return undefined;
  });
  routes.get("/inbox", async (c) => {
    const to = c.req.query("to")?.trim() || undefined;
    const messages = await messagesTo(app, to);
    return c.html(inboxPage({ messages, to, refreshes: c.req.query("refresh") === "on" }));
  });
  routes.get("/inbox/messages", async (c) => c.json((await messagesTo(app, c.req.query("to"))).map(json)));
  return routes;
}

const headers = [
  ["content-security-policy", policy],
  ["cache-control", "no-store"],
  ["referrer-policy", "no-referrer"],
  ["x-content-type-options", "nosniff"],
  ["cross-origin-resource-policy", "same-origin"],
] as const;

async function messagesTo(app: App, to: string | undefined): Promise<Message[]> {
  const recent = await recentMessages(app.db, app.clock(), searched);
  const wanted = to?.toLowerCase();
  const found = wanted ? recent.filter((message) => message.destination.toLowerCase() === wanted) : recent;
  return found.slice(0, shown);
}

function json(message: Message) {
  return {
    id: message.id,
    to: message.destination,
    medium: message.medium,
    kind: message.kind,
    subject: message.subject,
    body: message.body,
    code: message.code ?? null,
    userPoolId: message.poolId,
    sentAt: new Date(message.createdAt).toISOString(),
  };
}
