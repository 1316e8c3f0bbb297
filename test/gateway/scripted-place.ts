/** Gateways in front of an application, with a scripted provider, at a clock that the test sets. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, describe } from "node:test";
import { createGateway, type Gateway } from "../../src/gateway/gateway.ts";
import { createGatewayServer } from "../../src/gateway/serve.ts";
import type { GatewayProvider, GatewaySessions, GatewaySettings } from "../../src/lib/gateway-settings.ts";
import { type DatabaseName, silent } from "../kit/databases.ts";
import { skipWithoutPostgres } from "../kit/postgres.ts";
import { Browser, newKey, newStore, paths, route, startApplication } from "./place.ts";
import { clientId, ScriptedProvider } from "./scripted-provider.ts";

export interface Options {
  readonly sessions?: Partial<GatewaySessions>;
  readonly provider?: Partial<GatewayProvider>;
  readonly settings?: Partial<GatewaySettings>;
  /** The application's hosts; all by default. */
  readonly hosts?: readonly string[];
  /** What is added to the clock of this gateway. Milliseconds. */
  readonly ahead?: number;
}

export interface ScriptedPlace {
  readonly provider: ScriptedProvider;
  readonly gateway: Gateway;
  readonly origin: string;
  readonly settings: GatewaySettings;
  readonly clock: { now: number };
  /** The events of the gateway's log. */
  readonly events: string[];
}

export async function scriptedPlace(
  store: string | undefined,
  options: Options = {},
): Promise<ScriptedPlace> {
  const clock = { now: Date.now() };
  const provider = await new ScriptedProvider(clock).open();
  const settings = settingsFor(provider.issuer, store, await startApplication(), options);
  return { provider, clock, ...(await openFront(settings, clock, options.ahead)) };
}

/** Another gateway of the same settings and database. */
export async function anotherGateway(
  { provider, settings, clock }: ScriptedPlace,
  { sessions, ahead }: Pick<Options, "sessions" | "ahead"> = {},
): Promise<ScriptedPlace> {
  const changed = { ...settings, sessions: { ...settings.sessions, ...sessions } };
  return { provider, clock, ...(await openFront(changed, clock, ahead)) };
}

export function settingsFor(
  issuer: string,
  store: string | undefined,
  { origin: upstream }: { readonly origin: string },
  { sessions, provider, settings, hosts = [] }: Options,
): GatewaySettings {
  return {
    listen: { host: "127.0.0.1", port: 0, tls: undefined },
    publicUrl: "",
    provider: {
      issuer,
      clientId,
      clientSecret: "secret-of-the-gateway-at-its-provider",
      scopes: ["openid", "email"],
      parameters: {},
      groupsClaim: "cognito:groups",
      signOut: true,
      globalSignOut: undefined,
      apiClients: [],
      revocation: "none",
      audiences: [],
      ...provider,
    },
    paths,
    sessions: {
      database: store,
      cookieName: "session",
      cookieDomain: undefined,
      idle: 8 * 3600,
      lifetime: 7 * 86_400,
      recheck: 0,
      outage: 3600,
      keys: [newKey()],
      tokensInCookies: false,
      ...sessions,
    },
    applications: [{ hosts, upstream, routes: [route("/public/**", { access: "public" }), route("/**")] }],
    identity: { prefix: "X-Auth-Request-", token: undefined, claims: {}, accessToken: true },
    returnHosts: [],
    trustedProxies: ["127.0.0.0/8", "::1"],
    upstreams: { connections: 1000, waiting: 1000 },
    logLevel: "info",
    ...settings,
  };
}

/** Where a gateway will be: its port is known before its settings. */
export async function newFront() {
  const front = createServer();
  front.listen(0, "127.0.0.1");
  await once(front, "listening");
  return { front, origin: `http://127.0.0.1:${(front.address() as AddressInfo).port}` };
}

export async function openFront(
  given: GatewaySettings,
  clock: { now: number },
  ahead = 0,
  listening?: Awaited<ReturnType<typeof newFront>>,
) {
  const { front, origin } = listening ?? (await newFront());
  const settings = given.publicUrl === "" ? { ...given, publicUrl: origin } : given;
  const events: string[] = [];
  const note = (values: object) => events.push(String((values as { readonly event?: string }).event));
  const log = { info: note, warn: note, error: note };
  const gateway = await createGateway(settings, { log, now: () => clock.now + ahead });
  const made = createGatewayServer(gateway, silent);
  front.on("request", (...pair) => made.emit("request", ...pair));
  after(async () => {
    front.close();
    front.closeAllConnections();
    await gateway.close();
  });
  return { gateway, origin, settings, events };
}

/** A browser that has signed in. */
export async function signedIn(place: ScriptedPlace, browser = new Browser()): Promise<Browser> {
  const began = await browser.get(`${place.origin}${paths.signIn}?rd=/`);
  await comeBack(place, browser, began.headers.get("location")!);
  return browser;
}

/** The browser comes back from the provider. */
export const comeBack = ({ provider, origin }: ScriptedPlace, browser: Browser, location: string) =>
  browser.get(`${origin}${paths.callback}?${provider.callbackQuery(location)}`);

/** Runs a suite for every place where sessions may be kept. */
export function forEachStore(
  title: string,
  suite: (store: () => Promise<string | undefined>, kind: DatabaseName | "cookies") => void,
): void {
  describe(title, () => {
    for (const kind of ["sqlite", "postgres", "cookies"] as const)
      describe(kind, kind === "postgres" ? skipWithoutPostgres() : {}, () =>
        suite(() => newStore(kind), kind),
      );
  });
}
