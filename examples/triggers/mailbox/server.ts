/** Stands in for everybody's mailbox and telephone: takes mails at SMTP_URL and text messages at SMS_URL, shows them at MAIL_URL. */
import { text } from "node:stream/consumers";
import express from "express";
import { SMTPServer } from "smtp-server";
import { html, page } from "../html.ts";
import { setting } from "../settings.ts";

interface Message {
  readonly to: string;
  readonly body: string;
}

/** Newest first. */
const messages: Message[] = [];

function keep(message: Message): void {
  messages.unshift(message);
  messages.length = Math.min(messages.length, 100);
}

const smtp = new SMTPServer({
  disabledCommands: ["AUTH", "STARTTLS"],
  onData: (stream, { envelope }, done) => {
    text(stream).then((raw) => {
      keep({ to: envelope.rcptTo.map(({ address }) => address).join(", "), body: bodyOf(raw) });
      done();
    }, done);
  },
});

/** The body of a mail that is plain text; long lines may be folded (quoted-printable, RFC 2045 section 6.7). */
function bodyOf(raw: string): string {
  const [head = "", ...rest] = raw.split("\r\n\r\n");
  const body = rest.join("\r\n\r\n");
  if (!/^content-transfer-encoding: quoted-printable$/im.test(head)) return body;
  return body
    .replace(/=\r\n/g, "")
    .replace(/=([0-9A-F]{2})/g, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

const withLinks = (body: string) =>
  body
    .split(/(https?:\/\/\S+)/)
    .map((part, at) => (at % 2 === 1 ? html`<a href="${part}">${part}</a>` : html`${part}`));

const app = express();
app.disable("x-powered-by");
app.get("/style.css", (_request, response) =>
  response.sendFile("style.css", { root: `${import.meta.dirname}/..` }),
);
app.get("/", (_request, response) => {
  response.set({
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'",
    // What a link leads to is not told where it was.
    "referrer-policy": "no-referrer",
  });
  const items = messages.map(
    ({ to, body }) => html`<li>To <strong>${to}</strong><br>${withLinks(body)}</li>\n`,
  );
  response.send(page("Mailbox", messages.length === 0 ? html`<p>No mail yet.</p>` : html`<ul>${items}</ul>`));
});
// JSON alone: no page of another website can send that.
app.post("/sms", express.json(), (request, response) => {
  const { to, body } = (request.body ?? {}) as { to?: unknown; body?: unknown };
  if (typeof to !== "string" || typeof body !== "string") return void response.status(400).end();
  keep({ to, body });
  response.status(202).end();
});

const here = new URL(setting("MAIL_URL"));
const server = app.listen(Number(here.port), "127.0.0.1", (error) => {
  if (error) throw error;
  smtp.listen(Number(new URL(setting("SMTP_URL")).port), "127.0.0.1", () =>
    console.log(`The mailbox is at ${here.href}`),
  );
});
process.once("SIGTERM", () => {
  smtp.close();
  server.close();
  // Browsers keep connections on which they ask nothing.
  setTimeout(() => server.closeAllConnections(), 3_000).unref();
});
