/**
 * `node --import private-dns.mjs`: the private DNS entry of a deployment by name, in the client's process alone. The host
 * names in NAMES, and those below them, lead to loopback; what goes to 443 there arrives at PORT.
 */
import { Socket } from "node:net";

const { NAMES = "", PORT } = process.env;
const leadsHere = (host) => NAMES.split(",").some((name) => host === name || host.endsWith(`.${name}`));

const connect = Socket.prototype.connect;
Socket.prototype.connect = function (...given) {
  // node:tls and node:http pass the options as they have been normalized: [options, callback].
  const [options, ...rest] = Array.isArray(given[0]) ? given[0] : given;
  if (typeof options !== "object" || !leadsHere(options.host ?? "")) {
    throw new Error(`this process may not connect to ${options?.host ?? options}`);
  }
  const here = {
    ...options,
    host: "127.0.0.1",
    port: Number(options.port) === 443 ? Number(PORT) : options.port,
  };
  return connect.call(this, here, ...rest.filter((one) => typeof one === "function"));
};
