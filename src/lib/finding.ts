/** What was found by a check of something that runs, or is about to. */
export interface Finding {
  /** `"perhaps"` deserves a look, but is not a failure. */
  readonly ok: boolean | "perhaps";
  readonly text: string;
}
