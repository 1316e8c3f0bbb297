/** Where a gateway listens, by its file. */
import { isIP } from "node:net";
import { resolve } from "node:path";
import type { GatewayListen } from "../lib/gateway-settings.ts";
import { isHostName } from "../lib/host-name.ts";
import { gatewayKeys } from "./gateway-keys.ts";
import { type Entry, numberAt, textAt } from "./section.ts";

const keys = gatewayKeys[""];

/** @param folder of the file, from which the path of the certificate leads */
export function readListen(entry: Entry, publicUrl: string, folder: string): GatewayListen {
  return {
    host: hostOf(entry),
    port: numberAt(entry, "port", keys.port.range),
    tls: tlsOf(entry, publicUrl, folder),
  };
}

function hostOf(entry: Entry): string {
  const host = textAt(entry, "host") ?? keys.host.fallback;
  if (isIP(host) !== 0 || isHostName(host.toLowerCase())) return host;
  return entry.fail("host", "must be an address to listen on, such as 127.0.0.1 or 0.0.0.0");
}

/** Where https is served, besides http. */
function tlsOf(entry: Entry, publicUrl: string, folder: string): GatewayListen["tls"] {
  const file = textAt(entry, "tls");
  if (file === undefined)
    return entry.value("https-port") === undefined
      ? undefined
      : entry.fail("https-port", "needs tls with it: a PEM file with a key and its certificates");
  if (!publicUrl.startsWith("https:"))
    entry.fail("public-url", "must begin with https:, since tls is set: cookies are only for https then");
  return { file: resolve(folder, file), port: numberAt(entry, "https-port", keys["https-port"].range) };
}
