/**
 * THE client for requests to servers that a pool's administrator names, such as identity providers: with limits of
 * time, size and redirects, and only to addresses that the configuration allows. It knows no proxies, also where the
 * environment names some: behind one, nobody could tell which address is connected to.
 */
import { type LookupAddress, lookup } from "node:dns";
import type { Agent, AgentOptions, IncomingMessage } from "node:http";
import type { Agent as TlsAgent } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { http, https } from "../lib/node-http.ts";
import { type AddressRules, addressRules, isOwnName } from "./outbound-addresses.ts";

interface OutboundRequest {
  readonly method?: "GET" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** How many redirects of a GET may be followed; 0, the default, returns the redirect, as does any POST. */
  readonly redirects?: number;
  /** The largest body of an answer, in bytes; by default 1 MiB. */
  readonly largest?: number;
  readonly signal?: AbortSignal;
}

/** How many redirects are followed to what a provider publishes: its configuration, keys and metadata. */
export const publishedRedirects = 5;

export interface Outbound {
  /**
   * Makes a request and reads the whole answer. Throws OutboundError: not allowed, unreachable, late, too large, or too
   * many redirects.
   */
  fetch(url: string | URL, request?: OutboundRequest): Promise<Response>;
  /**
   * What is wrong with a URL that somebody wants to configure, to follow its name; undefined if it is fine as far as
   * that can be told without looking its host up.
   */
  wrongUrl(url: string): string | undefined;
  close(): Promise<void>;
}

export type OutboundProblem = "forbidden" | "unreachable" | "late" | "too large" | "redirects";

/** Why there is no answer. The message names the host and the problem, and quotes nothing of the request or answer. */
export class OutboundError extends Error {
  readonly problem: OutboundProblem;

  constructor(problem: OutboundProblem, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "OutboundError";
    this.problem = problem;
  }
}

export interface OutboundOptions {
  /** CIDR ranges of private addresses that may be connected to; `any` for all that are private. */
  readonly privateRanges: readonly string[];
  /** Whether this machine's own addresses may be connected to. */
  readonly loopback: boolean;
  /** The User-Agent header. */
  readonly userAgent: string;
  /** PEM of the authorities to trust for certificates; the usual ones if undefined. */
  readonly ca?: string | undefined;
  /** Set by tests. */
  readonly connectMs?: number;
  /** The time for everything, redirects included; set by tests. */
  readonly totalMs?: number;
}

/** Connections to one server at once; further requests wait, within their time. */
const maxSockets = 50;

/** How long a connection is kept for the next GET, and how many to one server. */
const kept = { keepAlive: true, timeout: 5000, maxFreeSockets: 4 };

interface Agents {
  readonly "http:": Agent;
  /** Made when it is first asked for. */
  readonly "https:": TlsAgent;
  destroy(): void;
}

interface Means {
  readonly rules: AddressRules;
  readonly lookup: Readonly<Record<"http:" | "https:", LookupFunction>>;
  /** What GETs share: they may be repeated (RFC 9110 section 9.2.2) if a connection ends just when it is used again. */
  readonly kept: Agents;
  /** A connection for each request: a code that is redeemed by POST counts once, and must not be lost on the way. */
  readonly single: Agents;
  readonly connectMs: number;
  readonly userAgent: string;
}

/** @param trusted for https */
function agentsOf(options: AgentOptions, trusted: { readonly ca?: string }): Agents {
  const plain = new http.Agent(options);
  let ofTls: TlsAgent | undefined;
  return {
    "http:": plain,
    get "https:"() {
      ofTls ??= new (https().Agent)({ ...options, ...trusted });
      return ofTls;
    },
    destroy() {
      plain.destroy();
      ofTls?.destroy();
    },
  };
}

export function createOutbound(options: OutboundOptions): Outbound {
  const { privateRanges, loopback, userAgent, ca, connectMs = 5000, totalMs = 10_000 } = options;
  const trusted = ca === undefined ? {} : { ca };
  const rules = addressRules(privateRanges, loopback);
  const means: Means = {
    rules,
    lookup: { "http:": checkedLookup(rules, "http:"), "https:": checkedLookup(rules, "https:") },
    kept: agentsOf({ ...kept, maxSockets }, trusted),
    single: agentsOf({ maxSockets }, trusted),
    connectMs,
    userAgent,
  };
  const underWay = new Set<AbortController>();
  let closed = false;
  return {
    fetch: async (url, request = {}) => {
      // One controller with timers that are cleared: signals that are left to time out by themselves cost more than the request.
      const ending = new AbortController();
      const end = () => ending.abort();
      const timer = setTimeout(end, totalMs);
      underWay.add(ending);
      request.signal?.addEventListener("abort", end);
      if (closed || request.signal?.aborted) end();
      try {
        return await follow(means, String(url), { ...request, ending });
      } finally {
        clearTimeout(timer);
        underWay.delete(ending);
        request.signal?.removeEventListener("abort", end);
      }
    },
    wrongUrl: (url) => wrongUrl(rules, url),
    close: async () => {
      closed = true;
      for (const ending of underWay) ending.abort();
      means.kept.destroy();
      means.single.destroy();
    },
  };
}

/** A request with what ends it: the time for everything, the caller's signal, or the end of the server. */
type Aimed = OutboundRequest & { readonly ending: AbortController };

/** Headers that are for one server only (RFC 9110 section 15.4). */
const personal = new Set(["authorization", "cookie", "proxy-authorization"]);

async function follow(means: Means, target: string, request: Aimed): Promise<Response> {
  const { method = "GET", redirects = 0 } = request;
  let url = allowedUrl(means.rules, target);
  let headers = request.headers ?? {};
  for (let left = method === "GET" ? redirects : 0; ; left--) {
    const answer = await once(means, url, { ...request, headers });
    const location = answer.headers.get("location");
    if (location === null || answer.status < 300 || answer.status > 399) return answer;
    if (redirects === 0 || method !== "GET") return answer;
    if (left === 0) throw new OutboundError("redirects", `${url.host} redirects too often`);
    if (!URL.canParse(location, url.href))
      throw new OutboundError("redirects", `${url.host} redirects to what is no URL`);
    const next = allowedUrl(means.rules, new URL(location, url.href).href);
    if (url.protocol === "https:" && next.protocol === "http:")
      throw new OutboundError("forbidden", `${url.host} redirects from https to http`);
    if (next.origin !== url.origin)
      headers = Object.fromEntries(
        Object.entries(headers).filter(([name]) => !personal.has(name.toLowerCase())),
      );
    url = next;
  }
}

type HttpUrl = URL & { readonly protocol: "http:" | "https:" };

/** The URL, unless it cannot be requested. An address in it is checked here, a name when it is looked up. */
function allowedUrl(rules: AddressRules, text: string): HttpUrl {
  const wrong = wrongRequest(rules, text);
  if (wrong === undefined) return new URL(text) as HttpUrl;
  const host = URL.canParse(text) ? new URL(text).host : "a URL";
  throw new OutboundError("forbidden", `${host} ${wrong}`);
}

const notAllowed = "leads to an address that the server's settings do not allow (private-providers)";

function wrongUrl(rules: AddressRules, text: string): string | undefined {
  const wrong = wrongRequest(rules, text);
  if (wrong !== undefined) return wrong;
  const { protocol, hostname } = new URL(text);
  if (isOwnName(hostname)) return rules.allows("127.0.0.1", "https:") ? undefined : notAllowed;
  const isName = isIP(hostname.replace(/^\[|\]$/g, "")) === 0;
  return isName && protocol === "http:" && !rules.someOther ? secureOnly : undefined;
}

function wrongRequest(rules: AddressRules, text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "https:" && url?.protocol !== "http:") return secureOnly;
  if (url.username !== "" || url.password !== "") return "must not contain a user or a password";
  if (url.protocol === "http:" && !rules.somePrivate) return secureOnly;
  const address = url.hostname.replace(/^\[|\]$/g, "");
  if (isIP(address) === 0 || rules.allows(address, url.protocol)) return undefined;
  return rules.allows(address, "https:") ? notByHttp : notAllowed;
}

const secureOnly = "must be an https URL";
const notByHttp =
  "must be an https URL, unless it leads to a private address that the server's settings allow";

/** Looks names up as the system does, and leaves out the addresses that must not be connected to. */
function checkedLookup(rules: AddressRules, protocol: "http:" | "https:"): LookupFunction {
  return (hostname, options, callback) => {
    const answer = callback as (
      error: Error | null,
      found: string | LookupAddress[],
      family?: number,
    ) => void;
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error !== null) return answer(error, []);
      const allowed = found.filter(({ address }) => rules.allows(address, protocol));
      const [first] = allowed;
      if (first === undefined) {
        const what = found.some(({ address }) => rules.allows(address, "https:")) ? notByHttp : notAllowed;
        return answer(new OutboundError("forbidden", `${hostname} ${what}`), []);
      }
      return options.all ? answer(null, allowed) : answer(null, first.address, first.family);
    });
  };
}

/** A kept connection had ended when it was used again. */
class StaleConnection extends Error {}

/** One request without redirects. */
async function once(means: Means, url: HttpUrl, request: Aimed): Promise<Response> {
  if (request.method === "POST") return send(means, url, request, means.single);
  try {
    return await send(means, url, request, means.kept);
  } catch (error) {
    if (!(error instanceof StaleConnection)) throw error;
    return send(means, url, request, means.single);
  }
}

async function send(means: Means, url: HttpUrl, request: Aimed, agents: Agents): Promise<Response> {
  const { method = "GET", headers = {}, body, largest = 2 ** 20, ending } = request;
  const makeRequest = url.protocol === "https:" ? https().request : http.request;
  const connectingTimer = setTimeout(() => ending.abort(), means.connectMs);
  try {
    const incoming = await new Promise<IncomingMessage>((resolve, reject) => {
      const outgoing = makeRequest(url, {
        method,
        headers: {
          ...headers,
          "user-agent": means.userAgent,
          "accept-encoding": "identity",
          ...(body !== undefined && { "content-length": Buffer.byteLength(body) }),
        },
        agent: agents[url.protocol],
        lookup: means.lookup[url.protocol],
        signal: ending.signal,
      });
      const connected = url.protocol === "https:" ? "secureConnect" : "connect";
      outgoing.once("socket", (socket) => {
        if (outgoing.reusedSocket) clearTimeout(connectingTimer);
        else socket.once(connected, () => clearTimeout(connectingTimer));
      });
      outgoing.once("error", (error) =>
        reject(outgoing.reusedSocket && !ending.signal.aborted ? new StaleConnection() : error),
      );
      outgoing.once("response", resolve);
      outgoing.end(body);
    });
    return await wholeAnswer(incoming, url, largest);
  } catch (error) {
    throw ending.signal.aborted
      ? new OutboundError("late", `${url.host} does not answer in time`)
      : outboundError(url, error);
  } finally {
    clearTimeout(connectingTimer);
  }
}

async function wholeAnswer(incoming: IncomingMessage, url: URL, largest: number): Promise<Response> {
  const tooLarge = () => new OutboundError("too large", `${url.host} answers more than ${largest} bytes`);
  const chunks: Buffer[] = [];
  let size = 0;
  // Leaving the loop ends the connection.
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > largest) throw tooLarge();
    chunks.push(chunk);
  }
  const { statusCode: status = 0 } = incoming;
  if (status < 200 || status > 599)
    throw new OutboundError("unreachable", `${url.host} answers with the status ${status}`);
  const headers = new Headers();
  for (const [name, values] of Object.entries(incoming.headersDistinct))
    for (const value of values ?? []) headers.append(name, value);
  if ((headers.get("content-encoding") ?? "identity") !== "identity")
    throw new OutboundError("unreachable", `${url.host} compresses its answer without having been asked to`);
  const isEmpty = status === 204 || status === 205 || status === 304;
  return new Response(isEmpty ? null : Buffer.concat(chunks), { status, headers });
}

function outboundError(url: URL, error: unknown): OutboundError | StaleConnection {
  if (error instanceof OutboundError || error instanceof StaleConnection) return error;
  const { code = "" } = error as { readonly code?: string };
  if (code === "HPE_HEADER_OVERFLOW")
    return new OutboundError("too large", `${url.host} answers too many headers`);
  return new OutboundError("unreachable", `${url.host} cannot be reached: ${code || "no answer"}`);
}
