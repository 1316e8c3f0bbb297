/**
 * Sends mail by SMTP (RFC 5321). The connection is encrypted and the server's certificate verified, unless the server
 * is on this machine or the operator allows plain text: then STARTTLS is used if offered, whatever the certificate.
 * nodemailer is loaded with the first message.
 */
import { hostname } from "node:os";
import { format } from "node:util";
import type Mail from "nodemailer/lib/mailer";
import type { SmtpSender } from "../../lib/sender-settings.ts";
import { mailOf, onlyText } from "./mime.ts";
import { type Sender, type SenderMeans, Throttled, Undeliverable } from "./sender.ts";
import { Late, newSendings } from "./sendings.ts";

/** Milliseconds. */
const timeouts = {
  dnsTimeout: 5_000,
  connectionTimeout: 5_000,
  greetingTimeout: 5_000,
  socketTimeout: 20_000,
  socketCloseTimeout: 1_000,
};
/** The number of simultaneous connections of all workers together. */
const maxConnections = 5;
/** How long a connection is kept. */
const pooling = { maxMessages: 100, maxRequeues: 1, idleTimeout: 30_000 };

type Transport = Pick<Mail, "sendMail" | "verify" | "close">;

/** Sends mail by a mail server. */
export function smtpSender(
  config: Omit<SmtpSender, "type">,
  means: Omit<SenderMeans, "userAgent"> = {},
): Sender {
  let transport: Promise<Transport> | undefined;
  const open = () => {
    transport ??= connect(config, means);
    return transport;
  };
  const sendings = newSendings("The SMTP server", means);
  return {
    kind: "smtp",
    send: async (message) => {
      if (message.medium !== "EMAIL") throw new Undeliverable("A mail server sends no SMS.");
      const mail = mailOf(config.from, message);
      await sendings
        .run(async (signal) => (await open()).sendMail({ ...mail, signal }))
        .catch((error: unknown) => {
          throw safeError(error);
        });
    },
    verify: async () => {
      try {
        await sendings.run(async () => (await open()).verify());
      } catch (error) {
        throw safeError(error);
      }
    },
    close: async () => {
      await sendings.close();
      (await transport)?.close();
    },
  };
}

async function connect(
  config: Omit<SmtpSender, "type">,
  { tell, part = (whole) => whole }: Pick<SenderMeans, "tell" | "part">,
): Promise<Transport> {
  const { createTransport } = await import("nodemailer");
  const { host, port, secure, auth, mustEncrypt, ca, dkim, clientName } = config;
  // nodemailer says the host name if it has a dot, else an address literal (RFC 5321 section 4.1.3).
  const isNamed = clientName === undefined || hostname().includes(".");
  const checked = mustEncrypt || ca !== undefined;
  const transport = createTransport({
    pool: true,
    host,
    port,
    secure,
    ...(!isNamed && { name: clientName }),
    ...(auth && { auth }),
    requireTLS: mustEncrypt && !secure,
    tls: { rejectUnauthorized: checked, minVersion: "TLSv1.2", ...(ca !== undefined && { ca }) },
    allowInternalNetworkInterfaces: true,
    ...onlyText,
    ...(dkim && {
      dkim: { domainName: dkim.domain, keySelector: dkim.selector, privateKey: dkim.privateKey },
    }),
    ...(tell && { logger: protocolLogger(tell), transactionLog: true }),
    ...timeouts,
    maxConnections: part(maxConnections),
    ...pooling,
  });
  // If a connection breaks while idle, the next message opens a new one.
  transport.on("error", () => {});
  return transport;
}

/** Tells the lines of the protocol without credentials, which nodemailer masks, too; the content of a mail is not among them. */
function protocolLogger(tell: (line: string) => void) {
  const debug = (entry: unknown, ...parts: unknown[]) => {
    const { tnx } = (typeof entry === "object" && entry !== null ? entry : {}) as { tnx?: unknown };
    if (tnx !== "client" && tnx !== "server") return;
    for (const line of format(...parts).split(/\r?\n/))
      if (line !== "") tell(tnx === "client" ? `> ${line.replace(/^(AUTH \S+) .+/i, "$1 …")}` : `< ${line}`);
  };
  const ignore = () => {};
  return { level: ignore, trace: ignore, debug, info: ignore, warn: ignore, error: ignore, fatal: ignore };
}

/** A loggable form of a nodemailer error, which may quote the address or the server's text. */
function safeError(error: unknown): Error {
  if (!(error instanceof Error)) return new Error("The message could not be sent.");
  const { code, command, responseCode, response } = error as Error & Partial<SmtpError>;
  if (error instanceof Late) return error;
  if (responseCode === undefined) {
    // nodemailer's own checks of the envelope; any other error without a response is a network error.
    if (code === "EENVELOPE") return new Undeliverable("The SMTP envelope is malformed.");
    return new Error(`The SMTP server cannot be used: ${[code, causeOf(error)].filter(Boolean).join(", ")}.`);
  }
  const [, enhanced = ""] = /^\d{3}[ -](\d\.\d{1,3}\.\d{1,3}) /.exec(response ?? "") ?? [];
  const answer = [responseCode, enhanced].filter(Boolean).join(" ");
  const text = `The SMTP server answered ${answer} to ${command ?? "a command"}.`;
  // RFC 5321 section 3.8: the server closes the connection, also to clients that send too much.
  if (responseCode === 421) return new Throttled(text, undefined);
  const final = command === "DATA" || (command === "RCPT TO" && !ofSender.test(enhanced));
  return responseCode >= 500 && final ? new Undeliverable(text) : new Error(text);
}

/**
 * An operator can fix what concerns the sign-in or the sender; nobody can fix what concerns this message. Many servers say
 * of a recipient what they hold against the sender: its address (RFC 3463 section 3.2), or that it may not send here (5.7).
 */
const ofSender = /^5\.(?:1\.[78]|7\.\d+)$/;

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
