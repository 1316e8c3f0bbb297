/**
 * The routes of the inbox, for people (pages) and for tests (JSON). The composition root mounts it only if the mailbox
 * is the inbox: on a loopback address without a mail server.
 *
 * There are no CORS headers, so a page of another origin cannot read it; requests that say they come from one, or
 * through a proxy, are refused as well.
 */
import type { HttpBindings } from "@hono/node-server";
import { Hono } from "hono";
import type { App } from "../../app.ts";
import { mailOf, mimeOf } from "../../integrations/senders/mime.ts";
import { Undeliverable } from "../../integrations/senders/sender.ts";
import { toHex } from "../../lib/bytes.ts";
import { FirstSeen } from "../../lib/first-seen.ts";
import type { Serving } from "../context.ts";
import { plainHeaders, plainPolicy, wantsPage } from "../kit/plain-page.ts";
import { comesFromElsewhere } from "../same-machine.ts";
import { answerMessages, answerRemoval, cursorOf, fully, type InboxContext } from "./answers.ts";
import { Arrivals, type NumberArrivals, remembered } from "./arrivals.ts";
import { answerFile, filesRoute } from "./files.ts";
import { findMessage, listing, recipientIn, removeAll, removeMessage } from "./find.ts";
import { framed, frameHeaders } from "./frame.ts";
import { listPage } from "./list-page.ts";
import { messagePage } from "./message-page.ts";
import { nobody, type ShownMessage, shownOf } from "./shown.ts";

/** How many messages the page lists. */
const listed = 100;

const oneMessage = "/inbox/messages/:id{[0-9a-f]{32}}";

/** @param numberArrivals numbers the messages for all workers of a server; undefined if this is the only process */
export function inboxRoutes(
  { app, stopping }: Pick<Serving, "app" | "stopping">,
  numberArrivals?: NumberArrivals,
): Hono<{ Bindings: HttpBindings }> {
  const routes = new Hono<{ Bindings: HttpBindings }>();
  const arrivals = new Arrivals(app, numberArrivals ?? numberAlone(app));
  routes.use("/inbox/*", async (c, next) => {
    if (comesFromElsewhere(c)) return c.json({ message: "The inbox is not for other sites." }, 403);
    await next();
    for (const [name, value] of Object.entries(otherHeaders))
      if (!c.res.headers.has(name)) c.header(name, value);
    return undefined;
  });
  routes.get(filesRoute, answerFile);
  routes.get("/inbox", (c) => answerList(c, app, arrivals));
  routes.get("/inbox/messages", (c) => answerMessages(c, app, arrivals, stopping));
  addMessageRoutes(routes, app);
  addRemovals(routes, app);
  return routes;
}

function numberAlone(app: App): NumberArrivals {
  const order = new FirstSeen(toHex(app.random(8)), remembered);
  return (ids) => order.number(ids);
}

/** Headers of the pages. Their forms name their origin only if there may be a referrer. */
const pageHeaders = {
  ...plainHeaders,
  "content-security-policy": plainPolicy(["style-src", "frame-src", "form-action"]),
  "referrer-policy": "same-origin",
} as const;

/** Headers of what is no page. */
const otherHeaders = {
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cache-control": "no-store",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "cross-origin-resource-policy": "same-origin",
} as const;

async function answerList(c: InboxContext, app: App, arrivals: Arrivals): Promise<Response> {
  const to = recipientIn(c.req.query("to")) || undefined;
  const words = c.req.query("q")?.trim() ?? "";
  const arrived = await arrivals.read();
  const found = await listing(app, arrived.map(({ message }) => message).reverse(), { to, words }, listed);
  const next = cursorOf(arrivals.positionAfter(arrived.at(-1)));
  const refreshes = c.req.query("refresh") === "on";
  return c.html(listPage({ ...found, to, words, next, refreshes }), 200, pageHeaders);
}

function addMessageRoutes(routes: Hono<{ Bindings: HttpBindings }>, app: App): void {
  const shown = async (c: InboxContext) => {
    const message = await findMessage(app, c.req.param("id") ?? "");
    return message && { message, mail: await shownOf(app, message) };
  };
  routes.get(oneMessage, async (c, next) => {
    const found = await shown(c);
    if (found === undefined) return next();
    if (!wantsPage(c.req.header("accept"))) return c.json(await fully(app, found.message));
    return c.html(messagePage(found.mail), 200, pageHeaders);
  });
  routes.get(`${oneMessage}/html`, async (c, next) => {
    const { html, images } = (await shown(c))?.mail ?? {};
    return html === undefined ? next() : c.html(framed(html, images), 200, frameHeaders);
  });
  routes.get(`${oneMessage}/raw`, async (c, next) => {
    const found = await shown(c);
    return found === undefined || found.mail.medium === "SMS" ? next() : answerRaw(c, found.mail);
  });
}

/** Answers the bytes that a mail server would get, as text. */
async function answerRaw(c: InboxContext, mail: ShownMessage): Promise<Response> {
  try {
    const bytes = new TextDecoder().decode(await mimeOf(mailOf(nobody, mail)));
    const policy = `${otherHeaders["content-security-policy"]}; sandbox`;
    return c.text(bytes, 200, { "content-security-policy": policy });
  } catch (error) {
    if (!(error instanceof Undeliverable)) throw error;
    return c.text(`No mail server would get this message. ${error.message}`, 409);
  }
}

/** Deleting, by the forms of the pages and by programs. */
function addRemovals(routes: Hono<{ Bindings: HttpBindings }>, app: App): void {
  routes.post("/inbox/messages/delete", async (c) => {
    await removeAll(app);
    return c.redirect("/inbox", 303);
  });
  routes.delete("/inbox/messages", (c) => answerRemoval(c, app));
  routes.post(`${oneMessage}/delete`, async (c) => {
    await removeMessage(app, c.req.param("id"));
    return c.redirect("/inbox", 303);
  });
  routes.delete(oneMessage, async (c, next) =>
    (await removeMessage(app, c.req.param("id"))) ? c.body(null, 204) : next(),
  );
}
