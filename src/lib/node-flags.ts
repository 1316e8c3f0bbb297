/** Settings that Node must have before any of our code runs; main.ts explains them. */
import { availableParallelism } from "node:os";

/** Flags for V8. */
export const heapFlags: readonly string[] = [
  "--max-semi-space-size=4",
  "--heap-growing-percent=150",
  "--expose-gc",
];

/** The value of UV_THREADPOOL_SIZE. */
export const threadPoolSize = (): string => String(Math.max(8, 2 * availableParallelism() + 4));
