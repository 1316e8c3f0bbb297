/** Which URLs of providers this server is willing to use. */
import type { Ctx } from "../../app.ts";
import { refuse } from "../../wire/refuse.ts";

/**
 * Checks the URL of a provider's endpoint: https to a public address, or what `private-providers` allows besides. The
 * addresses that its name has are checked by whoever connects to it. Throws InvalidParameterException.
 */
export function checkEndpointUrl(ctx: Ctx, member: string, url: string): void {
  if (!/^https?:\/\/[^/]/i.test(url) || !URL.canParse(url))
    refuse("InvalidParameterException", `${member} is not a valid URL.`);
  const { protocol, username, password, hash, search } = new URL(url);
  if (username !== "" || password !== "" || hash !== "")
    refuse("InvalidParameterException", `${member} cannot contain a user name, a password or a fragment.`);
  // OpenID Connect Discovery 1.0, section 3.
  if (member === "oidc_issuer" && search !== "")
    refuse("InvalidParameterException", `${member} cannot contain a query.`);
  const wrong = ctx.app.outbound.wrongUrl(url);
  if (wrong === undefined) return;
  if (protocol === "https:") refuse("InvalidParameterException", `${member} ${wrong}.`);
  refuse(
    "InvalidParameterException",
    member === "MetadataURL"
      ? "MetadataURL must start with https://"
      : "OIDC endpoint must start with https://",
  );
}
