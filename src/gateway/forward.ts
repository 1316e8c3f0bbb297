/** Passes requests on to applications: streaming both ways, WebSockets, server-sent events. */
import type { ClientRequest, IncomingMessage, ServerResponse } from "node:http";
import { createProxyServer } from "httpxy";
import type { Gateway } from "./gateway.ts";
import type { Log } from "./log.ts";
import { answerRefused } from "./refused.ts";
import { goOn, send } from "./send.ts";
import { type Passing, translateAnswer, translateRequest } from "./translate.ts";
import { endIdleUpload, Upstream } from "./upstream.ts";
import { WebSockets } from "./websockets.ts";

interface PassingOn extends Passing {
  readonly outgoing: ServerResponse;
}

/** A request under way. */
interface Running extends PassingOn {
  request: ClientRequest | undefined;
  isTooLate: boolean;
}

/** How long an application may take to begin its answer. Milliseconds. */
const patience = 120_000;

interface ForwarderOptions {
  /** How often open WebSockets are looked at. Milliseconds. */
  readonly lookEvery: number;
  /** How long a body may not go on. Milliseconds. */
  readonly uploadIdle: number;
}

export class Forwarder {
  readonly webSockets: WebSockets;
  readonly #gateway: Gateway;
  readonly #log: Log;
  readonly #options: ForwarderOptions;
  readonly #proxy = createProxyServer({
    ...{ proxyTimeout: patience, upgradeTimeout: patience, selfHandleResponse: true, xfwd: false },
  });
  /** By the `upstream` of an application. */
  readonly #targets: ReadonlyMap<string, Upstream>;
  readonly #running = new WeakMap<IncomingMessage, Running>();

  constructor(gateway: Gateway, log: Log, options: ForwarderOptions) {
    this.#gateway = gateway;
    this.#log = log;
    this.#options = options;
    const { applications, upstreams } = gateway.settings;
    const origins = new Set(applications.flatMap(({ upstream }) => upstream ?? []));
    this.#targets = new Map([...origins].map((one) => [one, new Upstream(one, upstreams)]));
    const proxy = this.#proxy;
    proxy.on("proxyReq", (request, incoming) => this.#watch(request, incoming));
    proxy.on("proxyRes", (response, incoming) => {
      const one = this.#running.get(incoming);
      if (one !== undefined) this.#answer(one, response);
    });
    this.webSockets = new WebSockets(gateway, log, {
      ...{ proxy, targets: this.#targets, lookEvery: options.lookEvery },
    });
  }

  /** Never rejects: the client is told what went wrong. */
  async forward(passing: PassingOn): Promise<void> {
    const { incoming, outgoing, received, decision } = passing;
    const target = this.#targets.get(decision.application.upstream ?? "");
    if (target === undefined)
      return send(incoming, outgoing, answerRefused(received, { status: 404, reason: "not-passed-on" }));
    if ((await target.take(outgoing)) === undefined) {
      if (!outgoing.destroyed)
        await send(incoming, outgoing, answerRefused(received, { status: 503, reason: "busy" }));
      return;
    }
    goOn(incoming, outgoing);
    endIdleUpload(incoming, outgoing, this.#options.uploadIdle);
    await translateRequest(this.#gateway, passing);
    // Nobody waits for it any more.
    if (outgoing.destroyed) return;
    const to = { target: target.target, agent: target.agent };
    const one: Running = { ...passing, request: undefined, isTooLate: false };
    this.#running.set(incoming, one);
    try {
      await this.#proxy.web(incoming, outgoing, to);
    } catch (error) {
      if (!mayRepeat(one, error)) return this.#fail(one, error);
      await this.#proxy.web(incoming, outgoing, to).catch((again: unknown) => this.#fail(one, again));
    }
  }

  /** Closes the connections to applications that are kept for later requests. */
  close(): void {
    for (const target of this.#targets.values()) target.close();
  }

  #watch(request: ClientRequest, incoming: IncomingMessage): void {
    const one = this.#running.get(incoming);
    if (one === undefined) return;
    one.request = request;
    request.once("timeout", () => {
      one.isTooLate = true;
    });
    // Node would say nothing of a change of protocol that nobody has asked for.
    request.once("upgrade", (_response, socket) => {
      socket.destroy();
      void this.#fail(one, new Error("it switches protocols unasked"));
    });
  }

  #answer(one: Running, response: IncomingMessage): void {
    const { outgoing } = one;
    // From here on it may take its time: server-sent events, large files.
    response.socket.setTimeout(0);
    try {
      const headers = translateAnswer(this.#gateway, this.#log, response, one);
      outgoing.writeHead(response.statusCode!, response.statusMessage, headers);
    } catch (error) {
      // What Node reads it does not always write.
      response.destroy();
      void this.#fail(one, error);
      return;
    }
    response.pipe(outgoing);
    // The first bytes may take a while: whoever waits for events learns that they will come.
    if (response.headers["content-length"] !== undefined) return;
    let hasBegun = false;
    response.once("data", () => {
      hasBegun = true;
    });
    setImmediate(() => hasBegun || outgoing.writableEnded || outgoing.flushHeaders());
  }

  async #fail({ incoming, outgoing, received, isTooLate }: Running, error: unknown): Promise<void> {
    this.#log.warn(
      { event: "application-away", detail: String(error), host: received.host },
      "An application does not answer.",
    );
    if (outgoing.headersSent) {
      outgoing.destroy();
      return;
    }
    const refused = { status: isTooLate ? 504 : 502, reason: "application-away" } as const;
    await send(incoming, outgoing, answerRefused(received, refused));
  }
}

/** Whether an application that closed a kept connection just then has not seen the request. */
function mayRepeat({ request, incoming, outgoing }: Running, error: unknown): boolean {
  const { method, headers } = incoming;
  if (request?.reusedSocket !== true || outgoing.headersSent || outgoing.destroyed) return false;
  if ((error as NodeJS.ErrnoException).code !== "ECONNRESET") return false;
  const isBare = headers["content-length"] === undefined && headers["transfer-encoding"] === undefined;
  return isBare && (method === "GET" || method === "HEAD");
}
