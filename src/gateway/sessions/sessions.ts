/** What a session is, and what keeps one. */
import type { Identity } from "../identity.ts";

export type Claims = Readonly<Record<string, unknown>>;

/** What the provider gave for the session. */
export interface Tokens {
  readonly accessToken: string;
  /** Epoch milliseconds. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly refreshToken: string | undefined;
  readonly idToken: string | undefined;
}

export interface Session {
  readonly identity: Identity;
  readonly tokens: Tokens;
  /** What the userinfo endpoint said; undefined if it was not asked. */
  readonly userInfo: Claims | undefined;
  /** The provider's name for its own session (`sid` of OpenID Connect Back-Channel Logout 1.0). */
  readonly sid: string | undefined;
  /** Epoch milliseconds. */
  readonly startedAt: number;
  readonly seenAt: number;
}

/** Where a session was found: what its keeper needs to change it. */
export interface Kept {
  readonly session: Session;
  /** The name of its row, or of the sealed value. */
  readonly key: string;
  readonly version: number;
}

/** More than one cookie of the session's name: one of them was set by another host or path, and none is believed. */
export class AmbiguousCookies extends Error {
  override name = "AmbiguousCookies";
}

/** For those to whom ambiguous cookies are as good as none. */
export function nothingClear(error: unknown): undefined {
  if (error instanceof AmbiguousCookies) return undefined;
  throw error;
}

export interface Found extends Kept {
  /** Set-Cookie headers for the answer. */
  readonly cookies: readonly string[];
}

export interface Keeper {
  /** Keeps a new session. Returns its Set-Cookie headers. @throws TooLarge if it would have to fit into cookies */
  start(session: Session): Promise<readonly string[]>;
  /**
   * The session that a request's cookies name, unless it has ended.
   * @param anew reads it from where all gateways keep it, not from memory
   * @throws AmbiguousCookies
   */
  find(cookie: string | undefined, anew?: "anew"): Promise<Found | undefined>;
  /** All sessions that a request's cookies name, as a sign-out ends them: read anew, also from ambiguous cookies if it can. */
  findAll(cookie: string | undefined): Promise<readonly Found[]>;
  /**
   * Takes the right to refresh the session's tokens, which one has at a time where several gateways share sessions.
   * False if another has it, or the session has changed meanwhile.
   */
  claim(kept: Kept): Promise<boolean>;
  /** Replaces a session whose refresh was claimed. Undefined if it has ended meanwhile: its new tokens are nobody's. */
  replace(kept: Kept, session: Session): Promise<Found | undefined>;
  /** Gives the right back without new tokens. */
  release(kept: Kept): Promise<void>;
  /** Ends a session. */
  end(kept: Kept): Promise<void>;
  /** Ends a session unless its tokens were replaced meanwhile. Returns whether it did. */
  endUnchanged(kept: Kept): Promise<boolean>;
  /**
   * Ends the sessions of the provider's session, or of the user. With both, of the provider's session, and those of the user
   * for which the provider has named none. Returns how many; undefined if nobody keeps them.
   */
  endAll(of: {
    readonly issuer: string;
    readonly subject?: string;
    readonly sid?: string;
  }): Promise<number | undefined>;
  /** Whether a changed session has to leave with the answer to the request that changed it. */
  readonly needsAnswer: boolean;
  /** Set-Cookie headers that remove the session from the browser. */
  readonly removal: readonly string[];
  /** Whether the cookies of a request belong to the session, so that no application gets them. */
  isOurs(cookieName: string): boolean;
  /** Removes what has ended. */
  sweep(): Promise<void>;
  ping(): Promise<void>;
  close(): Promise<void>;
}
