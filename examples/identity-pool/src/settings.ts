/** What the page needs to know; page.ts has the build insert it. */
export interface Settings {
  /** The URL of Poolhouse. */
  readonly poolhouse: string;
  readonly region: string;
  readonly userPoolId: string;
  readonly clientId: string;
  readonly identityPoolId: string;
  /** Null if none is configured. */
  readonly store: Store | null;
}

/** A bucket in a store for S3. */
export interface Store {
  readonly url: string;
  readonly bucket: string;
  /** The role of the group `files`. */
  readonly roleArn: string;
}

declare const SETTINGS: Settings;

export const settings = SETTINGS;
