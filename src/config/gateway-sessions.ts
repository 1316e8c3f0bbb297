/** The section `sessions` of a gateway's file: where sessions are kept, for how long, and in which cookies. */
import { dirname, resolve } from "node:path";
import { looksLikeUrl, parseDatabase, wrongDatabase } from "../lib/database-url.ts";
import type { GatewaySessions } from "../lib/gateway-settings.ts";
import { isHostName } from "../lib/host-name.ts";
import { gatewayKeys, keysOf } from "./gateway-keys.ts";
import type { Secrets } from "./gateway-secrets.ts";
import { type Entry, isTrue, numberAt, onlyKeys, textAt, textsAt } from "./section.ts";

const keys = gatewayKeys.sessions;

/** Throws ConfigError with file, line and key if anything is wrong. @param path of the file */
export function readSessions(
  entry: Entry,
  {
    path,
    publicUrl,
    secrets,
  }: { readonly path: string; readonly publicUrl: string; readonly secrets: Secrets },
): GatewaySessions {
  onlyKeys(entry, keysOf("sessions"));
  const database = databaseAt(entry, secrets, dirname(resolve(path)));
  const cookieName = textAt(entry, "cookie-name") ?? keys["cookie-name"].fallback;
  if (!/^[\w-]{1,40}$/.test(cookieName))
    entry.fail("cookie-name", "must be 1 to 40 letters, digits, - and _");
  if (/^__(?:host|secure)-/i.test(cookieName))
    entry.fail("cookie-name", "must have no prefix: __Host- or __Secure- is put before it");
  const seconds = (key: "idle" | "lifetime" | "recheck" | "outage") => numberAt(entry, key, keys[key].range);
  const [idle, lifetime, recheck] = [seconds("idle"), seconds("lifetime"), seconds("recheck")];
  if (entry.value("idle") !== undefined && idle > lifetime)
    entry.fail(
      "idle",
      `is ${idle}, longer than lifetime, ${lifetime}: a session would never end for being idle`,
    );
  if (recheck > idle) entry.fail("recheck", `is ${recheck}, longer than idle, ${idle}`);
  if (database === undefined && entry.value("recheck") !== undefined)
    entry.fail("recheck", "is about a database, and store is cookies: leave it out");
  return {
    database,
    cookieName,
    cookieDomain: cookieDomainAt(entry, publicUrl),
    idle: Math.min(idle, lifetime),
    lifetime,
    recheck,
    outage: seconds("outage"),
    keys: keysAt(entry, secrets),
    tokensInCookies: isTrue(entry, "tokens-in-cookies"),
  };
}

/** The database; undefined for cookies. A path leads from the folder of the file. */
function databaseAt(entry: Entry, secrets: Secrets, folder: string): string | undefined {
  const isSecret = (text: string) => looksLikeUrl(text) && /:\/\/[^/]*:[^/]*@/.test(text);
  const given = secrets.read(entry, "store", { env: keys.store.env, isSecret });
  const store = given?.text ?? keys.store.fallback;
  if (store === "cookies") return undefined;
  if (/^cookies?$/i.test(store)) return given?.fail("must be cookies, in lower case, or a database");
  const wrong = wrongDatabase(store);
  if (wrong !== undefined) given?.fail(wrong);
  const address = parseDatabase(store);
  if (address.kind === "postgres" || address.path === ":memory:") return store;
  return `sqlite:${resolve(folder, address.path)}`;
}

const aNewKey = "`poolhouse gateway new-key` prints one";

/** Keys of the environment, of the file itself, or of another: one a line, the newest first. */
function keysAt(entry: Entry, secrets: Secrets): readonly string[] {
  const text: typeof textAt = (at, key) => textsAt(at, key)?.join("\n");
  const given = secrets.read(entry, "keys", { env: keys.keys.env, text });
  if (given === undefined) return entry.fail(undefined, `needs keys or keys-file: ${aNewKey}`);
  const listed = given.text.split(/[\s,]+/).filter((one) => one !== "");
  if (listed.length === 0) given.fail(`is empty: ${aNewKey}`);
  if (!listed.every((one) => /^[A-Za-z0-9+/]{43}=$/.test(one)))
    given.fail(`must be base64 of 32 bytes each: ${aNewKey}`);
  if (listed.some((one) => new Set(Buffer.from(one, "base64")).size < 8))
    given.fail(`must be random bytes: ${aNewKey}`);
  if (new Set(listed).size < listed.length) given.fail("has one key twice: leave one of them out");
  return listed;
}

/** The public URL's host must be in the domain, or it could not set the cookie. */
function cookieDomainAt(entry: Entry, publicUrl: string): string | undefined {
  const domain = textAt(entry, "cookie-domain")?.replace(/^\./, "").toLowerCase();
  if (domain === undefined) return undefined;
  const { hostname } = new URL(publicUrl);
  if (!isHostName(domain) || !domain.includes("."))
    entry.fail("cookie-domain", "must be a domain, such as example.com");
  if (hostname !== domain && !hostname.endsWith(`.${domain}`))
    entry.fail("cookie-domain", `must be a domain that the host of public-url, ${hostname}, belongs to`);
  return domain;
}
