/** The examples that `npm run example` starts. */

export interface Example {
  /** What it shows, in a line. */
  readonly shows: string;
  /** The ports that it likes, by the environment variables that receive its URLs. */
  readonly urls: Readonly<Record<string, number>>;
  /**
   * Scripts that run once, one after another, and say what there is to know; by default its setup.ts. Paths are below
   * examples/.
   */
  readonly setups?: readonly string[];
  /**
   * A script that writes poolhouse.yaml, the configuration file with the functions of the pool's triggers, into the example's
   * folder, before Poolhouse is started with it. The key that policy.json allows is in its environment, not in that of the
   * programs. The path is below examples/.
   */
  readonly functions?: string;
  /** Whether it has a gateway, whose file gateway.yaml its setup writes. */
  readonly gateway?: boolean;
  /** Programs that run side by side, each until it says " is at http…". Paths are below examples/. */
  readonly programs: readonly string[];
  /** The part of what its setups say that is said again when kept data is started; everything otherwise. */
  readonly lasting?: RegExp;
  /** Whether it needs https. */
  readonly tls?: boolean;
  /** Further environment variables of its programs, which take precedence over `urls`. */
  environment?(place: { readonly poolhouse: string; readonly ports: Readonly<Record<string, number>> }): {
    readonly [name: string]: string;
  };
  /** The variable with the URL to open; Poolhouse's own pages otherwise. */
  readonly open?: string;
}

export const examples: Readonly<Record<string, Example>> = {
  "api-authorizer": {
    shows: "an API behind a Lambda authorizer of API Gateway, and on plain Node.js: groups and scopes decide",
    urls: { API_URL: 3050 },
    programs: ["api-authorizer/server.ts"],
    open: "API_URL",
  },
  people: {
    shows: "an API that owns and migrates its store, and pages that call it with their user's token",
    urls: { WEB_URL: 3010, API_URL: 3011 },
    programs: ["people/api/server.ts", "people/web/server.ts"],
    open: "WEB_URL",
  },
  accounts: {
    shows: "a server that creates accounts (its own record, the pool's user), a page that signs in by SRP",
    urls: { ACCOUNTS_URL: 3000 },
    programs: ["accounts/server.ts"],
    open: "ACCOUNTS_URL",
  },
  "api-login": {
    shows:
      "an API with its own sign-in (ADMIN_NO_SRP_AUTH), called by the users of web-app with their tokens",
    urls: { APP_URL: 3000, PASSPORT_URL: 3001, API_URL: 3002 },
    setups: ["web-app/setup.ts", "api-login/setup.ts"],
    programs: ["api-login/server.ts", "web-app/server.ts"],
    open: "APP_URL",
  },
  federation: {
    shows:
      "sign-in with Google, Facebook, OpenID and SAML at the hosted pages, by stand-ins that run locally",
    urls: { APP_URL: 3040, GOOGLE_URL: 3041, FACEBOOK_URL: 3042, OPENID_URL: 3043, SAML_URL: 3044 },
    functions: "federation/functions.ts",
    programs: ["federation/stand-ins/server.ts", "federation/app/server.ts"],
    open: "APP_URL",
  },
  cms: {
    shows:
      "a CMS and a shop of one domain behind the gateway, with the users of an older system (needs https)",
    urls: {
      ...{ GATEWAY_URL: 3050, AUTH_URL: 3051, BACKEND_URL: 3052, SHOP_URL: 3053, LEGACY_URL: 3054 },
      GOOGLE_URL: 3055,
    },
    functions: "legacy-cms/functions.ts",
    gateway: true,
    programs: [
      ...["legacy-cms/legacy/server.ts", "cms/google/server.ts", "cms/cms/server.ts", "cms/shop/server.ts"],
    ],
    environment: ({ ports }) => ({
      AUTH_URL: `https://auth-api.example.test:${ports["AUTH_URL"]}/`,
      CMS_URL: `https://cms.example.test:${ports["AUTH_URL"]}/`,
      SHOP_URL: `https://shop.example.test:${ports["SHOP_URL"]}/`,
    }),
    open: "CMS_URL",
  },
  "identity-pool": {
    shows:
      "a page with temporary credentials of an identity pool, and an API that a group's role opens (IAM authorization)",
    urls: { PAGE_URL: 3060 },
    programs: ["identity-pool/server.ts"],
    open: "PAGE_URL",
  },
  "legacy-cms": {
    shows:
      "users of an older system move over at their first sign-in (UserMigration), which goes on beside it",
    urls: { CMS_URL: 3020, LEGACY_URL: 3021 },
    functions: "legacy-cms/functions.ts",
    programs: ["legacy-cms/legacy/server.ts", "legacy-cms/cms/server.ts"],
    open: "CMS_URL",
  },
  "react-amplify": {
    shows: "a React page with Amplify: SRP, redirects to the hosted pages, passkeys (needs https)",
    urls: { PAGE_URL: 3000 },
    programs: ["react-amplify/start.ts"],
    tls: true,
    environment: ({ poolhouse, ports }) => ({
      POOLHOUSE_ENDPOINT: poolhouse,
      PORT: String(ports["PAGE_URL"]),
    }),
    open: "PAGE_URL",
  },
  triggers: {
    shows:
      "a handler for each trigger, and an application that signs people in by a link in a mail (CUSTOM_AUTH)",
    urls: { APP_URL: 3030, MAIL_URL: 3031, SMTP_URL: 3032 },
    functions: "triggers/functions.ts",
    programs: ["triggers/mailbox/server.ts", "triggers/app/server.ts"],
    environment: ({ ports }) => ({ SMTP_URL: `smtp://127.0.0.1:${ports["SMTP_URL"]}` }),
    open: "APP_URL",
  },
  walk: {
    shows: "attributes, groups, verification, invitation, branding, password reset: each step as it happens",
    urls: {},
    setups: ["walk/walk.ts"],
    lasting: /^The pool stays.+/ms,
    programs: [],
    environment: () => ({ WALK_KEEP: "1" }),
  },
  "web-app": {
    shows: "sign-in at the hosted pages (code grant), groups in the access token, an API beside the pages",
    urls: { APP_URL: 3000, PASSPORT_URL: 3001 },
    programs: ["web-app/server.ts", "web-app/passport.ts"],
    open: "APP_URL",
  },
};
