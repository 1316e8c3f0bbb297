/** The mail server, and the URL that names it: smtp[s]://[user:password@]host[:port]. */
import type { MailAddress } from "./mail-address.ts";

/** A mail server, and how to connect to it. */
export interface SmtpServer {
  readonly host: string;
  readonly port: number;
  /** TLS from the start (`smtps:`) rather than by STARTTLS. */
  readonly secure: boolean;
  readonly auth: { readonly user: string; readonly pass: string } | undefined;
}

export interface SmtpConfig extends SmtpServer {
  /** The sender of messages that name none. */
  readonly from: MailAddress;
  /** Send neither mail nor a password unless the connection is encrypted and the server's certificate is valid. */
  readonly mustEncrypt: boolean;
  /** PEM of the certificate authorities to trust instead of the default ones. */
  readonly ca: string | undefined;
}

/** Parses an SMTP URL; undefined if the text is not one. The default ports are 587 (RFC 6409) and 465 (RFC 8314). */
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
