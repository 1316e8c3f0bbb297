/** The host names that this server answers to. Ports are not compared; health endpoints are exempt. */
import { type Config, mainHosts } from "../config/config.ts";
import { hostKey } from "../lib/host-name.ts";

/** Headers that proxies and content delivery networks add to what they pass on. */
const ofProxies = [
  // RFC 9110 section 7.6.3, RFC 8586 and RFC 7239.
  ...["via", "cdn-loop", "forwarded", "x-forwarded", "x-real-ip", "x-original-.+", "x-forwarded-.+"],
  ...[".+-forwarded-for", "client-ip", ".+-client-ip", ".+-clientip", ".+-connecting-ip", ".+-connection-ip"],
  ...[".+-user-ip", ".+-socketip", ".+-viewer-address", "x-envoy-external-address"],
];
const proxyHeader = new RegExp(`^(?:${ofProxies.join("|")})$`, "i");

/** Whether a request came through a proxy, as its headers tell. */
export function isForwarded(names: Iterable<string>): boolean {
  return [...names].some((name) => proxyHeader.test(name));
}

export function createHostCheck(config: Config): (host: string | undefined) => boolean {
  const names = mainHosts(config);
  return (host) => host !== undefined && names.has(hostKey(hostName(host)));
}

/** The host without its port. */
export function hostName(host: string): string {
  return host.startsWith("[") ? host.slice(0, host.indexOf("]") + 1) : (host.split(":")[0] ?? "");
}
