/**
 * Sends mail by SMTP (RFC 5321). The connection is encrypted and the server's certificate verified, unless the server
 * is on this machine or the operator allows plain text: then STARTTLS is used if offered, whatever the certificate.
 * nodemailer is loaded with the first message.
 */
import type Mail from "nodemailer/lib/mailer";
import type { SmtpConfig } from "../../lib/smtp-url.ts";
import { mailOf, onlyText } from "./mime.ts";
import { type Sender, Undeliverable } from "./sender.ts";

/** Milliseconds. Everything together, including the wait for a connection, stays below the lease of an outbox row. */
const deadline = 30_000;
const timeouts = {
  dnsTimeout: 5_000,
  connectionTimeout: 5_000,
  greetingTimeout: 5_000,
  socketTimeout: 20_000,
  socketCloseTimeout: 1_000,
};
/** The number of simultaneous connections, and how long an unused one is kept. */
const pooling = { maxConnections: 5, maxMessages: 100, maxRequeues: 1, idleTimeout: 30_000 };
/** How long messages being sent may take when the server stops. Milliseconds. */
const patience = 5_000;

type Transport = Pick<Mail, "sendMail" | "verify" | "close">;

export function smtpSender(config: SmtpConfig): Sender {
  let transport: Promise<Transport> | undefined;
  const open = () => {
    transport ??= connect(config);
    return transport;
  };
  const stopping = new AbortController();
  const inHand = new Set<Promise<unknown>>();
  return {
    kind: "smtp",
    send: async (message) => {
      if (message.medium !== "EMAIL") throw new Undeliverable("A mail server sends no SMS.");
      const mail = mailOf(config.from, message);
      const signal = AbortSignal.any([AbortSignal.timeout(deadline), stopping.signal]);
      const sending = open().then((opened) => opened.sendMail({ ...mail, signal }));
      inHand.add(sending);
      try {
        await sending;
      } catch (error) {
        throw safeError(error);
      } finally {
        inHand.delete(sending);
      }
    },
    verify: async () => {
      try {
        await (await open()).verify();
      } catch (error) {
        throw safeError(error);
      }
    },
    close: async () => {
      const late = setTimeout(() => stopping.abort(), patience);
      await Promise.allSettled(inHand);
      clearTimeout(late);
      stopping.abort();
      (await transport)?.close();
    },
  };
}

async function connect(config: SmtpConfig): Promise<Transport> {
  const { createTransport } = await import("nodemailer");
  const { host, port, secure, auth, mustEncrypt, ca } = config;
  const checked = mustEncrypt || ca !== undefined;
  const transport = createTransport({
    pool: true,
    host,
    port,
    secure,
    ...(auth && { auth }),
    requireTLS: mustEncrypt && !secure,
    tls: { rejectUnauthorized: checked, minVersion: "TLSv1.2", ...(ca !== undefined && { ca }) },
    allowInternalNetworkInterfaces: true,
    ...onlyText,
    ...timeouts,
    ...pooling,
  });
  // If a connection breaks while idle, the next message opens a new one.
  transport.on("error", () => {});
  return transport;
}

/** A loggable form of a nodemailer error, which may quote the address or the server's text. */
function safeError(error: unknown): Error {
  if (!(error instanceof Error)) return new Error("The message could not be sent.");
  const { code, command, responseCode, response } = error as Error & Partial<SmtpError>;
  if (error.name === "AbortError" || error.name === "TimeoutError")
    return new Error("The SMTP server did not take the message in time.");
  if (responseCode === undefined) {
    // nodemailer's own checks of the envelope; any other error without a response is a network error.
    if (code === "EENVELOPE") return new Undeliverable("The SMTP envelope is malformed.");
    return new Error(`The SMTP server cannot be used: ${[code, causeOf(error)].filter(Boolean).join(", ")}.`);
  }
  const [, enhanced = ""] = /^\d{3}[ -](\d\.\d{1,3}\.\d{1,3}) /.exec(response ?? "") ?? [];
  const answer = [responseCode, enhanced].filter(Boolean).join(" ");
  const text = `The SMTP server answered ${answer} to ${command ?? "a command"}.`;
  // An operator can fix what concerns the sign-in or the sender; nobody can fix what concerns this message.
  const final = responseCode >= 500 && (command === "RCPT TO" || command === "DATA");
  return final ? new Undeliverable(text) : new Error(text);
}

interface SmtpError {
  readonly code: string;
  readonly originalCode: string;
  readonly command: string;
  readonly responseCode: number;
  readonly response: string;
}

/** The code of an error's cause: `ECONNREFUSED`, `SELF_SIGNED_CERT_IN_CHAIN` … */
function causeOf(error: Error & Partial<SmtpError>): string | undefined {
  if (typeof error.originalCode === "string") return error.originalCode;
  const { cause } = error;
  return cause instanceof Error && "code" in cause ? String(cause.code) : undefined;
}
