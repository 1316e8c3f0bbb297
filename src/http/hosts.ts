/** Which host names this server answers to (design: Hosts). Ports are not compared; health endpoints are excepted. */
import { type Config, mainHosts } from "../config/config.ts";
import { hostKey } from "../lib/host-name.ts";

/** Headers by which a proxy shows that a request comes from elsewhere. */
export const proxyHeader = /^(?:via|forwarded|x-forwarded-.+|x-real-ip|.+-connecting-ip|true-client-ip)$/i;

export function createHostCheck(config: Config): (host: string | undefined) => boolean {
  const names = mainHosts(config);
  return (host) => host !== undefined && names.has(hostKey(hostName(host)));
}

/** The host without its port. */
export function hostName(host: string): string {
  return host.startsWith("[") ? host.slice(0, host.indexOf("]") + 1) : (host.split(":")[0] ?? "");
}
