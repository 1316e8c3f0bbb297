/** The section `senders` of the configuration file: each sender by its type (docs/messages.md). */
import { createPrivateKey } from "node:crypto";
import { resolve } from "node:path";
import { isHostName, isLoopback } from "../lib/host-name.ts";
import { type MailAddress, parseMailAddress } from "../lib/mail-address.ts";
import { pemBlocks } from "../lib/pem.ts";
import type { AwsSender, DkimKey, SenderSettings } from "../lib/sender-settings.ts";
import { parseSmtpUrl } from "../lib/smtp-url.ts";
import { parseWebhookSecret } from "../lib/standard-webhooks.ts";
import { type Entry, isTrue, onlyKeys, requiredAt, textAt, wordAt } from "./section.ts";
import { authoritiesIn } from "./smtp.ts";
import { accessKeyAt, fileText, secretForm, secretIn, urlAt } from "./values.ts";

type Type = SenderSettings["type"];

const aws = [
  ...["region", "endpoint", "allow-plaintext"],
  ...["access-key-id", "secret-access-key", "secret-access-key-file"],
];

/** The keys of a sender, by its type. */
const keys: Readonly<Record<Type, readonly string[]>> = {
  smtp: ["type", "url", "user", "password", "password-file", "from", "allow-plaintext", "ca", "dkim"],
  ses: ["type", ...aws, "from", "configuration-set"],
  sns: ["type", ...aws, "sender-id", "max-price", "entity-id", "template-id"],
  twilio: [
    ...["type", "url", "allow-plaintext", "account-sid", "auth-token", "auth-token-file"],
    ...["api-key-sid", "api-key-secret", "api-key-secret-file", "from", "messaging-service-sid"],
  ],
  http: ["type", "url", "allow-plaintext", "secret", "secret-file", "from"],
};

const types = Object.keys(keys) as Type[];
const why = "messages contain codes and passwords";

/**
 * Reads one sender. Throws ConfigError with file, line and key if anything is wrong.
 * @param folder of the configuration file, from which paths lead
 */
export function readSender(name: string, entry: Entry, folder: string): SenderSettings {
  const type = wordAt(entry, "type", types);
  if (type === undefined) return entry.fail(undefined, `needs type: one of ${types.join(", ")}`);
  onlyKeys(entry, keys[type]);
  return { name, ...readers[type](entry, folder) };
}

type Unnamed<One> = One extends SenderSettings ? Omit<One, "name"> : never;

const readers: Readonly<Record<Type, (entry: Entry, folder: string) => Unnamed<SenderSettings>>> = {
  smtp: smtpOf,
  ses: (entry, folder) => ({
    type: "ses",
    ...awsOf(entry, folder),
    from: addressAt(entry, "from") ?? entry.fail(undefined, "needs from"),
    configurationSet: matching(
      entry,
      "configuration-set",
      /^[\w-]{1,64}$/,
      "the name of a configuration set",
    ),
  }),
  sns: (entry, folder) => ({
    type: "sns",
    ...awsOf(entry, folder),
    senderId: matching(
      entry,
      "sender-id",
      /^(?=.*[A-Za-z])[A-Za-z0-9-]{1,11}$/,
      "1 to 11 letters and digits",
    ),
    maxPrice: matching(entry, "max-price", /^\d{1,6}(?:\.\d{1,5})?$/, "a number of US dollars"),
    entityId: matching(entry, "entity-id", /^[\w.-]{1,50}$/, "the id of an entity"),
    templateId: matching(entry, "template-id", /^[\w.-]{1,50}$/, "the id of a template"),
  }),
  twilio: twilioOf,
  http: (entry, folder) => {
    const given = secretIn(folder)(entry, "secret") ?? entry.fail(undefined, "needs secret or secret-file");
    const at = entry.value("secret") === undefined ? "secret-file" : "secret";
    return {
      type: "http",
      url: urlAt(entry, "url", { query: true, why }) ?? entry.fail(undefined, "needs url"),
      secret: parseWebhookSecret(given) ?? entry.fail(at, secretForm),
      from: addressAt(entry, "from"),
    };
  },
};

function smtpOf(entry: Entry, folder: string): Unnamed<SenderSettings> {
  const url = parseSmtpUrl(requiredAt(entry, "url"));
  if (url === undefined) return entry.fail("url", "must be smtp[s]://[user:password@]host[:port]");
  const [user, pass] = [textAt(entry, "user"), secretIn(folder)(entry, "password")];
  if (user !== undefined && pass === undefined) entry.fail("user", "needs password or password-file with it");
  if (user === undefined && pass !== undefined)
    entry.fail(undefined, "has a password, and needs user with it");
  if (user !== undefined && url.auth !== undefined)
    entry.fail("user", "is also in url: leave one of them out");
  const ca = textAt(entry, "ca");
  return {
    type: "smtp",
    ...url,
    ...(user !== undefined && pass !== undefined && { auth: { user, pass } }),
    from: addressAt(entry, "from") ?? entry.fail(undefined, "needs from"),
    mustEncrypt: !isLoopback(url.host) && !isTrue(entry, "allow-plaintext"),
    ca: ca === undefined ? undefined : authoritiesAt(entry, resolve(folder, ca)),
    ...(entry.value("dkim") !== undefined && { dkim: dkimOf(entry.below("dkim"), folder) }),
  };
}

function authoritiesAt(entry: Entry, path: string): string {
  return (
    authoritiesIn(fileText(entry, "ca", path)) ??
    entry.fail("ca", "must hold certificates (PEM), none of them cut off")
  );
}

/** The key that signs mail. nodemailer signs with RSA only; RFC 8301 asks for 1024 bits at least, and 2048 where possible. */
function dkimOf(entry: Entry, folder: string): DkimKey {
  onlyKeys(entry, ["domain", "selector", "key-file"]);
  const domain = requiredAt(entry, "domain");
  if (!isHostName(domain)) entry.fail("domain", "must be a domain name");
  const selector = requiredAt(entry, "selector");
  if (!isHostName(selector)) entry.fail("selector", "must be the name of a key in DNS, such as mail2026");
  const path = resolve(folder, requiredAt(entry, "key-file"));
  const text = fileText(entry, "key-file", path);
  const pem = pemBlocks(text)?.find(({ kind }) => kind.endsWith("PRIVATE KEY"))?.pem;
  const refused = "must hold a private key (PEM) of RSA, of 2048 bits or more";
  if (pem === undefined) return entry.fail("key-file", refused);
  try {
    const { asymmetricKeyType, asymmetricKeyDetails } = createPrivateKey(pem);
    if (asymmetricKeyType === "rsa" && (asymmetricKeyDetails?.modulusLength ?? 0) >= 2048)
      return { domain, selector, privateKey: pem };
  } catch {
    // Said below: what the parser says may quote the file.
  }
  return entry.fail("key-file", refused);
}

function awsOf(entry: Entry, folder: string): AwsSender {
  return {
    region:
      matching(entry, "region", /^[a-z0-9-]{1,40}$/, "a region, such as eu-west-1") ??
      entry.fail(undefined, "needs region"),
    endpoint: urlAt(entry, "endpoint", { query: false, why })?.replace(/\/+$/, ""),
    key: accessKeyAt(entry, (at, key) => (key === "secret-access-key" ? secretIn(folder) : textAt)(at, key)),
  };
}

function twilioOf(entry: Entry, folder: string): Unnamed<SenderSettings> {
  const accountSid =
    matching(entry, "account-sid", /^AC\w{1,62}$/, "the SID of an account, AC…") ??
    entry.fail(undefined, "needs account-sid");
  const secret = secretIn(folder);
  const [token, keySid, keySecret] = [
    secret(entry, "auth-token"),
    textAt(entry, "api-key-sid"),
    secret(entry, "api-key-secret"),
  ];
  if (keySid !== undefined && keySecret === undefined)
    entry.fail("api-key-sid", "needs api-key-secret or api-key-secret-file with it");
  if (keySecret !== undefined && keySid === undefined)
    entry.fail(undefined, "has an api-key-secret, and needs api-key-sid with it");
  if (token !== undefined && keySid !== undefined)
    entry.fail("api-key-sid", "is given with auth-token: leave one of them out");
  const password = token ?? keySecret;
  if (password === undefined)
    return entry.fail(
      undefined,
      "needs auth-token, or api-key-sid and api-key-secret (each secret also as a -file)",
    );
  const from = matching(
    entry,
    "from",
    /^(?:\+\d{6,15}|[A-Za-z0-9 ]{1,11}|\d{3,8})$/,
    "a number, +15550100, or a sender id",
  );
  const service = matching(
    entry,
    "messaging-service-sid",
    /^MG\w{1,62}$/,
    "the SID of a messaging service, MG…",
  );
  if (from !== undefined && service !== undefined)
    entry.fail("from", "is given with messaging-service-sid: leave one of them out");
  const by =
    service !== undefined
      ? { MessagingServiceSid: service }
      : from !== undefined
        ? { From: from }
        : undefined;
  return {
    type: "twilio",
    url: (urlAt(entry, "url", { query: false, why }) ?? "https://api.twilio.com").replace(/\/+$/, ""),
    accountSid,
    user: keySid ?? accountSid,
    password,
    by: by ?? entry.fail(undefined, "needs from or messaging-service-sid"),
  };
}

function addressAt(entry: Entry, key: string): MailAddress | undefined {
  const text = textAt(entry, key);
  if (text === undefined) return undefined;
  return parseMailAddress(text) ?? entry.fail(key, "must be an address, or Name <address>");
}

function matching(entry: Entry, key: string, pattern: RegExp, what: string): string | undefined {
  const text = textAt(entry, key);
  return text === undefined || pattern.test(text) ? text : entry.fail(key, `must be ${what}`);
}
