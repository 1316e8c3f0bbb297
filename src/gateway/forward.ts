/** Passes requests on to applications: streaming both ways, WebSockets, server-sent events. */
import type { ClientRequest, IncomingMessage, ServerResponse } from "node:http";
import type { Gateway } from "./gateway.ts";
import { inTurns } from "./headers.ts";
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
  readonly upstream: Upstream;
  readonly headers: readonly (string | readonly string[])[];
  readonly hasBody: boolean;
  /** Whether it was asked a second time. */
  readonly isRepeated: boolean;
}

export interface ForwarderOptions {
  /** How long an application may take to begin its answer once it has the request. Milliseconds. */
  readonly patience: number;
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
  /** By the `upstream` of an application. */
  readonly #targets: ReadonlyMap<string, Upstream>;

  constructor(gateway: Gateway, log: Log, options: ForwarderOptions) {
    this.#gateway = gateway;
    this.#log = log;
    this.#options = options;
    const { applications, upstreams } = gateway.settings;
    const origins = new Set(applications.flatMap(({ upstream }) => upstream ?? []));
    this.#targets = new Map([...origins].map((one) => [one, new Upstream(one, upstreams)]));
    this.webSockets = new WebSockets(gateway, log, {
      ...{ targets: this.#targets, patience: options.patience, lookEvery: options.lookEvery },
    });
  }

  /** Never rejects: the client is told what went wrong. */
  async forward(passing: PassingOn): Promise<void> {
    const { incoming, outgoing, received, decision } = passing;
    const upstream = this.#targets.get(decision.application.upstream ?? "");
    if (upstream === undefined)
      return send(incoming, outgoing, answerRefused(received, { status: 404, reason: "not-passed-on" }));
    if ((await upstream.take(outgoing)) === undefined) {
      if (!outgoing.destroyed)
        await send(incoming, outgoing, answerRefused(received, { status: 503, reason: "busy" }));
      return;
    }
    goOn(incoming, outgoing);
    endIdleUpload(incoming, outgoing, this.#options.uploadIdle);
    const headers = await translateRequest(this.#gateway, passing);
    // Nobody waits for it any more.
    if (outgoing.destroyed) return;
    const hasBody = headers["transfer-encoding"] !== undefined || (headers["content-length"] ?? "0") !== "0";
    // What an application makes of chunks, unlike us, is in no other request.
    if (headers["transfer-encoding"] !== undefined) headers.connection = "close";
    this.#ask({ ...passing, upstream, headers: inTurns(headers), hasBody, isRepeated: false });
  }

  /** Closes the connections to applications that are kept for later requests. */
  close(): void {
    for (const target of this.#targets.values()) target.close();
  }

  #ask(one: Running): void {
    const { incoming, outgoing, received, upstream, headers, hasBody } = one;
    let request: ClientRequest;
    try {
      request = upstream.request({ method: received.method, path: received.target, headers });
    } catch (error) {
      void this.#fail(one, 502, error);
      return;
    }
    let isTooLate = false;
    let timer: NodeJS.Timeout | undefined = setTimeout(() => {
      // An upload that goes on has a limit of its own.
      if (hasBody && !incoming.readableEnded) return void timer?.refresh();
      isTooLate = true;
      request.destroy();
    }, this.#options.patience);
    const waitNoLonger = () => {
      clearTimeout(timer);
      timer = undefined;
    };
    outgoing.once("close", () => {
      if (!outgoing.writableFinished) request.destroy();
    });
    request.once("response", (response) => {
      // From here on it may take its time: server-sent events, large files.
      waitNoLonger();
      this.#answer(one, request, response);
    });
    // Node would say nothing of a change of protocol that nobody has asked for.
    request.once("upgrade", (_response, socket) => {
      waitNoLonger();
      socket.destroy();
      void this.#fail(one, 502, new Error("it switches protocols unasked"));
    });
    request.on("error", (error) => {
      waitNoLonger();
      // Nobody is there to be told.
      if (outgoing.destroyed) return;
      if (!isTooLate && mayRepeat(one, request, error)) this.#ask({ ...one, isRepeated: true });
      else void this.#fail(one, isTooLate ? 504 : 502, error);
    });
    if (hasBody) {
      incoming.once("end", () => timer?.refresh());
      incoming.pipe(request);
    } else request.end();
  }

  #answer(one: Running, request: ClientRequest, response: IncomingMessage): void {
    const { incoming, outgoing, hasBody } = one;
    try {
      const headers = translateAnswer(this.#gateway, this.#log, response, one);
      outgoing.writeHead(response.statusCode!, response.statusMessage, headers);
    } catch (error) {
      // What Node reads it does not always write.
      request.destroy();
      void this.#fail(one, 502, error);
      return;
    }
    response.once("close", () => {
      // It broke off, which the client is to see.
      if (!response.complete) outgoing.destroy();
    });
    if (hasBody)
      response.once("end", () => {
        if (request.writableFinished) return;
        // It did not wait for the whole upload.
        readOn(incoming);
        request.destroy();
      });
    response.pipe(outgoing);
    // The first bytes may take a while: whoever waits for events learns that they will come.
    if (response.headers["content-length"] !== undefined) return;
    let hasBegun = false;
    response.once("data", () => {
      hasBegun = true;
    });
    setImmediate(() => hasBegun || outgoing.writableEnded || outgoing.flushHeaders());
  }

  async #fail(one: Running, status: 502 | 504, error: unknown): Promise<void> {
    const { incoming, outgoing, received } = one;
    this.#log.warn(
      { event: "application-away", detail: String(error), host: received.host },
      "An application does not answer.",
    );
    if (outgoing.headersSent) {
      outgoing.destroy();
      return;
    }
    if (one.hasBody) readOn(incoming);
    await send(incoming, outgoing, answerRefused(received, { status, reason: "application-away" }));
  }
}

/** Reads the rest of an upload, which nobody gets any more: clients may look for the answer only then. */
function readOn(incoming: IncomingMessage): void {
  incoming.unpipe();
  incoming.resume();
}

/** Whether an application that closed a kept connection just then has not seen the request (RFC 9112 section 9.3.1). */
function mayRepeat(one: Running, request: ClientRequest, error: NodeJS.ErrnoException): boolean {
  const { received, outgoing, hasBody, isRepeated } = one;
  if (isRepeated || hasBody || !request.reusedSocket || outgoing.headersSent) return false;
  return ["ECONNRESET", "EPIPE"].includes(error.code ?? "") && ["GET", "HEAD"].includes(received.method);
}
