/** The mail server's settings. */
import { readFileSync } from "node:fs";
import { isLoopback } from "../lib/host-name.ts";
import { parseMailAddress } from "../lib/mail-address.ts";
import { pemBlocks } from "../lib/pem.ts";
import { parseSmtpUrl, type SmtpConfig } from "../lib/smtp-url.ts";

type Name = "smtpUrl" | "smtpFrom" | "smtpAllowPlaintext" | "smtpCa";

/**
 * The mail server's settings; undefined if none is configured. Throws an Error that says what is wrong with the file of
 * certificate authorities.
 * @param value returns a checked setting by its name
 */
export function smtpConfig(value: (name: Name) => string | undefined): SmtpConfig | undefined {
  const server = parseSmtpUrl(value("smtpUrl") ?? "");
  const from = parseMailAddress(value("smtpFrom") ?? "");
  if (server === undefined || from === undefined) return undefined;
  const { host } = server;
  const ca = value("smtpCa");
  return {
    ...server,
    from,
    mustEncrypt: !isLoopback(host) && value("smtpAllowPlaintext") !== "true",
    ca: ca === undefined ? undefined : readAuthorities(ca),
  };
}

/** Reads the certificates of authorities. TLS would ignore what it cannot use, and then trust fewer of them. */
export function readAuthorities(path: string): string {
  const text = authoritiesIn(readFileSync(path, "utf8"));
  if (text === undefined) throw new Error("it must hold certificates (PEM), none of them cut off.");
  return text;
}

/** The text of a file of certificates; undefined if it holds none, or one was cut off. */
export function authoritiesIn(text: string): string | undefined {
  return pemBlocks(text)?.some(({ kind }) => kind.endsWith("CERTIFICATE")) ? text : undefined;
}
