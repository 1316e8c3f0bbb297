/** A monotonic clock for durations; tests advance it themselves. */
export interface MonotonicClock {
  /** Milliseconds since an arbitrary moment. */
  readonly elapsed: () => number;
  /** Calls `tick` at an interval in milliseconds; returns a function that stops it. */
  readonly every: (milliseconds: number, tick: () => void) => () => void;
}

export const machineClock: MonotonicClock = {
  elapsed: () => performance.now(),
  every: (milliseconds, tick) => {
    const timer = setInterval(tick, milliseconds).unref();
    return () => clearInterval(timer);
  },
};

/** Whole milliseconds since a value of `performance.now()`. */
export function millisecondsSince(began: number): number {
  return Math.round(performance.now() - began);
}
