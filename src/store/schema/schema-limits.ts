/** Tables that limits count in (schema.ts has the rules). */

/** Counters of failed guesses and of sent messages. */
export interface AttemptsTable {
  pool_id: string;
  /** The user id, or one of a fixed number of slots for names that do not exist, addresses and destinations. */
  subject: string;
  /** Identifies the current user of the slot, by a part of a MAC. Empty for users. */
  tag: string;
  /**
   * `password`, `forgot-password`, `passwords-per-address` …; `password@<source>` for a source where the user is known.
   */
  kind: string;
  count: number;
  /** The start of the counting window. */
  since: number;
  /** Until when no attempt is processed; 0 if not locked. */
  locked_until: number;
  expires_at: number;
}

/**
 * Networks that a user has signed in from, as MACs: attempts from there are counted separately from those of strangers.
 */
export interface KnownSourcesTable {
  pool_id: string;
  user_id: string;
  source: string;
  /** Null in rows of earlier versions. */
  first_seen_at: number | null;
  seen_at: number;
  expires_at: number;
}
