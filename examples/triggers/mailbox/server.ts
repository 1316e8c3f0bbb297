/** Stands in for everybody's mailbox: takes mails at SMTP_URL, and shows them at MAIL_URL. */
import { text } from "node:stream/consumers";
import express from "express";
import { SMTPServer } from "smtp-server";
import { html, page } from "../html.ts";
import { setting } from "../settings.ts";

interface Mail {
  readonly to: string;
  readonly body: string;
}

/** Newest first. */
const mails: Mail[] = [];

const smtp = new SMTPServer({
  disabledCommands: ["AUTH", "STARTTLS"],
  onData: (stream, { envelope }, done) => {
    text(stream).then((raw) => {
      mails.unshift({
        to: envelope.rcptTo.map(({ address }) => address).join(", "),
        body: bodyOf(raw),
      });
      mails.length = Math.min(mails.length, 100);
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
  const items = mails.map(({ to, body }) => html`<li>To <strong>${to}</strong><br>${withLinks(body)}</li>\n`);
  response.send(page("Mailbox", mails.length === 0 ? html`<p>No mail yet.</p>` : html`<ul>${items}</ul>`));
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
