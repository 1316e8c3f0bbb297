/** The type of a scenario. */
import type { Limits } from "./limits.ts";
import type { Operation } from "./load.ts";
import type { Stage } from "./stage.ts";

export interface Scenario {
  readonly name: string;
  readonly title: string;
  /** CPU time that the operation cannot do without, in milliseconds. */
  readonly limit?: (limits: Limits) => number;
  readonly limitText?: string;
  /** The ratio of the limit to the measured time that should be reached. */
  readonly goal?: number;
  /** How many users with software tokens it needs, in a separate pool. */
  readonly softwareTokens?: number;
  prepare(stage: Stage): Promise<Operation>;
}
