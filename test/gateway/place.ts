/** Shared by the tests of the gateway: a pool, an application, a gateway in front of it, and a browser. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { after } from "node:test";
import { createGateway, type Gateway } from "../../src/gateway/gateway.ts";
import { createGatewayServer } from "../../src/gateway/serve.ts";
import type { GatewayRoute, GatewaySettings } from "../../src/lib/gateway-settings.ts";
import { type Answered, ask } from "../kit/ask.ts";
import { type DatabaseName, silent } from "../kit/databases.ts";
import { createPostgres, dropPostgres } from "../kit/postgres.ts";
import type { TestServer } from "../kit/server.ts";
import { type OAuthPlace, setUp } from "../oauth/support.ts";

export const paths: GatewaySettings["paths"] = {
  signIn: "/auth/signin",
  callback: "/auth/signin/callback",
  signOut: "/auth/signout",
  session: "/auth/session",
  validate: "/auth/validate",
  check: "/auth/check",
  backchannelLogout: "/auth/backchannel-logout",
  keys: "/auth/keys",
  health: "/auth/health",
};

export const route = (path: string, change: Partial<GatewayRoute> = {}): GatewayRoute => ({
  path,
  methods: undefined,
  access: "signed-in",
  groups: [],
  scopes: [],
  claims: {},
  by: "session",
  ...change,
});

export const newKey = () => randomBytes(32).toString("base64");

/** What the application saw of a request. */
export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** An application that answers with what it sees; it closes after the test. */
export async function startApplication(
  answer?: (incoming: IncomingMessage, outgoing: ServerResponse) => void,
): Promise<{ readonly server: Server; readonly origin: string }> {
  const server = createServer(
    answer ??
      ((incoming, outgoing) => {
        const parts: Buffer[] = [];
        incoming.on("data", (part: Buffer) => parts.push(part));
        incoming.on("end", () => {
          const { method, url, headers } = incoming;
          const seen = { method, url, headers, body: Buffer.concat(parts).toString() };
          outgoing.setHeader("content-type", "application/json");
          outgoing.end(JSON.stringify(seen));
        });
      }),
  );
  return { server, origin: await listening(server) };
}

async function listening(server: Server): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Where sessions are: `cookies`, or a new database of a kind. */
export async function newStore(kind: DatabaseName | "cookies"): Promise<string | undefined> {
  if (kind === "cookies") return undefined;
  if (kind === "sqlite") return "sqlite::memory:";
  const { name, url } = await createPostgres();
  after(() => void dropPostgres(name));
  return url;
}

export interface GatewayPlace {
  readonly gateway: Gateway;
  readonly origin: string;
  readonly pool: OAuthPlace;
  readonly upstream: string;
}

type Change = Partial<{ [Key in keyof GatewaySettings]: Partial<GatewaySettings[Key]> }> & {
  readonly applications?: GatewaySettings["applications"];
};

/**
 * A gateway of a pool's client, and an application behind it.
 * @param fetch how the gateway asks the pool
 */
export async function gatewayPlace(
  server: TestServer,
  store: string | undefined,
  change: Change = {},
  {
    client = {},
    fetch = globalThis.fetch,
  }: { readonly client?: Parameters<typeof setUp>[1]; readonly fetch?: typeof globalThis.fetch } = {},
): Promise<GatewayPlace> {
  // The port is known before the client that returns to it.
  const front = createServer();
  const origin = await listening(front);
  const publicUrl = change.publicUrl ?? origin;
  const pool = await setUp(server, {
    CallbackURLs: [`${publicUrl}${paths.callback}`],
    LogoutURLs: [`${publicUrl}/`],
    AllowedOAuthScopes: ["openid", "email", "profile"],
    ExplicitAuthFlows: ["ALLOW_REFRESH_TOKEN_AUTH"],
    ...client,
  });
  const { origin: upstream } = await startApplication();
  const settings: GatewaySettings = {
    listen: { host: "127.0.0.1", port: 0, tls: undefined },
    publicUrl,
    provider: {
      issuer: `${server.endpoint}/${pool.UserPoolId}`,
      clientId: pool.ClientId,
      clientSecret: pool.ClientSecret,
      scopes: ["openid", "email", "profile"],
      parameters: {},
      groupsClaim: "cognito:groups",
      signOut: true,
      globalSignOut: undefined,
      apiClients: [],
      revocation: "none",
      audiences: [],
      ...change.provider,
    },
    paths,
    sessions: {
      database: store,
      cookieName: "session",
      cookieDomain: undefined,
      idle: 3600,
      lifetime: 86_400,
      recheck: 0,
      outage: 3600,
      keys: [newKey()],
      tokensInCookies: false,
      ...change.sessions,
    },
    applications: change.applications ?? [
      {
        hosts: [],
        upstream,
        routes: [
          route("/public/**", { access: "public" }),
          route("/admin/**", { groups: ["admins"] }),
          route("/api/**", { by: "bearer" }),
          route("/**"),
        ],
      },
    ],
    identity: {
      ...{ prefix: "X-Auth-Request-", token: { seconds: 60 }, claims: {}, accessToken: false },
      ...change.identity,
    },
    returnHosts: [],
    trustedProxies: ["127.0.0.0/8", "::1"],
    upstreams: { connections: 1000, waiting: 1000 },
    logLevel: "info",
  };
  const gateway = await createGateway(settings, { log: silent, now: () => server.clock.now, fetch });
  after(() => gateway.close());
  const made = createGatewayServer(gateway, silent);
  for (const event of ["request", "upgrade"] as const)
    front.on(event, (...given) => made.emit(event, ...(given as [never, never, never])));
  return { gateway, origin, pool, upstream };
}

/** A browser that keeps cookies by host, as far as tests need it. */
export class Browser {
  readonly jar = new Map<string, string>();

  /** One request for a page, without following a redirect. */
  async get(url: string, headers: Record<string, string> = {}, method = "GET"): Promise<Answered> {
    const cookie = [...this.jar].map(([name, value]) => `${name}=${value}`).join("; ");
    const answer = await ask(url, {
      method,
      headers: {
        accept: "text/html",
        "sec-fetch-mode": "navigate",
        ...(cookie !== "" && { cookie }),
        ...headers,
      },
    });
    for (const set of answer.headers.getSetCookie()) this.keep(set);
    return answer;
  }

  keep(set: string): void {
    const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(set) ?? [];
    if (/Max-Age=0(?:;|$)/i.test(set)) this.jar.delete(name);
    else this.jar.set(name, value);
  }

  /** Follows redirects until a page is shown; returns it and its URL. */
  async follow(url: string, most = 10): Promise<{ readonly url: string; readonly answer: Answered }> {
    for (let at = url, left = most; ; left -= 1) {
      const answer = await this.get(at);
      const location = answer.headers.get("location");
      if (location === null || left === 0) return { url: at, answer };
      at = new URL(location, at).href;
    }
  }
}

/** A browser in which Ann is signed in at the pool, though not yet at the gateway. */
export function annsBrowser({ pool }: GatewayPlace): Browser {
  const browser = new Browser();
  browser.keep(pool.cookie);
  return browser;
}
