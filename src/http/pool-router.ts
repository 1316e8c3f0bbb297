/**
 * Finds the routes of a request: Hono's own router, whose search is remembered for the paths below a pool that have no
 * other parameter. It would cost a request as much as reading from the database.
 */
import type { Params, Result, Router } from "hono/router";
import { TrieRouter } from "hono/router/trie-router";
import { poolIdPattern, poolPath } from "./place.ts";

const belowPool = new RegExp(`^/(${poolIdPattern})(/.*)$`);

export class PoolRouter<T> implements Router<T> {
  readonly name = "PoolRouter";
  readonly #all = new TrieRouter<T>();
  /** The paths below a pool that routes have been added for, without a parameter. */
  readonly #paths = new Set<string>();
  /** Handlers by method and such a path: a bounded number, as Node knows the methods. */
  readonly #found = new Map<string, readonly T[]>();

  add(method: string, path: string, handler: T): void {
    this.#all.add(method, path, handler);
    const below = path.startsWith(poolPath) ? path.slice(poolPath.length) : "";
    if (/^(?:\/[\w.-]+)+$/.test(below)) this.#paths.add(below);
    this.#found.clear();
  }

  match(method: string, path: string): Result<T> {
    const [, poolId, below] = belowPool.exec(path) ?? [];
    if (poolId === undefined || below === undefined || !this.#paths.has(below))
      return this.#all.match(method, path);
    const name = `${method} ${below}`;
    const known = this.#found.get(name);
    if (known !== undefined) {
      const params: Params = { poolId };
      return [known.map((handler) => [handler, params])];
    }
    const result = this.#all.match(method, path);
    const handlers = handlersOf(result);
    if (handlers !== undefined) this.#found.set(name, handlers);
    return result;
  }
}

/** The handlers of a result; undefined if one of them has a parameter besides the pool's id. */
function handlersOf<T>([found]: Result<T>): readonly T[] | undefined {
  const handlers: T[] = [];
  for (const [handler, params] of found) {
    if (Object.keys(params).some((name) => name !== "poolId")) return undefined;
    handlers.push(handler);
  }
  return handlers;
}
