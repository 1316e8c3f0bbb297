/** The examples that `npm run example` starts. */

export interface Example {
  /** What it shows, in a line. */
  readonly shows: string;
  /** The ports that it likes, by the environment variables that receive its URLs. */
  readonly urls: Readonly<Record<string, number>>;
  /** Programs of its folder that run side by side, each until it says " is at http…". */
  readonly programs: readonly string[];
  /** Whether it needs TLS. */
  readonly tls?: boolean;
  /** What to open. */
  readonly open: string;
}

export const examples: Readonly<Record<string, Example>> = {
  accounts: {
    shows: "a server that creates accounts (its own record, the pool's user), a page that signs in by SRP",
    urls: { ACCOUNTS_URL: 3000 },
    programs: ["server.ts"],
    open: "ACCOUNTS_URL",
  },
  "web-app": {
    shows: "sign-in at the hosted pages (code grant), groups in the access token, an API beside the pages",
    urls: { APP_URL: 3000, PASSPORT_URL: 3001 },
    programs: ["server.ts", "passport.ts"],
    open: "APP_URL",
  },
  people: {
    shows: "an API that owns and migrates its store, and pages that call it with their user's token",
    urls: { WEB_URL: 3010, API_URL: 3011 },
    programs: ["api/server.ts", "web/server.ts"],
    open: "WEB_URL",
  },
};
