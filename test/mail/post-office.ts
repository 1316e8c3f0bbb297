/** A real SMTP server (the npm package smtp-server) on a free port, that answers as a test wants. */
import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";

/** A key and a certificate of its own for localhost and 127.0.0.1, good for nothing but tests. */
export const localhostPem = readFileSync(join(import.meta.dirname, "localhost.pem"), "utf8");

export interface Mail {
  /** Of the envelope. */
  readonly from: string;
  readonly to: readonly string[];
  readonly encrypted: boolean;
  /** What the client called itself. */
  readonly client: string;
  /** Names in lower case, unfolded, encoded words decoded. */
  readonly headers: ReadonlyMap<string, string>;
  readonly text: string;
  readonly html: string;
  /** The inline images by their Content-ID, as base64. */
  readonly images: ReadonlyMap<string, string>;
  readonly raw: string;
}

export interface PostOffice {
  readonly port: number;
  /** What was accepted. */
  readonly mails: Mail[];
  /** How often somebody has connected. */
  connections: number;
  /** Decides about a recipient: an answer such as "451 4.3.0 later" refuses. */
  answer: (address: string) => string | undefined;
  /** Who may sign in; undefined: nobody has to. */
  user: { name: string; password: string } | undefined;
  /** A new connection is greeted when this has resolved. */
  greeting: Promise<void>;
  /** To an address, oldest first. */
  to(address: string): Mail[];
  /** Closes the port; `open` opens the same one again. */
  close(): Promise<void>;
  open(): Promise<void>;
}

/** Opens an office. `options` are those of smtp-server. */
export async function openPostOffice(options: SMTPServerOptions = {}): Promise<PostOffice> {
  let server: SMTPServer | undefined;
  let port = 0;
  const office: PostOffice = {
    get port() {
      return port;
    },
    mails: [],
    connections: 0,
    answer: () => undefined,
    user: undefined,
    greeting: Promise.resolve(),
    to: (address) => office.mails.filter((mail) => mail.to.includes(address)),
    close: () =>
      new Promise((resolve) => {
        for (const connection of server!.connections) connection.close();
        server!.close(() => resolve());
      }),
    open: async () => {
      server = newServer(office, options);
      await new Promise<void>((resolve) => server!.listen(port, "127.0.0.1", resolve));
      port = (server.server.address() as AddressInfo).port;
    },
  };
  await office.open();
  return office;
}

function newServer(office: PostOffice, options: SMTPServerOptions): SMTPServer {
  const server = new SMTPServer({
    key: localhostPem,
    cert: localhostPem,
    authOptional: true,
    disableReverseLookup: true,
    closeTimeout: 100,
    logger: false,
    onConnect: (_session, done) => {
      office.connections += 1;
      void office.greeting.then(() => done());
    },
    onAuth: (auth, _session, done) => {
      const right = auth.username === office.user?.name && auth.password === office.user?.password;
      if (right) done(null, { user: auth.username ?? "" });
      else done(answered("535 5.7.8 wrong credentials"));
    },
    onMailFrom: (_address, session, done) => {
      if (office.user === undefined || session.user) done();
      else done(answered("530 5.7.0 authentication required"));
    },
    onRcptTo: ({ address }, _session, done) => {
      const answer = office.answer(address);
      done(answer === undefined ? null : answered(`${answer} <${address}>`));
    },
    onData: (stream, session, done) => {
      void text(stream).then((raw) => {
        const { mailFrom, rcptTo } = session.envelope;
        office.mails.push({
          from: mailFrom === false ? "" : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          encrypted: session.secure === true,
          client: session.hostNameAppearsAs,
          ...readMail(raw),
        });
        done();
      });
    },
    ...options,
  });
  server.on("error", () => {});
  return server;
}

function answered(answer: string): Error {
  const [, code = "", words = ""] = /^(\d{3}) (.*)$/s.exec(answer) ?? [];
  return Object.assign(new Error(words), { responseCode: Number(code) });
}

/** As much of RFC 5322 and MIME as the mail of this program needs. */
function readMail(raw: string): Pick<Mail, "headers" | "text" | "html" | "images" | "raw"> {
  const parts = readParts(raw);
  const { headers } = parts[0]!;
  const typed = (type: string) =>
    parts.filter((part) => part.headers.get("content-type")?.startsWith(type) === true);
  const of = (type: string) => {
    const [part] = typed(type);
    return part === undefined ? "" : decoded(part.content, part.headers);
  };
  const images = new Map(
    typed("image/").map((part) => [
      (part.headers.get("content-id") ?? "").replace(/[<>]/g, ""),
      part.content.replace(/\s/g, ""),
    ]),
  );
  return { headers, raw, text: of("text/plain").replaceAll("\r\n", "\n"), html: of("text/html"), images };
}

interface Part {
  readonly headers: ReadonlyMap<string, string>;
  readonly content: string;
}

/** A message and the parts in it, in the order they are written. */
function readParts(raw: string): Part[] {
  const [head = "", content = ""] = raw.replace(/^\r\n/, "").split(/\r\n\r\n(.*)/s);
  const headers = readHeaders(head);
  const [, boundary] = /^multipart\/.*boundary="?([^";]+)"?/.exec(headers.get("content-type") ?? "") ?? [];
  const inner = boundary === undefined ? [] : content.split(`--${boundary}`).slice(1, -1);
  return [{ headers, content }, ...inner.flatMap(readParts)];
}

function readHeaders(head: string): Map<string, string> {
  const lines = head.replace(/\r\n[ \t]+/g, " ").split("\r\n");
  return new Map(
    lines.map((line) => {
      const [name = "", value = ""] = line.split(/:\s*(.*)/s);
      return [name.toLowerCase(), decodeWords(value)];
    }),
  );
}

function decoded(content: string, headers: ReadonlyMap<string, string>): string {
  const encoding = headers.get("content-transfer-encoding");
  const plain = content.replace(/\r\n$/, "");
  if (encoding === "base64") return Buffer.from(plain, "base64").toString("utf8");
  return encoding === "quoted-printable" ? quotedPrintable(plain.replace(/=\r\n/g, "")) : plain;
}

function quotedPrintable(text: string): string {
  const bytes = text.replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, "latin1").toString("utf8");
}

/** RFC 2047. */
function decodeWords(value: string): string {
  return value
    .replace(/\?=\s+=\?/g, "?==?")
    .replace(/=\?utf-8\?([qb])\?([^?]*)\?=/gi, (_, kind: string, word: string) =>
      kind.toLowerCase() === "b"
        ? Buffer.from(word, "base64").toString("utf8")
        : quotedPrintable(word.replaceAll("_", " ")),
    );
}
