/** Which URLs of providers this server is willing to use. */
import { type Config, isLoopbackHost, listensOnLoopback } from "../../config/config.ts";
import { refuse } from "../../wire/refuse.ts";

/**
 * Checks the URL of a provider's endpoint: https, or http on this machine if the server itself listens on loopback.
 * Whether an address may be reached is checked by whoever connects to it. Throws InvalidParameterException.
 */
export function checkEndpointUrl(config: Pick<Config, "host">, member: string, url: string): void {
  if (!/^https?:\/\/[^/]/i.test(url) || !URL.canParse(url))
    refuse("InvalidParameterException", `${member} is not a valid URL.`);
  const { protocol, hostname, username, password, hash, search } = new URL(url);
  if (username !== "" || password !== "" || hash !== "")
    refuse("InvalidParameterException", `${member} cannot contain a user name, a password or a fragment.`);
  // OpenID Connect Discovery 1.0, section 3.
  if (member === "oidc_issuer" && search !== "")
    refuse("InvalidParameterException", `${member} cannot contain a query.`);
  if (protocol === "https:" || (listensOnLoopback(config) && isLoopbackHost(hostname))) return;
  refuse(
    "InvalidParameterException",
    member === "MetadataURL"
      ? "MetadataURL must start with https://"
      : "OIDC endpoint must start with https://",
  );
}
