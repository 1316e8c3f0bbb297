/** THE composition root: config -> App -> http -> listen; closes in reverse order. */
import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { join } from "node:path";
import type { Logger } from "pino";
import type { App } from "./app.ts";
import { type Config, listensOnLoopback, servesThisMachine, withPorts } from "./config/config.ts";
import { userAgent } from "./config/version.ts";
import { partOf } from "./config/workers.ts";
import { hourlyShares } from "./domain/audit/event-shares.ts";
import { startTrail } from "./domain/audit/trail.ts";
import { createPasswordHasher, type HashCost } from "./domain/credentials/hash-queue.ts";
import { createSrpExchanger } from "./domain/credentials/srp-exchanger.ts";
import { type BeforeStored, type CreatedKey, ensureRootKey } from "./domain/iam/access-keys.ts";
import { generateSigningPair } from "./domain/tokens/signing-keys.ts";
import { functionsOf } from "./domain/triggers/configured-functions.ts";
import { createAdmission } from "./http/admission.ts";
import { answerJson } from "./http/answer-json.ts";
import { answerPreflight, awsJsonListener } from "./http/aws-json/routes.ts";
import { createProxies } from "./http/client-address.ts";
import { createServing, type Serving, type ServingOptions } from "./http/context.ts";
import { createFront } from "./http/front.ts";
import { answersReady } from "./http/health.ts";
import { holdings } from "./http/holdings.ts";
import { kmsDoor } from "./http/kms/decrypt.ts";
import { isInvocation } from "./http/lambda/invocation.ts";
import { createListening, type Listener, type ListeningServer, type Ports } from "./http/listen.ts";
import { createMetrics, createReadings, metricsDoor, observeFront, type Readings } from "./http/metrics.ts";
import { type MonotonicClock, machineClock } from "./http/monotonic.ts";
import { createOverloadGuard } from "./http/overload.ts";
import { signingKeysDoor } from "./http/signing-keys/get-signing-key.ts";
import { isQueryCall } from "./http/sts/is-query-call.ts";
import { Turns } from "./http/turns.ts";
import type { FunctionRegistry } from "./integrations/functions/registry.ts";
import { createOutbound } from "./integrations/outbound.ts";
import { inboxSender } from "./integrations/senders/sender.ts";
import { openSenders } from "./integrations/senders/senders.ts";
import {
  type CertificateSource,
  certificateOf,
  certificateSource,
  type Issued,
  issuedOf,
} from "./integrations/tls.ts";
import { createUpstreamSts } from "./integrations/upstream-sts.ts";
import { type Jobs, startJobs } from "./jobs.ts";
import { Caches } from "./lib/caches.ts";
import type { Numbered } from "./lib/first-seen.ts";
import { LatestIds } from "./lib/latest-ids.ts";
import { type LoadedLate, loadedLate } from "./lib/loaded-late.ts";
import type { Snapshot } from "./lib/metric-sums.ts";
import { networkOf } from "./lib/network.ts";
import { type AuditEvent, insertAuditEvents } from "./store/audit.ts";
import { type AuthEventOfUser, writeAuthEvents } from "./store/auth-events.ts";
import type { Db } from "./store/db.ts";
import { makePrivateFolder } from "./store/engine/sqlite/file.ts";
import { type OpenedDatabase, type OpenOptions, openDatabase } from "./store/open.ts";
import { sharePublicUrl } from "./store/public-url.ts";

export interface RunningServer {
  readonly app: App;
  readonly url: string;
  /** The certificate by `--tls dev`, and where that of its authority is, which https clients must trust. */
  readonly issued: Issued | undefined;
  /** Set if this start created the root key; it is shown only once. */
  readonly rootKey: CreatedKey | undefined;
  readonly readings: Readings;
  /** Begins the jobs that one of several workers does; a server that is alone does them from its start. */
  lead(): Promise<void>;
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
  /** Set for one of several workers of a server. */
  readonly worker?: WorkerOptions;
}

/** What one of several workers is given. */
export interface WorkerOptions {
  /** The ports that others listen on already; undefined for the first. */
  readonly ports: Ports | undefined;
  /** The certificate by `--tls dev` that others have already. A browser in which people let it pass asks once. */
  readonly issued: Issued | undefined;
  /** The metrics of all workers. */
  snapshots(): Promise<readonly Snapshot[]>;
  /** Numbers messages of the inbox, by their ids, in the order in which the workers first see them. */
  numberArrivals(ids: readonly string[]): Promise<Numbered>;
}

/** The number of waiting sign-ins that are tracked by user. */
const waitingTracked = 2 ** 16;

/** How long functions that send messages may still run once the server stops. Messages that are not sent then stay queued. */
const farewellMs = 10_000;

export async function startServer(config: Config, options: ServerOptions): Promise<RunningServer> {
  const clock = options.clock ?? Date.now;
  const random = (bytes: number) => randomBytes(bytes);
  const { worker } = options;
  const certificate = worker?.issued ? certificateOf(worker.issued) : await certificateFor(config, clock());
  const front = openFront(config, certificate, options);
  const { listening } = front;
  let opened: OpenedDatabase | undefined;
  let functions: FunctionRegistry | undefined;
  try {
    // Listening comes first, so that the port chosen by --port 0 is known before anything is derived from the public URL. A
    // worker that joins others knows it already, and is asked nothing before it can answer.
    const ports = worker?.ports ?? (await listening.open());
    const bound = withPorts(config, ports);
    functions = await functionsOf(bound, { log: options.log, clock });
    await functions.check();
    opened = await openFor(bound, { log: options.log, now: clock, random });
    const { publicUrl: url, publicUrlConfigured } = bound;
    await sharePublicUrl(opened.db, { url, guessed: !publicUrlConfigured && !listensOnLoopback(bound) });
    const metrics = createMetrics();
    const { db } = opened;
    const trails = startTrails(options.log, db, bound);
    const given = { db, log: options.log, clock, random, metrics, functions, ...trails };
    const app = await newApp(bound, given, options);
    const rootKey = await ensureRootKey(app, configuredRootKey(bound), options.beforeRootKey);
    const jobs = await startJobs(app, opened);
    if (worker === undefined) await jobs.lead();
    const readings = createReadings(app, metrics);
    const text = async () =>
      worker === undefined ? readings.render() : readings.renderWith(await worker.snapshots());
    const serving = createServing(app, front);
    observeFront(metrics, { bodies: serving.bodies, connections: listening.connections });
    listening.serve(listenerOf(serving, { text, ready: opened.ping, options }));
    if (ports === worker?.ports) await listening.open();
    return {
      app,
      readings,
      lead: jobs.lead,
      url: bound.publicUrl,
      issued: certificate && issuedOf(certificate),
      rootKey,
      close: () => closeAll({ app, opened: opened!, front, serving, trails, jobs }),
    };
  } catch (error) {
    await front.close();
    await functions?.close();
    await opened?.close();
    throw error;
  }
}

interface Closing {
  readonly app: App;
  readonly opened: OpenedDatabase;
  readonly front: { close(): Promise<void> };
  readonly serving: Serving;
  readonly trails: ReturnType<typeof startTrails>;
  readonly jobs: Jobs;
}

/** Closes a running server, in the reverse order of its start. */
async function closeAll({ app, opened, front, serving, trails, jobs }: Closing): Promise<void> {
  const left = opened.leave();
  await front.close();
  serving.close();
  await trails.audit.stop();
  await trails.authEvents.stop();
  const ending = setTimeout(() => void app.functions.close(), farewellMs);
  await jobs.stop();
  clearTimeout(ending);
  await app.srp.close();
  await app.functions.close();
  await Promise.all([app.outbound.close(), app.upstreamSts?.close()]);
  await left;
  await opened.close();
}

/** Everything in front of the routes: connections, client addresses, and admission under load. */
function openFront(
  config: Config,
  certificate: CertificateSource | undefined,
  { log, monotonic: clock = machineClock }: Pick<ServerOptions, "log" | "monotonic">,
): ServingOptions & { readonly listening: ListeningServer; close(): Promise<void> } {
  const proxies = createProxies(config.trustedProxies);
  const turns = new Turns(clock);
  const admission = createAdmission(clock, {
    longestWait: () => turns.longestWait(),
    trusts: proxies.trusts,
  });
  const mayAsk = ({ remoteAddress }: Socket) =>
    proxies.trusts(remoteAddress) || admission.admits(networkOf(remoteAddress ?? ""));
  const { limits } = config;
  const listening = createListening(config, certificate, {
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
    senders: openSenders(
      config.messages,
      { userAgent, part: (whole) => partOf(whole, config.worker) },
      servesThisMachine(config) ? inboxSender : undefined,
    ),
    waitingSignIns: new LatestIds(waitingTracked),
    caches: new Caches(),
    deliveries: new Set(),
    lanes: new Map(),
  };
}

async function certificateFor(config: Config, now: number): Promise<CertificateSource | undefined> {
  const { tls } = config;
  if (tls === undefined) return undefined;
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
  /** The metrics. */
  readonly text: () => Promise<string>;
  readonly ready: () => Promise<void>;
  readonly options: ServerOptions;
}

/** Answers each request. What answers pages and OAuth is loaded by the first request for it (routes.ts). */
function listenerOf(serving: Serving, { text, ready, options }: Listening): Listener {
  const readsMetrics = metricsDoor(serving.app, text);
  const { ownsProcess = false, worker } = options;
  const given = { ownsProcess, numberArrivals: worker?.numberArrivals };
  const routes = loadedLate(async () => (await import("./routes.ts")).openRoutes(serving, given));
  const query = loadedLate(async () => (await import("./http/sts/endpoint.ts")).stsListener(serving));
  const { log } = serving.app;
  const overloadPage = async (language: string | undefined) => (await routes.load()).overloadPage(language);
  return createFront(serving, createOverloadGuard(serving, overloadPage), {
    api: awsJsonListener(serving, [kmsDoor, signingKeysDoor]),
    preflight: answerPreflight,
    query: answerLate(log, query, (listener) => listener),
    isQueryCall,
    probes: (incoming, outgoing) =>
      answersReady(ready, incoming, outgoing) || readsMetrics(incoming, outgoing),
    routes: answerLate(log, routes, (ways) => ways.routes),
    hasOwnPath: isInvocation,
    nothingHere: answerLate(log, routes, (ways) => ways.nothingHere),
  });
}

/** Answers with a listener that the first request loads; requests that come meanwhile wait for it, too. */
function answerLate<T>(log: Logger, room: LoadedLate<T>, listenerOf: (room: T) => Listener): Listener {
  return (incoming, outgoing) => {
    const loaded = room.loaded();
    if (loaded !== undefined) return listenerOf(loaded)(incoming, outgoing);
    room.load().then(
      (now) => listenerOf(now)(incoming, outgoing),
      (error: unknown) => {
        log.error({ err: error }, "internal error");
        answerJson(outgoing, 500, { message: "Internal error." });
      },
    );
  };
}

function configuredRootKey(config: Config): CreatedKey | undefined {
  const { rootAccessKeyId: accessKeyId, rootSecretAccessKey: secretAccessKey } = config;
  return accessKeyId !== undefined && secretAccessKey !== undefined
    ? { accessKeyId, secretAccessKey }
    : undefined;
}
