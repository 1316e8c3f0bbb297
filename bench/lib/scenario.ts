/** The type of a scenario. */
import type { LimitName } from "./limits.ts";
import type { Operation } from "./load.ts";
import type { Stage } from "./stage.ts";

/** The ratio of the limit to the measured CPU that should be reached, by database, or the CPU in milliseconds. */
export type Goal = { readonly sqlite: number; readonly postgres: number } | { readonly ms: number };

export interface Scenario {
  readonly name: string;
  readonly title: string;
  /** What the operation cannot do without: how many of each limit. */
  readonly limit?: Readonly<Partial<Record<LimitName, number>>>;
  readonly goal?: Goal;
  /**
   * Fewer connections than usual, where many requests in progress make the server's thread so late on a slow machine that
   * it turns callers away (src/http/admission.ts): still enough to keep it busy.
   */
  readonly connections?: number;
  /** How many users with software tokens it needs, in a separate pool. */
  readonly softwareTokens?: number;
  prepare(stage: Stage): Promise<Operation>;
}
