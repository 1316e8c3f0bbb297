/** Makes the Ctx of an HTTP request: its time, an id, and the client's address behind trusted proxies. */
import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { App, Ctx } from "../app.ts";
import { partOf } from "../config/workers.ts";
import { createHttpDate } from "../lib/http-date.ts";
import { networkOf } from "../lib/network.ts";
import { refuse } from "../wire/refuse.ts";
import type { Admission } from "./admission.ts";
import { type Bodies, createBodies } from "./body.ts";
import type { Proxies } from "./client-address.ts";
import { holdings } from "./holdings.ts";
import { createLineBudget, type LineBudget } from "./log-lines.ts";
import type { MonotonicClock } from "./monotonic.ts";
import type { Turns } from "./turns.ts";

/** What the http rooms need from the server. */
export interface Serving {
  readonly app: App;
  readonly admission: Admission;
  readonly turns: Turns;
  readonly bodies: Bodies;
  readonly lines: LineBudget;
  /** Aborted when the server begins to stop: a request that waits for something is answered now. */
  readonly stopping: AbortSignal;
  context(incoming: IncomingMessage): Ctx;
  /** The client's network, which shares are counted by. */
  network(incoming: IncomingMessage): string;
  /** Whether the connection comes from this machine or from a trusted proxy. */
  isNear(incoming: IncomingMessage): boolean;
  /** Whether the client used TLS; undefined if a trusted proxy is in between and does not say. */
  isSecure(incoming: IncomingMessage): boolean | undefined;
  /** An HTTP date. @param now epoch milliseconds */
  httpDate(now: number): string;
  /** Stops the timers. */
  close(): void;
}

export interface ServingOptions {
  readonly admission: Admission;
  readonly turns: Turns;
  readonly proxies: Proxies;
  readonly clock: MonotonicClock;
  readonly stopping: AbortSignal;
}

export function createServing(
  app: App,
  { admission, turns, proxies, clock, stopping }: ServingOptions,
): Serving {
  const bodies = createBodies(app.config.limits["body-bytes"], clock);
  const { lines: allowed } = holdings.logLines.limit;
  const lines = createLineBudget(app.log, clock, partOf(allowed, app.config.worker));
  return {
    app,
    admission,
    turns,
    bodies,
    lines,
    stopping,
    context(incoming) {
      const requestId = randomUUID();
      const address = proxies.clientAddress(incoming);
      return createCtx(app, {
        requestId,
        address,
        userAgent: incoming.headers["user-agent"],
        isSecure: () => proxies.isSecure(incoming),
        lines,
      });
    },
    network: (incoming) => networkOf(proxies.clientAddress(incoming)),
    isSecure: (incoming) => proxies.isSecure(incoming),
    isNear: ({ socket }) => proxies.isNear(socket.remoteAddress),
    httpDate: createHttpDate(),
    close: () => {
      bodies.close();
      lines.close();
    },
  };
}

/** A context for one request, or for one run of a worker. */
export function createCtx(
  app: App,
  request: Pick<Ctx, "requestId" | "address" | "userAgent"> &
    Partial<Pick<Ctx, "isSecure">> & {
      /** Limits the log lines of a request from outside. */
      readonly lines?: LineBudget;
    },
): Ctx {
  let log: Ctx["log"] | undefined;
  const { requestId, lines } = request;
  const network = networkOf(request.address);
  return {
    app,
    config: app.config,
    db: app.db,
    random: app.random,
    // Created on first use: few requests log anything.
    get log() {
      log ??= lines?.of(requestId, network) ?? app.log.child({ requestId });
      return log;
    },
    now: app.clock(),
    requestId,
    address: request.address,
    network,
    userAddress: request.address,
    userAgent: request.userAgent,
    isSecure: request.isSecure ?? (() => undefined),
    admin: false,
    authorize: nobody,
  };
}

/** Only administrators have a policy that could grant a permission. */
async function nobody(permission: string): Promise<never> {
  return refuse(
    "AccessDeniedException",
    `Only administrators can have the permission poolhouse:${permission}.`,
  );
}
