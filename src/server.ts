/** THE composition root: config -> App -> http -> listen; closes in reverse. */
import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { join } from "node:path";
import { getRequestListener, type HttpBindings } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { Hono } from "hono";
import type { Logger } from "pino";
import type { App } from "./app.ts";
import { type Config, listensOnLoopback, servesThisMachine } from "./config/config.ts";
import { hourlyShares } from "./domain/audit/event-shares.ts";
import { startTrail } from "./domain/audit/trail.ts";
import { createPasswordHasher } from "./domain/credentials/hash-queue.ts";
import { createSrpExchanger } from "./domain/credentials/srp-exchanger.ts";
import { type CreatedKey, ensureRootKey } from "./domain/iam/access-keys.ts";
import { startUseWriter } from "./domain/iam/key-uses.ts";
import { startOutboxWorker } from "./domain/messages/deliver.ts";
import { createAdmission } from "./http/admission.ts";
import { awsJsonRoutes } from "./http/aws-json/routes.ts";
import { createProxies } from "./http/client-address.ts";
import { createServing, type Serving, type ServingOptions } from "./http/context.ts";
import { asksElsewhere, type CrowdGuard, createCrowdGuard } from "./http/crowd.ts";
import { type Door, type Listener, openDoor } from "./http/door.ts";
import { guarded } from "./http/headers.ts";
import { answersHealth, healthRoutes } from "./http/health.ts";
import { holdings } from "./http/holdings.ts";
import { crowdedPage } from "./http/hosted-ui/crowded.ts";
import { hostedRoutes } from "./http/hosted-ui/routes.ts";
import { createHostCheck } from "./http/hosts.ts";
import { inboxRoutes } from "./http/inbox/routes.ts";
import { type CountedMetrics, createMetrics, metricsRoutes, observeFront } from "./http/metrics.ts";
import { type MonotonicClock, machineClock } from "./http/monotonic.ts";
import { discoveryRoutes } from "./http/oauth/discovery.ts";
import { oauthRoutes } from "./http/oauth/routes.ts";
import { atDomain, type Bindings } from "./http/place.ts";
import { tlsAskRoutes } from "./http/tls-ask.ts";
import { Turns } from "./http/turns.ts";
import { inboxMailbox, type Mailbox, noMailbox } from "./integrations/mailbox.ts";
import { smtpMailbox } from "./integrations/smtp.ts";
import { type CertificateSource, certificateSource } from "./integrations/tls.ts";
import { BoundedMap } from "./lib/bounded-map.ts";
import { LatestIds } from "./lib/latest-ids.ts";
import { networkOf } from "./lib/network.ts";
import { type AuditEvent, insertAuditEvents } from "./store/audit.ts";
import { type AuthEventOfUser, writeAuthEvents } from "./store/auth-events.ts";
import type { Db } from "./store/db.ts";
import { type OpenedDatabase, openDatabase } from "./store/open.ts";
import { sharePublicUrl } from "./store/public-url.ts";
import { startKeyRefresh } from "./store/rotation/refresh-keys.ts";
import { startSweeper } from "./store/sweep.ts";

export interface RunningServer {
  readonly app: App;
  readonly url: string;
  /** File of the authority that signed the certificate of `--tls dev`: who connects by https must trust it. */
  readonly authority: string | undefined;
  /** Present when this start made the root key; shown once. */
  readonly rootKey: CreatedKey | undefined;
  /** Stops accepting, lets running requests finish, then closes everything. */
  close(): Promise<void>;
}

export interface ServerOptions {
  readonly log: Logger;
  /** Tests set the clock. Epoch milliseconds. */
  readonly clock?: () => number;
  /** Tests, which share their thread with the server, set how late that is, and what takes too long. */
  readonly monotonic?: MonotonicClock;
  /** Nobody else's code runs here, so node-server may put its lighter Request and Response in place of the global ones. */
  readonly ownsProcess?: boolean;
}

/** Sign-ins that wait of which it is known whose they are. */
const waitingTracked = 2 ** 16;
/** How many parsed documents and imported keys are kept. */
const cacheSize = 10_000;

export async function startServer(config: Config, options: ServerOptions): Promise<RunningServer> {
  const clock = options.clock ?? Date.now;
  const random = (bytes: number) => randomBytes(bytes);
  // Listening comes first, so that --port 0 is known before anything is built from the public URL.
  const certificate =
    config.tls === undefined ? undefined : await certificateFor(config, config.tls, clock());
  const front = await openFront(config, certificate, options.monotonic);
  const { door } = front;
  const bound = withPorts(config, door);
  let opened: OpenedDatabase | undefined;
  try {
    opened = await openDatabase({
      url: bound.database,
      masterKey: bound.masterKey,
      previousMasterKey: bound.previousMasterKey,
      secretsFolder: join(bound.data, "secrets"),
      log: options.log,
      now: clock,
      random,
    });
    const { publicUrl: url, publicUrlConfigured } = bound;
    await sharePublicUrl(opened.db, { url, guessed: !publicUrlConfigured && !listensOnLoopback(bound) });
    const metrics = createMetrics();
    const { db } = opened;
    const trails = startTrails(options.log, db, bound);
    const app = await newApp(bound, { db, log: options.log, clock, random, metrics, ...trails });
    const rootKey = await ensureRootKey(app, configuredRootKey(bound));
    const workers = startWorkers(app, opened);
    const { leave: leaveDatabase, close: closeDatabase } = opened;
    const serving = createServing(app, front);
    observeFront(metrics, { bodies: serving.bodies, connections: door.connections });
    door.serve(
      listenerOf(serving, { metrics, ready: opened.ping, ownsProcess: options.ownsProcess === true }),
    );
    return {
      app,
      url: bound.publicUrl,
      authority: certificate?.authority,
      rootKey,
      close: async () => {
        const left = leaveDatabase();
        await front.close();
        serving.close();
        await trails.audit.stop();
        await trails.authEvents.stop();
        await workers.stop();
        await app.srp.close();
        await left;
        await closeDatabase();
      },
    };
  } catch (error) {
    await front.close();
    await opened?.close();
    throw error;
  }
}

/** What stands before everything else: who comes in, from where, and whether they must wait. */
async function openFront(
  config: Config,
  certificate: CertificateSource | undefined,
  clock: MonotonicClock = machineClock,
): Promise<ServingOptions & { readonly door: Door; close(): Promise<void> }> {
  const proxies = createProxies(config.trustedProxies);
  const turns = new Turns(clock);
  const admission = createAdmission(clock, {
    longestWait: () => turns.longestWait(),
    trusts: proxies.trusts,
  });
  const mayAsk = ({ remoteAddress }: Socket) =>
    proxies.trusts(remoteAddress) || admission.admits(networkOf(remoteAddress ?? ""));
  const { limits } = config;
  const door = await openDoor(config, certificate, {
    limits,
    proxies,
    clock,
    mayAsk,
    accepted: () => turns.accepted(),
  });
  const close = async () => {
    await door.close();
    admission.close();
  };
  return { proxies, admission, turns, clock, door, close };
}

/** What is written down without anybody waiting for it. */
function startTrails(log: Logger, db: Db, { limits }: Config) {
  const audit = (events: readonly AuditEvent[]) => insertAuditEvents(db, events);
  const ofSignIns = (events: readonly AuthEventOfUser[]) => writeAuthEvents(db, events);
  return {
    audit: startTrail(log, "audit events", audit),
    authEvents: startTrail(log, "sign-in events", ofSignIns, hourlyShares(limits["sign-in-events"])),
  };
}

type Given = Pick<App, "db" | "log" | "clock" | "random" | "metrics" | "audit" | "authEvents">;

/** The App of these settings and this database. It serves nobody by itself; who made it closes `srp` and `mailbox`. */
export async function newApp(config: Config, given: Given): Promise<App> {
  return {
    config,
    ...given,
    passwordHasher: await createPasswordHasher({
      concurrency: config.hashConcurrency,
      capacity: config.hashConcurrency * holdings.hashes.limit.each,
    }),
    srp: createSrpExchanger({
      concurrency: config.hashConcurrency,
      capacity: config.hashConcurrency * holdings.exchanges.limit.each,
    }),
    mailbox: mailboxOf(config),
    waitingSignIns: new LatestIds(waitingTracked),
    caches: {
      pools: new BoundedMap(cacheSize),
      clients: new BoundedMap(cacheSize),
      resourceServers: new BoundedMap(cacheSize),
      signingKeys: new BoundedMap(cacheSize),
      keyUses: new BoundedMap(cacheSize),
      verifiedTokens: new BoundedMap(cacheSize),
    },
  };
}

/** What a server does without being asked. */
function startWorkers(app: App, opened: OpenedDatabase): { stop(): Promise<void> } {
  const { clock, log, config } = app;
  const outbox = startOutboxWorker(app);
  const retention = { audit: config.auditRetentionDays, auth: config.authEventRetentionDays };
  const sweeper = startSweeper(app.db, { clock, log, retention });
  const refresh = startKeyRefresh(opened, log);
  const uses = startUseWriter(app);
  return {
    stop: async () => {
      await sweeper.stop();
      await Promise.all([outbox.stop(), app.mailbox.close()]);
      await refresh.stop();
      await uses.stop();
    },
  };
}

/** With a sender there is no inbox; without one there is, where nobody else can look into it. */
function mailboxOf(config: Config): Mailbox {
  if (config.smtp !== undefined) return smtpMailbox(config.smtp);
  return servesThisMachine(config) ? inboxMailbox() : noMailbox();
}

function certificateFor(config: Config, tls: string, now: number): Promise<CertificateSource> {
  const host = new URL(config.publicUrl).hostname.replace(/^\[|\]$/g, "");
  const names = new Set([
    "localhost",
    host,
    ...(config.authDomain ? [`*.${config.authDomain}`] : []),
    ...config.extraHosts,
    "127.0.0.1",
    "::1",
  ]);
  return certificateSource({ tls, folder: join(config.data, "secrets", "tls"), names: [...names], now });
}

const nothingHere = { message: "There is nothing here." };

interface Listening {
  readonly metrics: CountedMetrics;
  readonly ready: () => Promise<void>;
  readonly ownsProcess: boolean;
}

/** What answers each request: whether it is let in, then the routes. */
function listenerOf(serving: Serving, { metrics, ready, ownsProcess }: Listening): Listener {
  const guard = createCrowdGuard(serving, crowdedPage);
  const { fetch } = routes(serving, guard, metrics, ready);
  const listener = getRequestListener(fetch, { overrideGlobalObjects: ownsProcess });
  return (incoming, outgoing) => {
    if (answersHealth(serving, incoming, outgoing)) return;
    serving.turns.take({
      incoming,
      address: () => serving.network(incoming),
      answer: () => {
        if (asksElsewhere(incoming) || !guard.refuses(incoming, outgoing)) void listener(incoming, outgoing);
      },
      refuse: () => guard.refuse(incoming, outgoing),
    });
  };
}

/** Every route there is. */
function routes(
  serving: Serving,
  guard: CrowdGuard,
  metrics: CountedMetrics,
  ready: () => Promise<void>,
): Hono<{ Bindings: HttpBindings }> {
  const { app } = serving;
  const knowsHost = createHostCheck(app.config);
  const all = new Hono<{ Bindings: HttpBindings }>();
  all.route("/", healthRoutes(ready));
  all.route("/", metricsRoutes(app, metrics));
  all.route("/", tlsAskRoutes(serving));
  const ofPools = new Hono<Bindings>();
  ofPools.use(guarded);
  ofPools.use((c, next) => {
    const exchange = c.env;
    exchange.readBody = (limit) => serving.bodies.read(exchange, serving.network(exchange.incoming), limit);
    return next();
  });
  ofPools.route("/", discoveryRoutes(serving));
  ofPools.route("/", oauthRoutes(serving));
  ofPools.route("/", hostedRoutes(serving));
  ofPools.notFound((c) => c.json(nothingHere, 404));
  all.use(async (c, next) => {
    if (knowsHost(c.req.header("host"))) return next();
    const { incoming, outgoing } = c.env;
    // What might have been a call is none at this host.
    if (asksElsewhere(incoming) && guard.refuses(incoming, outgoing)) return RESPONSE_ALREADY_SENT;
    const answer = await atDomain(serving.context(c.env.incoming), c, ofPools);
    if (answer !== undefined) return answer;
    return c.json(
      { message: "This server does not answer to that host name. Set POOLHOUSE_PUBLIC_URL." },
      421,
    );
  });
  all.route("/", awsJsonRoutes(serving));
  all.route("/", ofPools);
  if (app.mailbox.kind === "inbox") all.route("/", inboxRoutes(app));
  all.notFound((c) => c.json(nothingHere, 404));
  all.onError((error, c) => {
    serving.context(c.env.incoming).log.error({ err: error }, "internal error");
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

/** Ports that were bound take the place of 0, also in a public URL that was derived from them. */
function withPorts(config: Config, { port, httpsPort }: Door): Config {
  const publicUrl = config.publicUrl.replace(/:0$/, `:${httpsPort ?? port}`);
  return Object.freeze({ ...config, port, ...(httpsPort !== undefined && { httpsPort }), publicUrl });
}
