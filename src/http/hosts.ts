/** The host names that this server answers to. Ports are not compared; health endpoints are exempt. */
import { type Config, mainHosts } from "../config/config.ts";
import { hostKey } from "../lib/host-name.ts";

/** Headers that show that a request came through a proxy. */
export const proxyHeader = /^(?:via|forwarded|x-forwarded-.+|x-real-ip|.+-connecting-ip|true-client-ip)$/i;

export function createHostCheck(config: Config): (host: string | undefined) => boolean {
  const names = mainHosts(config);
  return (host) => host !== undefined && names.has(hostKey(hostName(host)));
}

/** The host without its port. */
export function hostName(host: string): string {
  return host.startsWith("[") ? host.slice(0, host.indexOf("]") + 1) : (host.split(":")[0] ?? "");
}
