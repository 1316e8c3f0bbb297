/** THE composition root: config -> App -> http -> listen; closes in reverse order. */
import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { join } from "node:path";
import { getRequestListener, type HttpBindings } from "@hono/node-server";
import { Hono } from "hono";
import type { Logger } from "pino";
import type { App } from "./app.ts";
import { type Config, listensOnLoopback, servesThisMachine } from "./config/config.ts";
import { userAgent } from "./config/version.ts";
import { hourlyShares } from "./domain/audit/event-shares.ts";
import { startTrail } from "./domain/audit/trail.ts";
import { createPasswordHasher, type HashCost } from "./domain/credentials/hash-queue.ts";
import { createSrpExchanger } from "./domain/credentials/srp-exchanger.ts";
import { type BeforeStored, type CreatedKey, ensureRootKey } from "./domain/iam/access-keys.ts";
import { startUseWriter } from "./domain/iam/key-uses.ts";
import { startOutboxWorker } from "./domain/messages/worker.ts";
import { generateSigningPair } from "./domain/tokens/signing-keys.ts";
import { functionsOf } from "./domain/triggers/configured-functions.ts";
import { shareFunctionList } from "./domain/triggers/function-lists.ts";
import { createAdmission } from "./http/admission.ts";
import { awsJsonListener, preflightRoutes } from "./http/aws-json/routes.ts";
import { createProxies } from "./http/client-address.ts";
import { createServing, type Serving, type ServingOptions } from "./http/context.ts";
import { federationRoutes } from "./http/federation/routes.ts";
import { createFront } from "./http/front.ts";
import { guarded, overTls } from "./http/headers.ts";
import { healthRoutes } from "./http/health.ts";
import { holdings } from "./http/holdings.ts";
import { notFoundPage } from "./http/hosted-ui/not-found-page.ts";
import { overloadPage } from "./http/hosted-ui/overload-page.ts";
import { hostedRoutes } from "./http/hosted-ui/routes.ts";
import { createHostCheck } from "./http/hosts.ts";
import { inboxRoutes } from "./http/inbox/routes.ts";
import { kmsDoor } from "./http/kms/decrypt.ts";
import { isInvocation } from "./http/lambda/invocation.ts";
import { lambdaRoutes } from "./http/lambda/routes.ts";
import { type Listener, type ListeningServer, listen } from "./http/listen.ts";
import { type CountedMetrics, createMetrics, metricsRoutes, observeFront } from "./http/metrics.ts";
import { type MonotonicClock, machineClock } from "./http/monotonic.ts";
import { answerNothing, answerUnknownHost } from "./http/nothing-here.ts";
import { discoveryRoutes } from "./http/oauth/discovery.ts";
import { oauthDoor } from "./http/oauth/door.ts";
import { oauthRoutes } from "./http/oauth/routes.ts";
import { createOverloadGuard } from "./http/overload.ts";
import { atDomain, type Bindings } from "./http/place.ts";
import { PoolRouter } from "./http/pool-router.ts";
import { signingKeysDoor } from "./http/signing-keys/get-signing-key.ts";
import { identityDiscoveryRoutes } from "./http/sts/discovery.ts";
import { isQueryCall, stsListener } from "./http/sts/endpoint.ts";
import { tlsAskRoutes } from "./http/tls-ask.ts";
import { Turns } from "./http/turns.ts";
import { welcomeRoutes } from "./http/welcome/routes.ts";
import type { FunctionRegistry } from "./integrations/functions/registry.ts";
import { createOutbound } from "./integrations/outbound.ts";
import { inboxSender } from "./integrations/senders/sender.ts";
import { openSenders } from "./integrations/senders/senders.ts";
import { type CertificateSource, certificateSource } from "./integrations/tls.ts";
import { createUpstreamSts } from "./integrations/upstream-sts.ts";
import { Caches } from "./lib/caches.ts";
import { LatestIds } from "./lib/latest-ids.ts";
import { networkOf } from "./lib/network.ts";
import { type AuditEvent, insertAuditEvents } from "./store/audit.ts";
import { type AuthEventOfUser, writeAuthEvents } from "./store/auth-events.ts";
import type { Db } from "./store/db.ts";
import { makePrivateFolder } from "./store/engine/sqlite/file.ts";
import { type OpenedDatabase, type OpenOptions, openDatabase } from "./store/open.ts";
import { sharePublicUrl } from "./store/public-url.ts";
import { startKeyRefresh } from "./store/rotation/refresh-keys.ts";
import { startSweeper } from "./store/sweep.ts";

export interface RunningServer {
  readonly app: App;
  readonly url: string;
  /** Path of the certificate of the authority behind `--tls dev`, which https clients must trust. */
  readonly authority: string | undefined;
  /** Set if this start created the root key; it is shown only once. */
  readonly rootKey: CreatedKey | undefined;
  /** Stops accepting requests, lets running ones finish, then closes everything. */
  close(): Promise<void>;
}

export interface ServerOptions {
  readonly log: Logger;
  /** Called with the root key if this start creates one. Another server that starts meanwhile may store its own first. */
  readonly beforeRootKey?: BeforeStored;
  /** Epoch milliseconds; set by tests. */
  readonly clock?: () => number;
  /**
   * Set by tests, which share their thread with the server: how late the thread is, and when something takes too long.
   */
  readonly monotonic?: MonotonicClock;
  /** Set by tests, whose passwords protect nothing. */
  readonly hashCost?: HashCost;
  /** Set by tests, which have a supply of key pairs. */
  readonly newSigningPair?: App["newSigningPair"];
  /**
   * Whether nobody else's code runs in this process, so that node-server may replace the global Request and Response
   * with its lighter ones.
   */
  readonly ownsProcess?: boolean;
}

/** The number of waiting sign-ins that are tracked by user. */
const waitingTracked = 2 ** 16;

/** How long functions that send messages may still run once the server stops. Messages that are not sent then stay queued. */
const farewellMs = 10_000;

export async function startServer(config: Config, options: ServerOptions): Promise<RunningServer> {
  const clock = options.clock ?? Date.now;
  const random = (bytes: number) => randomBytes(bytes);
  // Listening comes first, so that the port chosen by --port 0 is known before anything is derived from the public URL.
  const certificate =
    config.tls === undefined ? undefined : await certificateFor(config, config.tls, clock());
  const front = await openFront(config, certificate, options);
  const { listening } = front;
  const bound = withPorts(config, listening);
  let opened: OpenedDatabase | undefined;
  let functions: FunctionRegistry | undefined;
  try {
    functions = await functionsOf(bound, { log: options.log, clock });
    await functions.check();
    opened = await openFor(bound, { log: options.log, now: clock, random });
    const { publicUrl: url, publicUrlConfigured } = bound;
    await sharePublicUrl(opened.db, { url, guessed: !publicUrlConfigured && !listensOnLoopback(bound) });
    const metrics = createMetrics();
    const { db, leave: leaveDatabase, close: closeDatabase } = opened;
    const trails = startTrails(options.log, db, bound);
    const given = { db, log: options.log, clock, random, metrics, functions, ...trails };
    const app = await newApp(bound, given, options);
    const rootKey = await ensureRootKey(app, configuredRootKey(bound), options.beforeRootKey);
    const list = await shareFunctionList(app);
    const workers = startWorkers(app, opened);
    const serving = createServing(app, front);
    observeFront(metrics, { bodies: serving.bodies, connections: listening.connections });
    listening.serve(
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
        const ending = setTimeout(() => void app.functions.close(), farewellMs);
        await workers.stop();
        clearTimeout(ending);
        await list.stop();
        await app.srp.close();
        await app.functions.close();
        await Promise.all([app.outbound.close(), app.upstreamSts?.close()]);
        await left;
        await closeDatabase();
      },
    };
  } catch (error) {
    await front.close();
    await functions?.close();
    await opened?.close();
    throw error;
  }
}

/** Everything in front of the routes: connections, client addresses, and admission under load. */
async function openFront(
  config: Config,
  certificate: CertificateSource | undefined,
  { log, monotonic: clock = machineClock }: Pick<ServerOptions, "log" | "monotonic">,
): Promise<ServingOptions & { readonly listening: ListeningServer; close(): Promise<void> }> {
  const proxies = createProxies(config.trustedProxies);
  const turns = new Turns(clock);
  const admission = createAdmission(clock, {
    longestWait: () => turns.longestWait(),
    trusts: proxies.trusts,
  });
  const mayAsk = ({ remoteAddress }: Socket) =>
    proxies.trusts(remoteAddress) || admission.admits(networkOf(remoteAddress ?? ""));
  const { limits } = config;
  const listening = await listen(config, certificate, {
    log,
    limits,
    proxies,
    clock,
    mayAsk,
    accepted: () => turns.accepted(),
  });
  const stopping = new AbortController();
  const close = async () => {
    stopping.abort();
    await listening.close();
    admission.close();
  };
  return { proxies, admission, turns, clock, stopping: stopping.signal, listening, close };
}

function openFor(
  config: Config,
  means: Pick<OpenOptions, "log" | "now" | "random">,
): Promise<OpenedDatabase> {
  return openDatabase({
    url: config.database,
    masterKey: config.masterKey,
    previousMasterKey: config.previousMasterKey,
    namedStatements: config.namedStatements,
    secretsFolder: join(config.data, "secrets"),
    ...means,
  });
}

/** The queues of events that are written without any answer waiting for them. */
function startTrails(log: Logger, db: Db, { limits }: Config) {
  return {
    audit: startTrail<AuditEvent>(log, {
      what: "audit events",
      poolOf: ({ poolId }) => poolId ?? "",
      insert: (events) => insertAuditEvents(db, events),
    }),
    authEvents: startTrail<AuthEventOfUser>(log, {
      what: "sign-in events",
      poolOf: ({ poolId }) => poolId,
      insert: (events) => writeAuthEvents(db, events),
      take: hourlyShares(limits["sign-in-events"]),
    }),
  };
}

type Given = Pick<App, "db" | "log" | "clock" | "random" | "metrics" | "functions" | "audit" | "authEvents">;

/**
 * Creates the App for these settings and this database. It serves nothing by itself; the caller closes `srp`,
 * `functions` and `senders`.
 */
export async function newApp(
  config: Config,
  given: Given,
  { hashCost, newSigningPair = generateSigningPair }: Pick<ServerOptions, "hashCost" | "newSigningPair"> = {},
): Promise<App> {
  return {
    config,
    ...given,
    passwordHasher: await createPasswordHasher(
      {
        concurrency: config.hashConcurrency,
        capacity: config.hashConcurrency * holdings.hashes.limit.each,
      },
      hashCost,
    ),
    srp: createSrpExchanger({
      concurrency: config.hashConcurrency,
      capacity: config.hashConcurrency * holdings.exchanges.limit.each,
    }),
    newSigningPair,
    outbound: createOutbound({
      privateRanges: config.privateProviders,
      loopback: servesThisMachine(config),
      userAgent,
    }),
    upstreamSts: config.sts && createUpstreamSts({ ...config.sts, userAgent }),
    // The inbox of a server that only this machine uses, unless something else sends.
    senders: openSenders(config.messages, { userAgent }, servesThisMachine(config) ? inboxSender : undefined),
    waitingSignIns: new LatestIds(waitingTracked),
    caches: new Caches(),
    deliveries: new Set(),
    lanes: new Map(),
  };
}

/** Starts the background workers. */
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
      await Promise.all([outbox.stop(), app.senders.close()]);
      await refresh.stop();
      await uses.stop();
    },
  };
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
  const folder = join(config.data, "secrets", "tls");
  const keyFolder = join(config.data, "development-authority");
  // Here, since it says what to do where they cannot be made.
  if (tls === "dev") for (const one of [folder, keyFolder]) makePrivateFolder(one);
  return certificateSource({ tls, folder, keyFolder, names: [...names], now });
}

interface Listening {
  readonly metrics: CountedMetrics;
  readonly ready: () => Promise<void>;
  readonly ownsProcess: boolean;
}

/** Answers each request. */
function listenerOf(serving: Serving, { metrics, ready, ownsProcess }: Listening): Listener {
  const { fetch } = routes(serving, metrics, ready);
  const byRoutes = getRequestListener(fetch, { overrideGlobalObjects: ownsProcess });
  return createFront(serving, createOverloadGuard(serving, overloadPage), {
    api: awsJsonListener(serving, [kmsDoor, signingKeysDoor]),
    query: stsListener(serving),
    isQueryCall,
    oauth: oauthDoor(serving),
    routes: (incoming, outgoing) => void byRoutes(incoming, outgoing),
    hasOwnPath: isInvocation,
    notFoundPage,
  });
}

/** Every route of the server, apart from calls of the API. */
function routes(
  serving: Serving,
  metrics: CountedMetrics,
  ready: () => Promise<void>,
): Hono<{ Bindings: HttpBindings }> {
  const { app } = serving;
  const knowsHost = createHostCheck(app.config);
  const all = new Hono<{ Bindings: HttpBindings }>({ router: new PoolRouter() });
  all.route("/", healthRoutes(ready));
  all.route("/", metricsRoutes(app, metrics));
  all.route("/", tlsAskRoutes(serving));
  const ofPools = new Hono<Bindings>({ router: new PoolRouter() });
  ofPools.use(guarded(app.config));
  ofPools.use((c, next) => {
    const exchange = c.env;
    exchange.readBody = (limit) => serving.bodies.read(exchange, serving.network(exchange.incoming), limit);
    return next();
  });
  ofPools.route("/", discoveryRoutes(serving));
  ofPools.use(overTls(serving));
  ofPools.route("/", oauthRoutes(serving));
  ofPools.route("/", federationRoutes(serving));
  ofPools.route("/", hostedRoutes(serving));
  ofPools.notFound(answerNothing(notFoundPage));
  all.use(async (c, next) => {
    if (knowsHost(c.req.header("host"))) return next();
    const answer = await atDomain(serving.context(c.env.incoming), c, ofPools);
    if (answer !== undefined) return answer;
    return answerUnknownHost(c);
  });
  all.route("/", preflightRoutes());
  all.route("/", lambdaRoutes(serving));
  all.route("/", identityDiscoveryRoutes(serving));
  all.route("/", ofPools);
  if (servesThisMachine(app.config)) all.route("/", welcomeRoutes(serving));
  if (app.senders.keepsInbox) all.route("/", inboxRoutes(serving));
  all.notFound(answerNothing(notFoundPage));
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

/** Puts the ports actually bound in place of 0, also in a public URL that was derived from them. */
function withPorts(config: Config, { port, httpsPort }: ListeningServer): Config {
  const publicUrl = config.publicUrl.replace(/:0$/, `:${httpsPort ?? port}`);
  return Object.freeze({ ...config, port, ...(httpsPort !== undefined && { httpsPort }), publicUrl });
}
