/** Settings that Node must have before any of our code runs; main.ts explains them. */
import { availableParallelism } from "node:os";
import { join } from "node:path";

/** Flags for V8. */
export const heapFlags: readonly string[] = [
  "--max-semi-space-size=4",
  "--heap-growing-percent=150",
  "--expose-gc",
  "--v8-pool-size=1",
];

/** The value of UV_THREADPOOL_SIZE. */
export const threadPoolSize = (): string => String(Math.max(8, 2 * availableParallelism() + 4));

/** The environment, for what is not already set. */
export const launchEnvironment = (): Readonly<Record<string, string>> => ({
  NODE_COMPILE_CACHE: join(import.meta.dirname, "..", "..", "node_modules", ".cache", "poolhouse"),
  MALLOC_ARENA_MAX: "2",
});
