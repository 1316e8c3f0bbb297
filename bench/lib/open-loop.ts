/** Open-loop load: calls at a fixed rate, however many of them have been answered. */
import { Connection } from "./connection.ts";
import type { BenchServer } from "./server.ts";

/** One request of a flood. */
export type Request = (connection: Connection, turn: number) => Promise<{ status: number; body: string }>;

interface Tally {
  good: number;
  /** Milliseconds until TooManyRequestsException. */
  readonly refused: number[];
  other: number;
  unsent: number;
}

/** Calls at a fixed rate, whether or not earlier ones have been answered; each on a free connection. */
export class OpenLoop {
  readonly tally: Tally = { good: 0, refused: [], other: 0, unsent: 0 };
  readonly latencies: number[] = [];
  readonly #free: Connection[];
  readonly #request: Request;
  #turn = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    server: BenchServer,
    options: { connections: number; addresses: readonly string[]; request: Request },
  ) {
    const { connections, addresses } = options;
    this.#free = Array.from(
      { length: connections },
      (_, index) => new Connection(server.port, addresses[index % addresses.length]),
    );
    this.#request = options.request;
  }

  start(perSecond: number): void {
    const began = performance.now();
    let sent = 0;
    this.#timer = setInterval(() => {
      const due = ((performance.now() - began) / 1000) * perSecond;
      for (; sent < due; sent++) void this.#send();
    }, 2);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  reset(): void {
    Object.assign(this.tally, { good: 0, other: 0, unsent: 0 });
    this.tally.refused.length = 0;
    this.latencies.length = 0;
  }

  async #send(): Promise<void> {
    // The least recently used one, so that all of them, and their addresses, take turns.
    const connection = this.#free.shift();
    if (connection === undefined) {
      this.tally.unsent++;
      return;
    }
    const turn = this.#turn++;
    const began = performance.now();
    try {
      const answer = await this.#request(connection, turn);
      const took = performance.now() - began;
      if (answer.status === 200) {
        this.tally.good++;
        this.latencies.push(took);
      } else if (answer.body.includes("TooManyRequestsException")) this.tally.refused.push(took);
      else this.tally.other++;
    } catch {
      this.tally.other++;
    }
    this.#free.push(connection);
  }
}
