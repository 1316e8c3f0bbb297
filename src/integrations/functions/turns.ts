/** A bounded queue before one function: so many of its calls run at once, and so many more wait. */
import { FunctionError } from "./functions.ts";

export interface CallQueue {
  /** Runs a call in its turn. Throws FunctionError (TooManyRequestsException) if too many wait, or it waits too long. */
  run<T>(call: () => Promise<T>): Promise<T>;
}

const tooMany = () => new FunctionError("unreachable", "TooManyRequestsException");

/** @param options.patienceMs how long a call waits at most */
export function createCallQueue(options: {
  readonly concurrency: number;
  readonly queue: number;
  readonly patienceMs: number;
}): CallQueue {
  const waiting = new Set<() => void>();
  let running = 0;
  const turn = () =>
    new Promise<void>((resolve, reject) => {
      const begin = () => {
        clearTimeout(timer);
        waiting.delete(begin);
        resolve();
      };
      const timer = setTimeout(() => {
        waiting.delete(begin);
        reject(tooMany());
      }, options.patienceMs);
      waiting.add(begin);
    });
  return {
    run: async (call) => {
      if (running >= options.concurrency) {
        if (waiting.size >= options.queue) throw tooMany();
        // Whoever ends passes its place on, so that nobody overtakes those who wait.
        await turn();
      } else running += 1;
      try {
        return await call();
      } finally {
        const [next] = waiting;
        if (next === undefined) running -= 1;
        else next();
      }
    },
  };
}
