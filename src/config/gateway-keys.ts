/**
 * THE table of the keys of a gateway's file, by section: what each means, and what counts if it is absent. Anything else in
 * the file is refused; docs/gateway-settings.md is made of it.
 */

export interface GatewayKey {
  readonly help: string;
  /** What counts if the key is absent, as the file would have it. */
  readonly fallback?: string;
  /** For a number: the smallest, the largest, and what counts if the key is absent. */
  readonly range?: { readonly from: number; readonly to: number; readonly fallback: number };
  /** Whether the file, or the environment, must have it. */
  readonly required?: true;
  /** The environment variable that goes before the file. */
  readonly env?: string;
}

const hour = 3600;
const day = 24 * hour;

const plaintext =
  "Permits a URL of this section that begins with http: and is not of this machine, in a network that is trusted.";

export const gatewayKeys = {
  "": {
    "public-url": {
      required: true,
      help: "The origin at which browsers reach the gateway's own endpoints, such as `https://auth-api.example.com`.",
    },
    host: { fallback: "127.0.0.1", help: "The address to listen on." },
    port: {
      range: { from: 0, to: 65_535, fallback: 4180 },
      help: "The port to listen on; 0 picks a free one.",
    },
    tls: {
      help: "A PEM file with a key and its certificates: https is served, too. It is read again when it changes.",
    },
    "https-port": {
      range: { from: 0, to: 65_535, fallback: 4181 },
      help: "The port for https, with `tls`; 0 picks a free one.",
    },
    "log-level": { fallback: "info", help: "One of fatal, error, warn, info, debug." },
    "allow-plaintext": { fallback: "false", help: plaintext },
    "trusted-proxies": {
      fallback: "[127.0.0.0/8, ::1]",
      help: "Addresses or CIDR ranges of the proxies in front. Only their `X-Forwarded-*` and `X-Original-*` headers are believed, and only they may ask at `paths.check`. `[]` for none.",
    },
    "return-hosts": {
      fallback: "[]",
      help: "Hosts that a sign-in or sign-out may lead back to besides those of the applications; `*.example.com` for all below.",
    },
    "upstream-connections": {
      range: { from: 1, to: 65_535, fallback: 1000 },
      help: "How many requests an `upstream` gets at once, each on a connection of its own. Event streams count as long as they last, WebSockets until they are open.",
    },
    "upstream-waiting": {
      range: { from: 0, to: 65_535, fallback: 1000 },
      help: "How many requests may wait for one of these connections. More are answered with 503 and `Retry-After`.",
    },
    provider: { required: true, help: "The OpenID provider, and the gateway's client there." },
    paths: { help: "Other paths of the gateway's own endpoints." },
    sessions: { required: true, help: "How sessions are kept, and for how long." },
    identity: { help: "What applications are told." },
    applications: { required: true, help: "A list: the applications, and who may do what." },
  },
  provider: {
    issuer: {
      required: true,
      help: "The provider's issuer, below which it has its `/.well-known/openid-configuration`.",
    },
    "client-id": { required: true, help: "The client." },
    "client-secret": {
      env: "POOLHOUSE_GATEWAY_CLIENT_SECRET",
      help: "Its secret; absent for a client that has none.",
    },
    "client-secret-file": { help: "A file with the secret." },
    scopes: {
      fallback: "[openid, email, profile]",
      help: "The scopes that are asked for; `openid` among them.",
    },
    parameters: {
      help: "Further parameters of the authorization request, such as `identity_provider: Google`.",
    },
    "groups-claim": { fallback: "cognito:groups", help: "The claim with a user's groups." },
    "sign-out": {
      fallback: "true",
      help: "Whether a sign-out here also ends the session at the provider.",
    },
    "global-sign-out": {
      help: "The URL of the user pools API of Poolhouse or Amazon Cognito, where `everywhere=true` of a sign-out calls GlobalSignOut: it ends what the user has in other browsers and applications. Needs the scope `aws.cognito.signin.user.admin`.",
    },
    "api-clients": {
      fallback: "[]",
      help: "Further clients whose access tokens are accepted as bearer tokens.",
    },
    revocation: {
      fallback: "none",
      help: "`userinfo`: the provider's userinfo endpoint is asked whether a bearer token has been revoked, every five seconds at most for a token; bearer tokens then need the scope `openid`. `none`: a bearer token counts until it expires.",
    },
    audiences: {
      fallback: "[]",
      help: "What `aud` of a bearer token must have one of; not asked for if empty.",
    },
    "allow-plaintext": { fallback: "false", help: plaintext },
  },
  paths: {
    "sign-in": { fallback: "/auth/signin", help: "Begins a sign-in; `rd` says where it leads back to." },
    callback: {
      fallback: "/auth/signin/callback",
      help: "Where the provider sends browsers back to: register `<public-url><callback>` there.",
    },
    "sign-out": {
      fallback: "/auth/signout",
      help: "Signs out; `rd` says where it leads, `everywhere=true` ends all sessions of the user.",
    },
    session: { fallback: "/auth/session", help: "Who is signed in, as JSON." },
    validate: { fallback: "/auth/validate", help: "Whether an access token counts, as JSON." },
    check: {
      fallback: "/auth/check",
      help: "What other proxies ask about each request to an application without `upstream`; everything below it belongs to it.",
    },
    "backchannel-logout": {
      fallback: "/auth/backchannel-logout",
      help: "Where the provider ends sessions (OpenID Connect Back-Channel Logout 1.0).",
    },
    keys: { fallback: "/auth/keys", help: "The public keys of the identity tokens." },
    health: { fallback: "/auth/health", help: "200 while the gateway can decide, for load balancers." },
  },
  sessions: {
    store: {
      fallback: "sqlite:gateway-sessions.db",
      env: "POOLHOUSE_GATEWAY_STORE",
      help: "Where sessions are kept: `sqlite:<path>` for one gateway, `postgres://…` for any number, or `cookies`, where nothing can end them but time.",
    },
    "store-file": { help: "A file with the URL of the database." },
    keys: {
      required: true,
      env: "POOLHOUSE_GATEWAY_KEYS",
      help: "What seals cookies and sessions, the newest first: base64 of 32 bytes each. `poolhouse gateway new-key` prints one. The first seals, all open.",
    },
    "keys-file": { help: "A file with the keys, one a line." },
    "cookie-domain": {
      help: "The domain whose hosts all get the session's cookie. Absent: only the host of `public-url` does.",
    },
    "cookie-name": {
      fallback: "poolhouse-session",
      help: "Without prefix; over https `__Secure-` or `__Host-` is put before it.",
    },
    idle: {
      range: { from: 60, to: 30 * day, fallback: 8 * hour },
      help: "When a session ends that nobody uses. Seconds.",
    },
    lifetime: {
      range: { from: 60, to: 365 * day, fallback: 7 * day },
      help: "When a session ends that is used. Seconds.",
    },
    recheck: {
      range: { from: 0, to: 300, fallback: 5 },
      help: "How long a session counts from memory before the database is asked again. Seconds.",
    },
    outage: {
      range: { from: 0, to: 7 * day, fallback: hour },
      help: "How long a session goes on with expired tokens while the provider does not answer. Seconds.",
    },
    "tokens-in-cookies": {
      fallback: "false",
      help: "Whether the ID and the access token are also set as cookies of their own.",
    },
  },
  identity: {
    "header-prefix": {
      fallback: "X-Auth-Request-",
      help: "How the names of the headers for applications begin.",
    },
    token: { fallback: "true", help: "Whether applications get a signed token about the user." },
    "token-seconds": {
      range: { from: 10, to: 3600, fallback: 60 },
      help: "How long that token counts. Seconds.",
    },
    claims: {
      help: "Claims of the ID token that applications also get, by the end of the header's name: `Tenant: custom:tenant` for `X-Auth-Request-Tenant`. The signed token has them, too, under their own names.",
    },
    "access-token": {
      fallback: "false",
      help: "Whether applications get the user's access token, in an Authorization header.",
    },
  },
  application: {
    hosts: { help: "Its hosts, with the port if it is not the scheme's own. Absent: every host." },
    upstream: {
      help: "Where requests are passed on to, such as `http://127.0.0.1:8080`. Absent if another proxy asks the gateway, and passes them on itself.",
    },
    routes: {
      required: true,
      help: "A list of rules. The first whose path and method fit counts; what none fits is refused.",
    },
  },
  route: {
    path: {
      required: true,
      help: "A path as it is after percent-decoding, such as `/admin`, or with all below it, `/admin/**`.",
    },
    methods: { help: "Absent: every method. `GET` does not stand for `HEAD`." },
    access: { fallback: "signed-in", help: "`signed-in`, or `public` for everybody." },
    by: {
      fallback: "session",
      help: "What proves who is asking: the `session` of a browser, a `bearer` token, or `either`.",
    },
    groups: { fallback: "[]", help: "Groups, in one of which the user must be." },
    scopes: { fallback: "[]", help: "Scopes, all of which the access token must have." },
    claims: {
      help: "Claims that the token must have, each with the values that are let in: `claims: {department: [sales, support]}`.",
    },
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, GatewayKey>>>>;

export type GatewaySection = keyof typeof gatewayKeys;

/** The names of the keys of a section. */
export const keysOf = (section: GatewaySection): readonly string[] => Object.keys(gatewayKeys[section]);
