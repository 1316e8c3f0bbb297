/** The settings of a gateway, checked: what `config/gateway-file.ts` makes of its file. */

export interface GatewaySettings {
  readonly listen: GatewayListen;
  /** The origin at which browsers reach the gateway's own endpoints, such as `https://auth-api.example.com`. */
  readonly publicUrl: string;
  readonly provider: GatewayProvider;
  readonly paths: GatewayPaths;
  readonly sessions: GatewaySessions;
  readonly applications: readonly GatewayApplication[];
  readonly identity: GatewayIdentity;
  /** Hosts that a sign-in or sign-out may lead back to besides those of the applications; `*.example.com` for all below. */
  readonly returnHosts: readonly string[];
  /** CIDR ranges of the proxies whose `X-Forwarded-*` headers are believed. */
  readonly trustedProxies: readonly string[];
  readonly upstreams: GatewayUpstreams;
  readonly logLevel: string;
}

/** What each upstream gets at once. */
export interface GatewayUpstreams {
  /** Requests, and WebSockets that are being opened. */
  readonly connections: number;
  /** Requests that may wait for a connection; more are refused. */
  readonly waiting: number;
}

export interface GatewayListen {
  readonly host: string;
  /** For http. */
  readonly port: number;
  /** Where https is served, too: the path of a PEM file with a key and its certificates, and the port. */
  readonly tls: { readonly file: string; readonly port: number } | undefined;
}

export interface GatewayProvider {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string | undefined;
  readonly scopes: readonly string[];
  /** Further parameters of the authorization request, such as `identity_provider`. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly groupsClaim: string;
  /** Whether a sign-out also ends the session at the provider. */
  readonly signOut: boolean;
  /**
   * The URL of the API of Amazon Cognito user pools, or of Poolhouse, where signing out everywhere calls GlobalSignOut;
   * undefined if the provider is another, or is not to be told.
   */
  readonly globalSignOut: string | undefined;
  /** Whose access tokens are accepted as bearer tokens, besides this client's. */
  readonly apiClients: readonly string[];
  /** Whether the provider is asked if a bearer token has been revoked: at its userinfo endpoint, or not at all. */
  readonly revocation: "none" | "userinfo";
  /** The `aud` that bearer tokens must have; none is asked for if it is empty. */
  readonly audiences: readonly string[];
}

/** The paths of the gateway's own endpoints, on every host that it serves. */
export interface GatewayPaths {
  readonly signIn: string;
  readonly callback: string;
  readonly signOut: string;
  readonly session: string;
  readonly validate: string;
  readonly check: string;
  readonly backchannelLogout: string;
  readonly keys: string;
  readonly health: string;
}

export interface GatewaySessions {
  /** The URL of a database (`sqlite:<path>`, `postgres://…`), or undefined to keep sessions in cookies. */
  readonly database: string | undefined;
  /** Without prefixes; `__Host-` or `__Secure-` is put before it over https. */
  readonly cookieName: string;
  /** The domain whose hosts all get the session's cookie; undefined for the host alone that people sign in at. */
  readonly cookieDomain: string | undefined;
  /** Seconds. */
  readonly idle: number;
  readonly lifetime: number;
  /** For how long a session may be taken from memory before the database is asked again. Seconds. */
  readonly recheck: number;
  /** For how long a session goes on without new tokens while the provider does not answer. Seconds. */
  readonly outage: number;
  /** Base64 of 32 bytes each: the first seals, all open. */
  readonly keys: readonly string[];
  /** Whether the ID and access token are also set as cookies of their own, for applications that read them there. */
  readonly tokensInCookies: boolean;
}

export interface GatewayApplication {
  /** The hosts, with the port if it is not the scheme's own; empty for every host. */
  readonly hosts: readonly string[];
  /** Where requests are passed on to; undefined if a proxy in front asks the gateway and passes them on itself. */
  readonly upstream: string | undefined;
  readonly routes: readonly GatewayRoute[];
}

export interface GatewayRoute {
  /** A path, or the start of paths: `/admin/**`. */
  readonly path: string;
  /** Undefined for all. */
  readonly methods: readonly string[] | undefined;
  readonly access: "public" | "signed-in";
  /** One of which the user must be in. */
  readonly groups: readonly string[];
  /** All of which the access token must have. */
  readonly scopes: readonly string[];
  /** Claims of the ID token (of the access token, with a bearer token), each with the values that are let in. */
  readonly claims: Readonly<Record<string, readonly string[]>>;
  /** What proves who is asking: the session of a browser, a bearer token, or either. */
  readonly by: "session" | "bearer" | "either";
}

export interface GatewayIdentity {
  /** How the names of the headers for applications begin, such as `X-Auth-Request-`. */
  readonly prefix: string;
  /** Whether applications get a signed token about the user (`…Token`), and for how long it counts, in seconds. */
  readonly token: { readonly seconds: number } | undefined;
  /** Claims of the ID token that applications also get, by the end of the header's name: `Tenant` for `X-Auth-Request-Tenant`. */
  readonly claims: Readonly<Record<string, string>>;
  /** Whether applications get the access token, in an Authorization header. */
  readonly accessToken: boolean;
}
