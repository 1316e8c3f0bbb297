/** THE composition root: config -> App -> http -> listen; closes in reverse. */
import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, Server as NetServer, type Socket } from "node:net";
import { join } from "node:path";
import { getRequestListener, type HttpBindings } from "@hono/node-server";
import { Hono } from "hono";
import type { Logger } from "pino";
import type { App } from "./app.ts";
import { type Config, listensOnLoopback } from "./config/config.ts";
import { createFairQueue, createPasswordHasher } from "./domain/credentials/hash-queue.ts";
import { type CreatedKey, ensureRootKey } from "./domain/iam/access-keys.ts";
import { startOutboxWorker } from "./domain/messages/deliver.ts";
import { awsJsonRoutes } from "./http/aws-json/routes.ts";
import { createServing } from "./http/context.ts";
import { healthRoutes } from "./http/health.ts";
import { createHostCheck } from "./http/hosts.ts";
import { inboxRoutes } from "./http/inbox/routes.ts";
import { discoveryRoutes } from "./http/oauth/discovery.ts";
import { inboxMailbox, noMailbox } from "./integrations/mailbox.ts";
import { BoundedMap } from "./lib/bounded-map.ts";
import { type OpenedDatabase, openDatabase } from "./store/open.ts";
import { sharePublicUrl } from "./store/public-url.ts";
import { startSweeper } from "./store/sweep.ts";

export interface RunningServer {
  readonly app: App;
  readonly url: string;
  /** Present when this start made the root key; shown once. */
  readonly rootKey: CreatedKey | undefined;
  /** Stops accepting, lets running requests finish, then closes everything. */
  close(): Promise<void>;
}

export interface ServerOptions {
  readonly log: Logger;
  /** Tests set the clock. Epoch milliseconds. */
  readonly clock?: () => number;
}

/** How many parsed documents and imported keys are kept. */
const cacheSize = 10_000;
/** Callers that may wait for a password hash. */
const hashCapacity = 512;
/** SRP exchanges at once: the greater part of one runs on this thread, so more would only wait in each other. */
const exchangeConcurrency = 2;
const exchangeCapacity = 128;
/** How long running requests may take to finish on close. Milliseconds. */
const drainTime = 10_000;
/** How long an open connection may still ask something on close, before it is taken for silent. Milliseconds. */
const silentTime = 500;

export async function startServer(config: Config, options: ServerOptions): Promise<RunningServer> {
  const clock = options.clock ?? Date.now;
  const random = (bytes: number) => randomBytes(bytes);
  // Listening comes first, so that --port 0 is known before anything is built from the public URL.
  const door = await listen(config);
  const bound = withPort(config, door.port);
  let opened: OpenedDatabase | undefined;
  try {
    opened = await openDatabase({
      url: bound.database,
      masterKey: bound.masterKey,
      secretsFolder: join(bound.data, "secrets"),
      log: options.log,
      now: clock,
      random,
    });
    const { publicUrl: url, publicUrlConfigured } = bound;
    await sharePublicUrl(opened.db, { url, guessed: !publicUrlConfigured && !listensOnLoopback(bound) });
    const app: App = {
      config: bound,
      db: opened.db,
      log: options.log,
      clock,
      random,
      passwordHasher: await createPasswordHasher({
        concurrency: bound.hashConcurrency,
        capacity: hashCapacity,
      }),
      exchangeTurn: createFairQueue({ concurrency: exchangeConcurrency, capacity: exchangeCapacity }),
      mailbox: listensOnLoopback(bound) ? inboxMailbox() : noMailbox(),
      caches: {
        pools: new BoundedMap(cacheSize),
        clients: new BoundedMap(cacheSize),
        signingKeys: new BoundedMap(cacheSize),
      },
    };
    const rootKey = await ensureRootKey(app, configuredRootKey(bound));
    const outbox = startOutboxWorker(app);
    const sweeper = startSweeper(app.db, { clock, log: options.log });
    const { close: closeDatabase } = opened;
    door.serve(getRequestListener(routes(app, opened.ping).fetch, { overrideGlobalObjects: false }));
    return {
      app,
      url: bound.publicUrl,
      rootKey,
      close: async () => {
        await door.close();
        await sweeper.stop();
        await outbox.stop();
        await closeDatabase();
      },
    };
  } catch (error) {
    await door.close();
    await opened?.close();
    throw error;
  }
}

/** Every route there is. */
function routes(app: App, ready: () => Promise<void>): Hono<{ Bindings: HttpBindings }> {
  const serving = createServing(app);
  const knowsHost = createHostCheck(app.config);
  const all = new Hono<{ Bindings: HttpBindings }>();
  all.route("/", healthRoutes(ready));
  all.use(async (c, next) => {
    if (knowsHost(c.req.header("host"))) return next();
    return c.json(
      { message: "This server does not answer to that host name. Set POOLHOUSE_PUBLIC_URL." },
      421,
    );
  });
  all.route("/", awsJsonRoutes(serving));
  all.route("/", discoveryRoutes(serving));
  if (app.mailbox.kind === "inbox") all.route("/", inboxRoutes(app));
  all.notFound((c) => c.json({ message: "There is nothing here." }, 404));
  all.onError((error, c) => {
    app.log.error({ err: error }, "internal error");
    return c.json({ message: "Internal error." }, 500);
  });
  return all;
}

function configuredRootKey(config: Config): CreatedKey | undefined {
  const { rootAccessKeyId: accessKeyId, rootSecretAccessKey: secretAccessKey } = config;
  return accessKeyId !== undefined && secretAccessKey !== undefined
    ? { accessKeyId, secretAccessKey }
    : undefined;
}

/** The port that was bound takes the place of 0, also in a public URL that was derived from it. */
function withPort(config: Config, port: number): Config {
  if (config.port !== 0) return config;
  return Object.freeze({ ...config, port, publicUrl: config.publicUrl.replace(/:0$/, `:${port}`) });
}

type Listener = (request: IncomingMessage, response: ServerResponse) => void;

interface Door {
  readonly port: number;
  /** From now on this answers; before, everything is 503 but /healthz. */
  serve(listener: Listener): void;
  close(): Promise<void>;
}

/** Milliseconds. Node looks for what is overdue only every so often, so that is set as well. */
const timeouts = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 65_000,
  connectionsCheckingInterval: 2_000,
};

async function listen(config: Config): Promise<Door> {
  let listener: Listener = (request, response) => notYetServing(request, response, "starting");
  /** Connections that have asked nothing yet: browsers open some in advance. */
  const unused = new Set<Socket>();
  let draining = false;
  const server = createServer(timeouts, (request, response) => {
    unused.delete(request.socket);
    if (draining) response.setHeader("connection", "close");
    if (draining && request.url === "/readyz") notYetServing(request, response, "stopping");
    else listener(request, response);
  });
  server.on("connection", (socket) => {
    unused.add(socket);
    socket.once("close", () => unused.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(config.port, config.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    serve: (next) => {
      listener = next;
    },
    close: () => {
      draining = true;
      return drain(server, unused);
    },
  };
}

function notYetServing(request: IncomingMessage, response: ServerResponse, status: string): void {
  response.writeHead(request.url === "/healthz" ? 200 : 503, { "content-type": "application/json" });
  response.end(JSON.stringify({ status }));
}

/**
 * Stops listening, and lets go of connections one by one: a question that is on its way on a kept-alive connection is
 * answered, with `connection: close`, so that no client finds its connection gone in the middle of a call. (The close
 * of http.Server, unlike that of net.Server, ends idle connections at once.)
 */
function drain(server: Server, unused: ReadonlySet<Socket>): Promise<void> {
  return new Promise((resolve) => {
    let idle: NodeJS.Timeout | undefined;
    const force = setTimeout(() => server.closeAllConnections(), drainTime);
    const silent = setTimeout(() => {
      for (const socket of unused) socket.destroy();
      server.close();
      // A kept-alive connection becomes idle when its answer is out; one that asked nothing never counts as idle.
      idle = setInterval(() => server.closeIdleConnections(), 50);
    }, silentTime);
    NetServer.prototype.close.call(server, () => {
      for (const timer of [force, idle, silent]) clearTimeout(timer);
      resolve();
    });
  });
}
