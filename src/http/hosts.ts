/** Which host names this server answers to (design: Hosts). Ports are not compared; health endpoints are excepted. */
import { type Config, listensOnLoopback } from "../config/config.ts";

const loopbackNames = ["localhost", "127.0.0.1", "::1"];

/** Headers by which a proxy shows that a request comes from elsewhere. */
export const proxyHeader = /^(?:via|forwarded|x-forwarded-.+|x-real-ip|.+-connecting-ip|true-client-ip)$/i;

export function createHostCheck(config: Config): (host: string | undefined) => boolean {
  const names = new Set([new URL(config.publicUrl).hostname, ...config.extraHosts].map(bare));
  if (listensOnLoopback(config)) for (const name of loopbackNames) names.add(name);
  return (host) => host !== undefined && names.has(bare(hostName(host)));
}

/** The host without its port. */
function hostName(host: string): string {
  return host.startsWith("[") ? host.slice(0, host.indexOf("]") + 1) : (host.split(":")[0] ?? "");
}

const bare = (name: string) =>
  name
    .toLowerCase()
    .replace(/^\[|\]$/g, "")
    .replace(/\.$/, "");
