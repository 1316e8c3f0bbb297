/**
 * Admission control for the one thread that reads requests; work for a processor has its own queues. When the thread
 * falls behind, each address may still ask for its share; a connection that asks for more is refused and not read again
 * for a moment. So a flood of calls, however cheap each is to refuse, slows down only its senders.
 */
import type { Socket } from "node:net";
import { holdings } from "./holdings.ts";
import type { MonotonicClock } from "./monotonic.ts";

const { window, lateAfter, least, addresses } = holdings.thread.limit;
/** How long a connection that asked for too much is left unread. Milliseconds. */
const pause = 500;

export interface Admission {
  /** Whether a call from this address (IPv6: this /64 network) is answered now. Counts the call. */
  admits(address: string): boolean;
  /**
   * Leaves a connection unread for a moment after its answer; not that of a trusted proxy, whose next request is
   * another client's.
   */
  hold(socket: Socket): void;
  /** Stops the timers. */
  close(): void;
}

export interface AdmissionOptions {
  /** The longest wait of an incoming request since the last call. Milliseconds. */
  readonly longestWait: () => number;
  /** Whether connections of this peer carry requests of many clients. */
  readonly trusts: (peer: string | undefined) => boolean;
}

export function createAdmission(
  { elapsed, every }: MonotonicClock,
  { longestWait, trusts }: AdmissionOptions,
): Admission {
  let counts = new Map<string, number>();
  let share = Number.POSITIVE_INFINITY;
  let last = elapsed();
  const held = new WeakSet<Socket>();

  /**
   * Divides what was answered in the last window evenly among those who asked. A single one who asked leaves some for
   * others.
   */
  const stop = every(window, () => {
    const now = elapsed();
    const late = Math.max(0, now - last - window);
    last = now;
    if (Math.max(late, longestWait()) <= lateAfter) share = Number.POSITIVE_INFINITY;
    else {
      const answered = [...counts.values()].reduce((sum, count) => sum + Math.min(count, share), 0);
      const inTime = (answered * window) / (window + late);
      share = Math.max(least, Math.ceil(inTime / Math.max(addresses, counts.size)));
    }
    if (counts.size > 0) counts = new Map();
  });

  return {
    admits(address) {
      const count = (counts.get(address) ?? 0) + 1;
      counts.set(address, count);
      return count <= share;
    },
    hold(socket) {
      if (trusts(socket.remoteAddress)) return;
      socket.pause();
      if (held.has(socket)) return;
      held.add(socket);
      setTimeout(() => {
        held.delete(socket);
        socket.resume();
      }, pause).unref();
    },
    close: stop,
  };
}
