/** Source expressions of Content Security Policies (https://www.w3.org/TR/CSP3/#framework-directive-source-list). */

/**
 * The source that matches exactly the origin of a URL, or the scheme of an application's own. Undefined if no source does:
 * hosts that are IPv6 addresses, or have other characters, cannot be written, and a wider source is no substitute.
 */
export function exactSource(url: string): string | undefined {
  const { protocol, origin } = new URL(url);
  if (protocol !== "https:" && protocol !== "http:") return protocol;
  return /^https?:\/\/[\w.-]+(?::\d+)?$/.test(origin) ? origin : undefined;
}
