/** Time that only passes: for how long something took, not for when it was. Tests let it pass themselves. */
export interface MonotonicClock {
  /** Milliseconds since some moment. */
  readonly elapsed: () => number;
  /** Calls back every so many milliseconds; returns how to stop it. */
  readonly every: (milliseconds: number, tick: () => void) => () => void;
}

export const machineClock: MonotonicClock = {
  elapsed: () => performance.now(),
  every: (milliseconds, tick) => {
    const timer = setInterval(tick, milliseconds).unref();
    return () => clearInterval(timer);
  },
};
