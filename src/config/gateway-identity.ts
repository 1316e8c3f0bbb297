/** What applications are told, by the file of a gateway. */
import type { GatewayIdentity } from "../lib/gateway-settings.ts";
import { gatewayKeys, keysOf } from "./gateway-keys.ts";
import { type Entry, isTrue, numberAt, onlyKeys, requiredAt, textAt } from "./section.ts";

/** Headers that applications get from browsers and proxies, which a prefix must not take away. */
const others = [
  ...[
    "accept-encoding",
    "cache-control",
    "content-type",
    "content-length",
    "if-none-match",
    "sec-fetch-mode",
  ],
  ...["transfer-encoding", "user-agent", "x-forwarded-for", "x-real-ip", "x-requested-with"],
];

export function readIdentity(entry: Entry | undefined): GatewayIdentity {
  const { "header-prefix": prefixKey, "token-seconds": secondsKey } = gatewayKeys.identity;
  if (entry === undefined)
    return {
      prefix: prefixKey.fallback,
      token: { seconds: secondsKey.range.fallback },
      claims: {},
      accessToken: false,
    };
  onlyKeys(entry, keysOf("identity"));
  const prefix = textAt(entry, "header-prefix") ?? prefixKey.fallback;
  if (!/^[A-Za-z][A-Za-z0-9-]{1,40}-$/.test(prefix))
    entry.fail("header-prefix", "must begin with a letter, end with -, and be of letters, digits and -");
  const taken = others.find((one) => one.startsWith(prefix.toLowerCase()));
  if (taken !== undefined)
    entry.fail("header-prefix", `begins the name of ${taken}, which is no header of ours`);
  const hasToken = entry.value("token") === undefined || isTrue(entry, "token");
  if (!hasToken && entry.value("token-seconds") !== undefined)
    entry.fail("token-seconds", "is about a token, and token is false: leave it out");
  const seconds = numberAt(entry, "token-seconds", secondsKey.range);
  return {
    prefix,
    token: hasToken ? { seconds } : undefined,
    claims: readClaims(entry.value("claims") === undefined ? undefined : entry.below("claims")),
    accessToken: isTrue(entry, "access-token"),
  };
}

/** The ends of headers' names that the gateway sets by itself. */
const ownHeaders = ["user", "issuer", "preferred-username", "email", "groups", "token"];

/** Claims for applications, by the end of the header's name. */
function readClaims(entry: Entry | undefined): GatewayIdentity["claims"] {
  const named = (entry?.keys() ?? []).map((name) => {
    if (!/^[A-Za-z][A-Za-z0-9-]{0,40}$/.test(name))
      entry?.fail(name, "must be the end of a header's name, of letters, digits and -, such as Tenant");
    if (ownHeaders.includes(name.toLowerCase())) entry?.fail(name, "is a header that is set anyway");
    return [name, requiredAt(entry!, name)] as const;
  });
  return Object.fromEntries(named);
}
