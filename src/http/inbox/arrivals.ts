/**
 * The messages of the inbox in the order in which this server, whichever of its workers, first saw them, so that a client can ask for those after
 * the ones that it knows. Times do not give that order: a message is dated when its request began, and can be seen later
 * than one that was dated after it, above all if a function words it.
 *
 * While somebody waits, one timer looks for new messages, of whatever server on this database.
 */
import type { App } from "../../app.ts";
import { BoundedMap } from "../../lib/bounded-map.ts";
import type { Numbered } from "../../lib/first-seen.ts";
import { type Message, recentMarks, recentMessages } from "../../store/outbox.ts";

/** How many of the newest messages are read. */
export const searched = 1_000;
/** How many are remembered; those forgotten first are long out of reach. */
export const remembered = 10 * searched;
/** How many requests wait at most. */
const mostWaiting = 100;
/** Milliseconds between two looks. */
const lookMs = 200;
/** How far back a cursor of another server goes, so that nothing is missed. Milliseconds. */
const repeatedMs = 60_000;

/** A message with its number in the order of arrival. */
export interface Arrived {
  readonly number: number;
  readonly message: Message;
}

/** Where a client is in the order of arrival. */
export interface Position {
  /** The order that this is a place in: of another server, or of this one before a restart, if it is not ours. */
  readonly of: string;
  /** The number of the last message that the client knows; 0 before the first. */
  readonly number: number;
  /** When the server gave it, in epoch milliseconds. */
  readonly at: number;
}

/** Numbers messages by their ids, for all workers of a server. */
export type NumberArrivals = (ids: readonly string[]) => Numbered | Promise<Numbered>;

/** Answers whoever waits, if what has arrived is enough for that. */
type Waiter = (arrived: readonly Arrived[]) => void;

export class TooManyWaiting extends Error {
  override name = "TooManyWaiting";
}

export class Arrivals {
  readonly #app: App;
  readonly #number: NumberArrivals;
  /** Names the order. Unknown before the first read. */
  #name: string | undefined;
  /** The number of each message by its id. */
  readonly #numbers = new BoundedMap<string, number>(remembered);
  /** Whatever has a number up to this one was in the database when it was last read here, or had been deleted. */
  #last = 0;
  /** The last number that those who wait have been told of. */
  #told = 0;
  readonly #marks = new BoundedMap<string, true>(remembered);
  /** Reads follow one another, so that no answer leaves out what a later number already counts. */
  #reading: Promise<unknown> = Promise.resolve();
  readonly #waiters = new Map<Waiter, (error: unknown) => void>();
  #timer: NodeJS.Timeout | undefined;

  constructor(app: App, number: NumberArrivals) {
    this.#app = app;
    this.#number = number;
  }

  /** The newest messages, in order of arrival. */
  read(): Promise<readonly Arrived[]> {
    const reading = this.#reading.then(() => this.#readNow());
    this.#reading = reading.catch(() => {});
    return reading;
  }

  /** The position after a message that was read; before the first one if undefined. */
  positionAfter(arrived: Arrived | undefined): Position {
    return { of: this.#name ?? "", number: arrived?.number ?? 0, at: this.#app.clock() };
  }

  /** Whether a message comes after a position; the position of another server may repeat messages of its last minute. */
  isAfter({ number, message }: Arrived, { of, number: known, at }: Position): boolean {
    return of === this.#name ? number > known : message.createdAt >= at - repeatedMs;
  }

  /**
   * Waits until `find` finds something among the messages, or the signal ends the wait. Returns undefined in that case.
   * Throws TooManyWaiting if too many others wait, and what the database throws.
   */
  async wait<T>(
    find: (arrived: readonly Arrived[]) => T | undefined,
    signal: AbortSignal,
  ): Promise<T | undefined> {
    const found = find(await this.read());
    if (found !== undefined || signal.aborted) return found;
    if (this.#waiters.size >= mostWaiting) throw new TooManyWaiting();
    const { promise, resolve, reject } = Promise.withResolvers<T | undefined>();
    const end = () => resolve(undefined);
    const waiter: Waiter = (arrived) => {
      const later = find(arrived);
      if (later !== undefined) resolve(later);
    };
    this.#waiters.set(waiter, reject);
    signal.addEventListener("abort", end);
    this.#lookLater();
    try {
      return await promise;
    } finally {
      signal.removeEventListener("abort", end);
      this.#waiters.delete(waiter);
      if (this.#waiters.size === 0) clearTimeout(this.#timer);
    }
  }

  async #readNow(): Promise<readonly Arrived[]> {
    const { db, clock } = this.#app;
    for (;;) {
      const found = (await recentMessages(db, clock(), searched)).toReversed();
      if (!(await this.#giveNumbers(found.map(({ id }) => id)))) continue;
      const arrived = found.map((message) => ({ message, number: this.#numbers.get(message.id)! }));
      return arrived.sort((one, other) => one.number - other.number);
    }
  }

  /**
   * Sees to it that these messages have numbers. Returns false if another worker has given some meanwhile: of messages, perhaps,
   * that came too late for this read and are before some of its own.
   */
  async #giveNumbers(found: readonly string[]): Promise<boolean> {
    const ids = found.filter((id) => !this.#numbers.has(id));
    if (ids.length === 0 && this.#name !== undefined) return true;
    const { order, numbers, before, last } = await this.#number(ids);
    this.#name = order;
    for (const [index, id] of ids.entries()) this.#numbers.set(id, numbers[index]!);
    const isComplete = before === this.#last;
    this.#last = last;
    return isComplete;
  }

  #lookLater(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#look(), lookMs);
  }

  /** Looks for new messages, and tells those who wait. */
  async #look(): Promise<void> {
    try {
      const { db, clock } = this.#app;
      const found = await recentMarks(db, clock(), searched);
      const isNew = found.some(({ id, mark }) => !this.#numbers.has(id) && !this.#marks.has(mark));
      // Another request may have been the first to see a message.
      if (isNew || this.#last > this.#told) {
        const arrived = await this.read();
        this.#told = arrived.at(-1)?.number ?? this.#last;
        for (const { mark } of found) this.#marks.set(mark, true);
        for (const waiter of [...this.#waiters.keys()]) waiter(arrived);
      }
    } catch (error) {
      for (const reject of [...this.#waiters.values()]) reject(error);
    }
    if (this.#waiters.size > 0) this.#lookLater();
  }
}
