/** The metrics of all workers: asked for together, with what ended workers have counted. */
import { addCounts, type Snapshot } from "../lib/metric-sums.ts";

/** How long a worker may take to answer; of one that takes longer the last answer is used. Milliseconds. */
const patienceMs = 2_000;

export class WorkerSnapshots {
  /** What workers that have ended had counted when they were last asked. */
  #ended: Snapshot = [];
  /** What each worker last answered. */
  readonly #last = new Map<number, Snapshot>();
  /** The questions not yet answered by all, and by whom they are not. */
  readonly #open = new Map<number, { readonly missing: Set<number>; readonly done: () => void }>();
  #questions = 0;

  /**
   * The metrics of the workers with these numbers, and of those before them.
   * @param ask sends the question with this id to a worker
   */
  async collect(numbers: readonly number[], ask: (number: number, id: number) => void): Promise<Snapshot[]> {
    const id = ++this.#questions;
    const { promise, resolve } = Promise.withResolvers<void>();
    const late = setTimeout(resolve, patienceMs);
    this.#open.set(id, { missing: new Set(numbers), done: resolve });
    if (numbers.length === 0) resolve();
    for (const number of numbers) ask(number, id);
    await promise;
    clearTimeout(late);
    this.#open.delete(id);
    return [...this.#last.values(), this.#ended];
  }

  /** A worker has answered a question, or says for good what it has counted (without an id). */
  answered(number: number, id: number | undefined, snapshot: Snapshot): void {
    this.#last.set(number, snapshot);
    if (id !== undefined) this.#settle(id, number);
  }

  /** A worker has ended. */
  ended(number: number): void {
    this.#ended = addCounts(this.#ended, this.#last.get(number) ?? []);
    this.#last.delete(number);
    for (const id of this.#open.keys()) this.#settle(id, number);
  }

  #settle(id: number, number: number): void {
    const question = this.#open.get(id);
    question?.missing.delete(number);
    if (question?.missing.size === 0) question.done();
  }
}
