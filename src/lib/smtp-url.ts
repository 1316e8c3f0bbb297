/** Where mail is handed over, and the URL that names such a server: smtp[s]://[user:password@]host[:port]. */
import type { MailAddress } from "./mail-address.ts";

/** A server that takes mail. */
export interface SmtpServer {
  readonly host: string;
  readonly port: number;
  /** TLS from the first byte (`smtps:`), rather than by STARTTLS. */
  readonly secure: boolean;
  readonly auth: { readonly user: string; readonly pass: string } | undefined;
}

export interface SmtpConfig extends SmtpServer {
  /** The sender of messages that name none. */
  readonly from: MailAddress;
  /** Nothing is sent, and no password told, over a connection that is not encrypted for a server that proved itself. */
  readonly mustEncrypt: boolean;
  /** PEM of the authorities whose certificates are accepted instead of the usual ones. */
  readonly ca: string | undefined;
}

/** Undefined when the text is no such URL. The ports are 587 (RFC 6409) and 465 (RFC 8314) unless given. */
export function parseSmtpUrl(text: string): SmtpServer | undefined {
  if (!/^smtps?:\/\//.test(text) || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  const bare = /^\/?$/.test(url.pathname) && url.search === "" && url.hash === "";
  const [user, pass] = [decoded(url.username), decoded(url.password)];
  if (!bare || url.hostname === "" || user === undefined || pass === undefined) return undefined;
  const secure = url.protocol === "smtps:";
  return {
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port === "" ? (secure ? 465 : 587) : Number(url.port),
    secure,
    auth: user === "" ? undefined : { user, pass },
  };
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
