/** Monotonic time that the test advances. */
import type { MonotonicClock } from "../../src/http/monotonic.ts";

export interface ManualClock extends MonotonicClock {
  /** Advances the time, with every callback on time. */
  pass(milliseconds: number): void;
  /** Advances the time as if the thread were busy: callbacks are late. */
  stall(milliseconds: number): void;
}

export function manualClock(): ManualClock {
  let now = 0;
  const timers = new Set<{ readonly period: number; due: number; readonly tick: () => void }>();
  const run = (timer: { readonly period: number; due: number; readonly tick: () => void }) => {
    timer.due = now + timer.period;
    timer.tick();
  };
  return {
    elapsed: () => now,
    every: (period, tick) => {
      const timer = { period, due: now + period, tick };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    pass: (milliseconds) => {
      const end = now + milliseconds;
      for (;;) {
        const [next] = [...timers].sort((a, b) => a.due - b.due);
        if (next === undefined || next.due > end) break;
        now = next.due;
        run(next);
      }
      now = end;
    },
    stall: (milliseconds) => {
      now += milliseconds;
      for (const timer of timers) if (timer.due <= now) run(timer);
    },
  };
}
