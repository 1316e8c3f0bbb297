/** Monotonic time that passes when a test says so. */
import type { MonotonicClock } from "../../src/http/monotonic.ts";

export interface ManualClock extends MonotonicClock {
  /** Lets so many milliseconds pass, every callback in time. */
  pass(milliseconds: number): void;
  /** Lets them pass while the thread is busy: callbacks come late. */
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
