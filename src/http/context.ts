/** From a request on the wire to a Ctx: the clock, an id, and the client's address behind configured proxies. */
import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { BlockList, isIP } from "node:net";
import type { App, Ctx } from "../app.ts";
import { canonicalAddress, hopAddress, networkOf } from "../lib/network.ts";
import { refuse } from "../wire/refuse.ts";
import { type Admission, type AdmissionOptions, createAdmission } from "./admission.ts";

/** What http rooms need of the server. */
export interface Serving {
  readonly app: App;
  readonly admission: Admission;
  context(incoming: IncomingMessage): Ctx;
  /** Whether the connection itself comes from this machine or from a trusted proxy. */
  isNear(incoming: IncomingMessage): boolean;
  /** Milliseconds since the context was taken. */
  elapsed(ctx: Ctx): number;
}

export function createServing(app: App, admission?: AdmissionOptions): Serving {
  const trusted = proxies(app.config.trustedProxies);
  const started = new WeakMap<Ctx, number>();
  return {
    app,
    admission: createAdmission(admission),
    context(incoming) {
      const requestId = randomUUID();
      const ctx = createCtx(app, {
        requestId,
        address: clientAddress(incoming, trusted),
        userAgent: incoming.headers["user-agent"],
        isSecure: () => isSecure(incoming, trusted),
      });
      started.set(ctx, performance.now());
      return ctx;
    },
    isNear: ({ socket }) => {
      const address = canonicalAddress(socket.remoteAddress ?? "") ?? "";
      return isAmong(loopback, address) || isAmong(trusted, address);
    },
    elapsed: (ctx) => Math.round(performance.now() - (started.get(ctx) ?? performance.now())),
  };
}

/** A context for one request, or for one turn of a worker. */
export function createCtx(
  app: App,
  request: Pick<Ctx, "requestId" | "address" | "userAgent"> & Partial<Pick<Ctx, "isSecure">>,
): Ctx {
  let log: Ctx["log"] | undefined;
  return {
    app,
    config: app.config,
    db: app.db,
    random: app.random,
    // Made when somebody writes to it, which few requests do.
    get log() {
      log ??= app.log.child({ requestId: request.requestId });
      return log;
    },
    now: app.clock(),
    requestId: request.requestId,
    address: request.address,
    network: networkOf(request.address),
    userAddress: request.address,
    userAgent: request.userAgent,
    isSecure: request.isSecure ?? (() => undefined),
    admin: false,
    authorize: nobody,
  };
}

/** Who is no administrator has no policy that could permit anything. */
async function nobody(permission: string): Promise<never> {
  return refuse(
    "AccessDeniedException",
    `Only administrators can have the permission poolhouse:${permission}.`,
  );
}

/** What a trusted proxy does not say of its own client's connection, nobody knows. */
function isSecure({ socket, headers }: IncomingMessage, trusted: BlockList): boolean | undefined {
  const peer = socket.remoteAddress ?? "";
  if (!isAmong(trusted, canonicalAddress(peer) ?? peer))
    return "encrypted" in socket && socket.encrypted === true;
  const said = headers["x-forwarded-proto"];
  if (typeof said !== "string" || said === "") return undefined;
  return said.split(",").every((hop) => hop.trim().toLowerCase() === "https");
}

const loopback = proxies(["127.0.0.0/8", "::1"]);

function isAmong(list: BlockList, address: string): boolean {
  return isIP(address) !== 0 && list.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
}

function proxies(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = "", bits] = range.split("/");
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    list.addSubnet(address, bits === undefined ? (family === "ipv6" ? 128 : 32) : Number(bits), family);
  }
  return list;
}

/** The last address of X-Forwarded-For that is not a configured proxy; the header counts only from such a proxy. */
function clientAddress(incoming: IncomingMessage, trusted: BlockList): string {
  const peer = incoming.socket.remoteAddress ?? "";
  let address = canonicalAddress(peer) ?? peer;
  const header = incoming.headers["x-forwarded-for"];
  // Most requests have none, and then nobody need be looked up.
  const forwarded = header === undefined ? [] : [header].flat().join(",").split(",");
  for (const hop of forwarded.reverse()) {
    if (!isAmong(trusted, address)) break;
    const before = hopAddress(hop);
    // What a trusted proxy did not understand itself cannot be counted by: the proxy is.
    if (before === undefined) break;
    address = before;
  }
  return address;
}
