/** Where a sign-in or sign-out may lead back to: only hosts that the gateway serves or that are named. */
import type { GatewaySettings } from "../lib/gateway-settings.ts";

/**
 * The URL to return to, in its canonical form; undefined if it is not allowed. It is parsed as browsers do (WHATWG URL),
 * and refused where another parser could read another host: backslashes, control characters, user names.
 */
export function returnUrl(
  settings: GatewaySettings,
  text: string | undefined,
  base: string,
): URL | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (text === undefined || text.length > 2000 || /[\\\u0000-\u0020\u007f]/.test(text)) return undefined;
  if (!/^(?:https?:\/\/[^/]|\/(?!\/))/i.test(text) || !URL.canParse(text, base)) return undefined;
  const url = new URL(text, base);
  const { protocol: ours } = new URL(settings.publicUrl);
  if (url.protocol !== ours || url.username !== "" || url.password !== "") return undefined;
  return isAllowedHost(settings, url.host) ? url : undefined;
}

/** Whether a host, with its port if it is not the scheme's own, is the gateway's or one that an application names. */
export function isServedHost({ publicUrl, applications }: GatewaySettings, host: string): boolean {
  return host === new URL(publicUrl).host || applications.some(({ hosts }) => hosts.includes(host));
}

/** Whether a host is served, or is named as one to return to. */
function isAllowedHost(settings: GatewaySettings, host: string): boolean {
  const { returnHosts } = settings;
  if (isServedHost(settings, host)) return true;
  return returnHosts.some((one) => (one.startsWith("*.") ? host.endsWith(one.slice(1)) : host === one));
}
