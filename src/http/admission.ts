/**
 * Who is let in while there is more to answer than can be answered. Everything that waits for a processor has its own
 * queue; this is for the one thread that reads requests: when it falls behind, each address may go on asking as much as
 * its share, and a connection that asks for more is told so and not read again for a moment. So a flood of calls,
 * however cheap each is to refuse, slows its own senders.
 */
import type { Socket } from "node:net";
import { holdings } from "./holdings.ts";
import type { MonotonicClock } from "./monotonic.ts";

const { window, lateAfter, least, addresses } = holdings.thread.limit;
/** How long a connection that asked for too much is not read. Milliseconds. */
const pause = 500;

export interface Admission {
  /** Whether a call from this address (IPv6: from this network) is answered now. */
  admits(address: string): boolean;
  /** Leaves a connection unread for a moment, after its answer; not a trusted proxy's, whose next request is another client's. */
  hold(socket: Socket): void;
  /** Ends the measuring. */
  close(): void;
}

export interface AdmissionOptions {
  /** How long a newcomer had to wait, at most, since this was last asked. Milliseconds. */
  readonly longestWait: () => number;
  /** Whether connections of this peer are many clients'. */
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
   * What was answered in the last window, dealt out evenly among those who asked. Of that, who asked alone leaves some for
   * whoever comes next.
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
