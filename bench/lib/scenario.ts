/** What is measured. */
import type { Limits } from "./limits.ts";
import type { Operation } from "./load.ts";
import type { Stage } from "./stage.ts";

export interface Scenario {
  readonly name: string;
  readonly title: string;
  /** CPU time that the operation cannot do without. Milliseconds. */
  readonly limit?: (limits: Limits) => number;
  readonly limitText?: string;
  /** Ratio of the limit to what it took. */
  readonly goal?: number;
  /** How many users with software tokens it needs, in a pool of their own. */
  readonly softwareTokens?: number;
  prepare(stage: Stage): Promise<Operation>;
}
