/** A gateway: its parts put together. It listens nowhere; proxy, check and middleware ask it. */
import { randomBytes } from "node:crypto";
import { BoundedMap } from "../lib/bounded-map.ts";
import type { GatewaySettings } from "../lib/gateway-settings.ts";
import { type AdmissionMeans, admit, type Decision } from "./admission.ts";
import type { Asked } from "./asked.ts";
import type { EndpointMeans } from "./called.ts";
import type { CookieScope } from "./cookies.ts";
import { answerEndpoint } from "./endpoints.ts";
import { looseName } from "./headers.ts";
import { headerNames, type Identity, identityHeaders, isIdentityHeader, tokenHeader } from "./identity.ts";
import { createIdentityTokens, type IdentityTokens } from "./identity-token.ts";
import type { Log } from "./log.ts";
import { Provider } from "./provider.ts";
import { type Seals, sealsOf } from "./sealing.ts";
import { Refresher } from "./sessions/refresh.ts";
import type { Keeper } from "./sessions/sessions.ts";
import { isTokenCookie } from "./token-cookies.ts";
import { createWell } from "./well.ts";

export interface GatewayMeans {
  readonly log: Log;
  /** Epoch milliseconds. */
  readonly now?: () => number;
  readonly fetch?: typeof globalThis.fetch;
}

export interface Gateway {
  readonly settings: GatewaySettings;
  /**
   * Answers a request for one of the gateway's own endpoints; undefined if it is for an application.
   * @param body reads the request's body, at most as many bytes
   */
  answer(asked: Asked, body: (most: number) => Promise<string>): Promise<Response | undefined>;
  /** Decides about a request for an application, or `again` about one that is still under way. */
  admit(asked: Asked, again?: "again"): Promise<Decision>;
  /** What an application is told about somebody who passes. */
  headersFor(
    asked: Asked,
    decision: Decision & { readonly kind: "pass" },
  ): Promise<Readonly<Record<string, string>>>;
  /** The names of the headers that an application can be told of. */
  readonly headerNames: readonly string[];
  /** Whether a header of a request may not reach an application, since only the gateway sends it. */
  isOurHeader(name: string): boolean;
  /** Whether a cookie is one of the gateway's, which applications do not get. */
  isOurCookie(name: string): boolean;
  /** Whether only the gateway sets a cookie, which an application may get. */
  isReservedCookie(name: string): boolean;
  /** Reads the provider's metadata and asks the database. Throws if either does not answer. */
  check(): Promise<void>;
  close(): Promise<void>;
}

/** How often sessions that have ended are removed. Milliseconds. */
const sweepEvery = 10 * 60_000;

/** Throws an OperatorError if the database cannot be used. The provider may be away: sign-ins then say so. */
export async function createGateway(settings: GatewaySettings, given: GatewayMeans): Promise<Gateway> {
  const { log, now = Date.now, fetch = globalThis.fetch } = given;
  const { sessions, identity, publicUrl } = settings;
  const seals = sealsOf(settings, randomBytes);
  const scope: CookieScope = { isSecure: publicUrl.startsWith("https:"), domain: sessions.cookieDomain };
  const keeper = await openKeeper({ settings, scope, seals, now }, log);
  const provider = new Provider(settings.provider, { now, fetch });
  const { outage } = sessions;
  const refresher = new Refresher({ keeper, provider, log, settings: settings.provider, outage, now });
  const tokens = createIdentityTokens({
    seals,
    issuer: publicUrl,
    seconds: identity.token?.seconds ?? 60,
    claims: Object.values(identity.claims),
    now,
  });
  const admission: AdmissionMeans = { settings, keeper, refresher, provider, scope, now };
  const usedStates = new BoundedMap<string, true>(10_000);
  const isWell = createWell(keeper, now);
  const endpoints: EndpointMeans = { ...admission, seals, tokens, log, usedStates, isWell };
  const sweeper = setInterval(() => {
    keeper.sweep().catch((error: unknown) => log.warn({ detail: String(error) }, "Sessions were not swept."));
  }, sweepEvery).unref();
  let closing: Promise<void> | undefined;
  const isOurCookie = (name: string) =>
    keeper.isOurs(name) || name.includes(`${sessions.cookieName}-sign-in-`);
  return {
    settings,
    answer: (asked, body) => answerEndpoint(endpoints, asked, body),
    admit: (asked, again) => admit(admission, asked, again),
    headersFor: createTeller(settings, tokens),
    headerNames: headerNames(identity),
    // Where applications take it for the user's access token, nobody else's gets there.
    isOurHeader: (name) =>
      isIdentityHeader(identity, name) || (identity.accessToken && looseName(name) === "authorization"),
    isOurCookie,
    isReservedCookie: (name) => isOurCookie(name) || isTokenCookie({ settings, scope }, name),
    async check() {
      await Promise.all([provider.load(), keeper.ping()]);
    },
    close() {
      clearInterval(sweeper);
      closing ??= refresher.settle().then(() => keeper.close());
      return closing;
    },
  };
}

/** Tells applications who is asking. What does not change is made once for an identity. */
function createTeller({ identity }: GatewaySettings, tokens: IdentityTokens): Gateway["headersFor"] {
  const made = new WeakMap<Identity, Readonly<Record<string, string>>>();
  const name = tokenHeader(identity);
  return async ({ scheme, host }, { identity: who, accessToken }) => {
    if (who === undefined) return {};
    const known = made.get(who) ?? identityHeaders(identity, who);
    made.set(who, known);
    return {
      ...known,
      ...(identity.token !== undefined && { [name]: await tokens.sign(who, `${scheme}//${host}`) }),
      ...(identity.accessToken && accessToken && { Authorization: `Bearer ${accessToken}` }),
    };
  };
}

interface KeeperOptions {
  readonly settings: GatewaySettings;
  readonly scope: CookieScope;
  readonly seals: Seals;
  readonly now: () => number;
}

async function openKeeper(options: KeeperOptions, log: Log): Promise<Keeper> {
  const { sessions, provider } = options.settings;
  const { database: url } = sessions;
  if (url === undefined) {
    const { CookieKeeper } = await import("./sessions/in-cookies.ts");
    return new CookieKeeper(options);
  }
  const { openSessionsDatabase } = await import("./sessions/database.ts");
  const { DatabaseKeeper } = await import("./sessions/in-database.ts");
  return new DatabaseKeeper({
    ...options,
    settings: sessions,
    provider,
    database: await openSessionsDatabase(url, log),
  });
}
